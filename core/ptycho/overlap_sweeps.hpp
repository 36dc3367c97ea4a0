// Sweeps of a GPU over probe and object: the sums of (5) and (6) that are gathered pixel by pixel, their quotients, and
// what constrains or turns the result. See sweeps.hpp.
#pragma once

#include "core/ptycho/sweeps.hpp"
#include "core/ptycho/tile_lists.hpp"

namespace ptychoflow::ptycho::sweep {

/// A sum of numbers as they are.
template <class V>
struct Plain {
  using Sum = V;
  PTYCHOFLOW_HOST_DEVICE Sum term(V v) const { return v; }
};

/// A sum of whole numbers (core/ptycho/fixed_point.hpp). Sets the flag if a term is too large for it.
template <class V>
struct Whole;
template <class T>
struct Whole<Complex<T>> {
  using Sum = Complex<std::int64_t>;
  FixedPoint scale;
  std::int32_t* too_large;
  PTYCHOFLOW_HOST_DEVICE Sum term(Complex<T> v) const { return {part(v.re), part(v.im)}; }
  PTYCHOFLOW_HOST_DEVICE std::int64_t part(T v) const {
    const double scaled = static_cast<double>(v) * scale.scale;
    if (!(scaled <= scale.limit && -scaled <= scale.limit)) *too_large = 1;
    return whole(scaled);
  }
};
template <>
struct Whole<float> {
  using Sum = std::int64_t;
  FixedPoint scale;
  PTYCHOFLOW_HOST_DEVICE Sum term(float v) const { return whole(static_cast<double>(v) * scale.scale); }
};
template <>
struct Whole<double> {
  using Sum = std::int64_t;
  FixedPoint scale;
  PTYCHOFLOW_HOST_DEVICE Sum term(double v) const { return whole(v * scale.scale); }
};

/// Some local views: [first, last).
struct ViewRange {
  Index first, last;
  PTYCHOFLOW_HOST_DEVICE bool has(Index v) const { return first <= v && v < last; }
  PTYCHOFLOW_HOST_DEVICE Index start(Index part, Index parts) const { return first + (last - first) * part / parts; }
};

/// Adds to the numerator of (6) by object pixels, from place `start` on, each over the views of its tile in their
/// order. Group: object mode.
template <class T, class Kind>
struct GatherObject {
  Fields<T> fields;
  Tiles tiles;
  ViewRange views;
  const Complex<T>* psi;
  Kind kind;
  Index start;
  typename Kind::Sum* numerator;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index l, Index i) const { gather(l, start + i); }

 private:
  PTYCHOFLOW_HOST_DEVICE void gather(Index l, Index place) const {
    typename Kind::Sum sum{};
    const ObjectPixel pixel = tiles.pixel(place);
    for (Index at = tiles.first(pixel); at < tiles.last(pixel); ++at) {
      const Index v = tiles.views[at];
      const Index i = tiles.frame_pixel(pixel, fields.views[v].y, fields.views[v].x);
      if (i < 0 || !views.has(v)) continue;
      Complex<T> term{};
      for (Index k = 0; k < fields.probe_modes; ++k)
        term += op::overlap_term(fields.p(k, i), psi[fields.psi(v, k, l, i)]);
      sum += kind.term(term);
    }
    numerator[l * fields.object_pixels + place] += sum;
  }
};

/// Numerator of (5), over one of several parts of the views. Group: part · M_P + probe mode.
template <class T, class Kind>
struct GatherProbe {
  Fields<T> fields;
  ViewRange views;
  Index parts;
  const Complex<T>* psi;
  Kind kind;
  typename Kind::Sum* sums;  ///< [part][k][y][x]

  PTYCHOFLOW_HOST_DEVICE void operator()(Index group, Index i) const {
    const Index part = group / fields.probe_modes, k = group % fields.probe_modes;
    typename Kind::Sum sum{};
    for (Index v = views.start(part, parts); v < views.start(part + 1, parts); ++v) {
      const Index place = fields.place(v, i);
      Complex<T> term{};
      for (Index l = 0; l < fields.object_modes; ++l)
        term += op::overlap_term(fields.o(l, place), psi[fields.psi(v, k, l, i)]);
      sum += kind.term(term);
    }
    sums[group * fields.frame_pixels + i] = sum;
  }
};

/// Adds Σ over parts, in their order. Group: probe mode.
template <class V>
struct AddParts {
  Index parts, modes, pixels;
  const V* sums;
  V* total;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index k, Index i) const {
    V sum{};
    for (Index part = 0; part < parts; ++part) sum += sums[(part * modes + k) * pixels + i];
    total[k * pixels + i] += sum;
  }
};

/// A sum of whole numbers, in floating point. One group.
template <class V, class Sum>
struct Settle {
  double unit;
  const Sum* sums;
  V* total;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index, Index i) const { total[i] = settled(sums[i]); }

 private:
  template <class T>
  static PTYCHOFLOW_HOST_DEVICE T part(std::int64_t sum, double unit) {
    return static_cast<T>(static_cast<double>(sum) * unit);
  }
  PTYCHOFLOW_HOST_DEVICE V settled(std::int64_t sum) const { return part<V>(sum, unit); }
  PTYCHOFLOW_HOST_DEVICE V settled(Complex<std::int64_t> sum) const {
    return {part<decltype(V::re)>(sum.re, unit), part<decltype(V::re)>(sum.im, unit)};
  }
};

/// Σ over modes of |·|²: light of the probe, transmission of the object. One group.
template <class T>
struct Intensity {
  const Complex<T>* modes;
  Index count, pixels;
  T* sum;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index, Index i) const {
    T total = 0;
    for (Index m = 0; m < count; ++m) total += norm(modes[m * pixels + i]);
    sum[i] = total;
  }
};

/// Denominator of (6): the light of all views of the scan on an object pixel. One group.
template <class T>
struct CoverObject {
  Tiles tiles;
  const Yx<std::int32_t>* windows;
  const T* light;
  T* denominator;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index, Index place) const {
    T sum = 0;
    const ObjectPixel pixel = tiles.pixel(place);
    for (Index at = tiles.first(pixel); at < tiles.last(pixel); ++at) {
      const Yx<std::int32_t> window = windows[tiles.views[at]];
      const Index i = tiles.frame_pixel(pixel, window.y, window.x);
      if (i >= 0) sum += light[i];
    }
    denominator[place] = sum;
  }
};

/// Denominator of (5), over one of several parts of this rank's views. Group: part.
template <class T, class Kind>
struct CoverProbe {
  Fields<T> fields;
  ViewRange views;
  Index parts;
  const T* transmission;
  Kind kind;
  typename Kind::Sum* sums;  ///< [part][y][x]

  PTYCHOFLOW_HOST_DEVICE void operator()(Index part, Index i) const {
    typename Kind::Sum sum{};
    for (Index v = views.start(part, parts); v < views.start(part + 1, parts); ++v)
      sum += kind.term(transmission[fields.place(v, i)]);
    sums[part * fields.frame_pixels + i] = sum;
  }
};

/// The largest of the values it is given.
template <class T>
struct Largest {
  T value = 0;

  PTYCHOFLOW_HOST_DEVICE Largest& operator+=(const Largest& b) {
    if (b.value > value) value = b.value;
    return *this;
  }
};

template <class V, class T>
struct Take {
  const T* values;

  PTYCHOFLOW_HOST_DEVICE V operator()(Index, Index i) const { return V{values[i]}; }
};

/// Σ|·|² over modes of a pixel, to find the largest.
template <class T>
struct Power {
  const Complex<T>* modes;
  Index count, pixels;

  PTYCHOFLOW_HOST_DEVICE Largest<T> operator()(Index, Index i) const {
    T total = 0;
    for (Index m = 0; m < count; ++m) total += norm(modes[m * pixels + i]);
    return {total};
  }
};

/// The quotient of (5) or (6), in place, in rows from `first` on; rows of all modes are counted through. Group: row.
template <class T>
struct Divide {
  const Complex<T>* numerator;
  const T* denominator;
  T floor, lit;
  Index first, height, width;
  Complex<T>* target;

  PTYCHOFLOW_HOST_DEVICE ChangeSums operator()(Index group, Index x) const {
    const Index row = first + group;
    const T light = denominator[row % height * width + x];
    Complex<T>& value = target[row * width + x];
    const Complex<T> old = value;
    const Complex<T> updated = op::overlap_quotient(numerator[row * width + x], light, old, floor);
    value = updated;
    if (light < lit) return {};
    return {static_cast<double>(norm(updated - old)), static_cast<double>(norm(updated))};
  }
};

template <class V>
struct Copy {
  const V* source;
  V* target;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index, Index i) const { target[i] = source[i]; }
};

/// target_k ← Σ_m rotation[k][m] source_m. Group: array of `modes` modes, `stride` elements from one mode to the next.
template <class T>
struct RotateModes {
  const Complex<double>* rotation;
  Index modes, stride;
  const Complex<T>* source;
  Complex<T>* target;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index group, Index i) const {
    const Index start = group * modes * stride + i;
    for (Index k = 0; k < modes; ++k) {
      Complex<T> sum{};
      for (Index m = 0; m < modes; ++m) {
        const Complex<double> u = rotation[k * modes + m];
        sum += Complex<T>{static_cast<T>(u.re), static_cast<T>(u.im)} * source[start + m * stride];
      }
      target[start + k * stride] = sum;
    }
  }
};

/// Group: object mode.
template <class T>
struct Bound {
  ObjectBounds bounds;
  Index pixels;
  Complex<T>* object;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index l, Index i) const {
    Complex<T>& o = object[l * pixels + i];
    o = op::bounded(o, bounds);
  }
};

/// Group: probe mode.
template <class T>
struct Support {
  double radius_px;
  Yx<Index> frame;
  Complex<T>* probe;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index k, Index i) const {
    const auto dy = static_cast<double>(i / frame.x - frame.y / 2), dx = static_cast<double>(i % frame.x - frame.x / 2);
    if (dy * dy + dx * dx > radius_px * radius_px) probe[k * frame.y * frame.x + i] = {};
  }
};

}  // namespace ptychoflow::ptycho::sweep
