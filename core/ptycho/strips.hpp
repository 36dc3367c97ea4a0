// Loops over the strips of a view, where the operators become vector instructions. What a strip is, see
// core/device/simd.hpp.
#pragma once

#include <type_traits>

#include "core/device/simd.hpp"
#include "core/ptycho/kernels.hpp"

namespace ptychoflow::ptycho::strips {

/// Part of an image, real and imaginary parts apart, rows `step` numbers apart: as wide as a strip, whose lanes beyond
/// the frame fall on numbers, too.
template <class N>
struct Planar {
  N* re = nullptr;
  N* im = nullptr;
  Index step = 0;
};

/// From pixel `at` of mode m of an image [mode][y][re, im][x]; null if it is empty.
template <class N>
Planar<N> planar(View<N, 4> image, Index m, Yx<Index> at) {
  if (image.empty()) return {};
  return {&image(m, at.y, 0, at.x), &image(m, at.y, 1, at.x), 2 * image.extent(3)};
}

/// A strip as part of an image.
template <class N>
Planar<N> planar(N* strip, Index lanes = device::strip_lanes<std::remove_const_t<N>>) {
  return {strip, strip + lanes, 2 * lanes};
}

/// How a frame's model fits, and over how many pixels.
struct Deviation {
  FitSums fit;
  double measured_pixels = 0;
  double step = 0;  ///< Σ op::step_at_detector

  Deviation& operator+=(const Deviation& b) {
    fit += b.fit;
    measured_pixels += b.measured_pixels;
    step += b.step;
    return *this;
  }
};

/// Where a sum goes. `Number`: T, or std::int64_t for whole numbers (core/ptycho/fixed_point.hpp).
template <class Number>
struct Sum {
  Planar<Number> to;          ///< nowhere if it is empty
  double scale = 0;           ///< of whole numbers
  double* largest = nullptr;  ///< is set to the largest term in these units, if that is larger
};
using WholeSum = Sum<std::int64_t>;

template <class T>
struct Loops {
  /// wave ← PO
  void (*multiply)(T* wave, const T* p, Planar<const T> o, Index rows);
  /// wave ← 2PO − ψ; returns Σ op::step_when_reflected
  double (*reflect)(T* wave, const T* p, Planar<const T> o, const T* psi, Index rows);
  /// (3), given δ of magnitudes replaced whole. Adds P*ψ to `sum`; returns Σ op::step_when_updated and Σ|ψ|².
  ChangeSums (*update)(T* psi, const T* delta, const T* p, Planar<const T> o, T beta, T pull, Sum<T> sum, Index rows);
  ChangeSums (*update_whole)(T* psi, const T* delta, const T* p, Planar<const T> o, T beta, T pull, WholeSum sum,
                             Index rows);
  /// sum ← sum + a*ψ: op::overlap_term, with a = P for the object's sum and a = O for the probe's
  void (*add_overlap_term)(Sum<T> sum, Planar<const T> a, const T* psi, Index rows);
  void (*add_whole_overlap_term)(WholeSum sum, Planar<const T> a, const T* psi, Index rows);
  /// sum ← sum + |wave|²: [row][lane]
  void (*add_norm)(T* sum, const T* wave, Index rows);
  /// model ← √model·scale: [row][lane]. Row y of `model` is compared with row `order[y]` of `measured`.
  Deviation (*compare)(T* model, const T* measured, const Index* order, T scale, Index rows);
  /// model ← scale · op::modulus_change, rows as in `compare`
  void (*modulus_change)(T* model, const T* measured, const Index* order, T scale, Index rows);
  /// wave ← factor·wave
  void (*scale)(T* wave, const T* factor, Index rows);
};

template <class T>
Loops<T> loops(device::Simd simd = device::best_simd());

}  // namespace ptychoflow::ptycho::strips
