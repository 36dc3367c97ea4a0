// How the CPU cuts the frames of a scan into strips (core/device/simd.hpp), and what works on them.
#pragma once

#include <algorithm>

#include "core/device/strip_fft.hpp"
#include "core/ptycho/strips.hpp"

namespace ptychoflow::ptycho {

/// The same for all threads.
template <class T>
struct StripPlan {
  static constexpr Index lanes = device::strip_lanes<T>;
  static constexpr Index row = device::strip_row<T>;

  Yx<Index> frame;
  device::StripFft<T> along_y, along_x;
  strips::Loops<T> loops = strips::loops<T>();

  explicit StripPlan(Yx<Index> size) : frame(size), along_y(size.y), along_x(size.x) {}

  Index strips() const { return (frame.x + lanes - 1) / lanes; }  ///< of columns
  Index columns(Index s) const { return std::min(lanes, frame.x - s * lanes); }
  Index tiles() const { return (frame.y + lanes - 1) / lanes; }  ///< of a strip of columns; strips of rows
  Index strip_size() const { return frame.y * row; }             ///< numbers, of an exit wave or a probe
  Index mode_size() const { return strips() * strip_size(); }
  /// Numbers of a strip that is turned: whole tiles, and a row more, so that strips do not meet in the same cache sets.
  Index wave_size() const { return (tiles() * lanes + 1) * row; }
};

/// From [y][x] to [strip][row, re/im, lane], zeros in the lanes beyond the frame.
template <class T>
void pack(const StripPlan<T>& plan, View<const Complex<T>, 2> image, T* strips);

/// The way back.
template <class T>
void unpack(const StripPlan<T>& plan, const T* strips, View<Complex<T>, 2> image);

/// The same way, for numbers of any kind that lie like a wave: image ← image + strips.
template <class T, class Number>
void add_unpacked(const StripPlan<T>& plan, const Number* strips, View<Complex<Number>, 2> image);

}  // namespace ptychoflow::ptycho
