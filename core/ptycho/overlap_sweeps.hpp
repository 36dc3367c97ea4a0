// Sweeps of a GPU over probe and object: the sums of (5) and (6) that are gathered pixel by pixel, their quotients, and
// what constrains or turns the result. See sweeps.hpp.
#pragma once

#include "core/ptycho/sweeps.hpp"
#include "core/ptycho/tile_lists.hpp"

namespace ptychoflow::ptycho::sweep {

/// Numerator of (6) by object pixels, each over the views of its tile in their order. Group: object mode.
template <class T>
struct GatherObject {
  Fields<T> fields;
  Tiles tiles;
  const Complex<T>* psi;
  Complex<T>* numerator;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index l, Index place) const {
    Complex<T> sum{};
    const ObjectPixel pixel = tiles.pixel(place);
    for (Index at = tiles.first(pixel); at < tiles.last(pixel); ++at) {
      const Index v = tiles.views[at];
      const Index i = tiles.frame_pixel(pixel, fields.views[v].y, fields.views[v].x);
      if (i < 0) continue;
      for (Index k = 0; k < fields.probe_modes; ++k)
        sum += op::overlap_term(fields.p(k, i), psi[fields.wave(v, k, l, i)]);
    }
    numerator[l * fields.object_pixels + place] = sum;
  }
};

/// Numerator of (5), over one of several parts of the views. Group: part · M_P + probe mode.
template <class T>
struct GatherProbe {
  Fields<T> fields;
  Index view_count, parts;
  const Complex<T>* psi;
  Complex<T>* sums;  ///< [part][k][y][x]

  PTYCHOFLOW_HOST_DEVICE void operator()(Index group, Index i) const {
    const Index part = group / fields.probe_modes, k = group % fields.probe_modes;
    Complex<T> sum{};
    for (Index v = view_count * part / parts; v < view_count * (part + 1) / parts; ++v) {
      const Index place = fields.place(v, i);
      for (Index l = 0; l < fields.object_modes; ++l)
        sum += op::overlap_term(fields.o(l, place), psi[fields.wave(v, k, l, i)]);
    }
    sums[group * fields.frame_pixels + i] = sum;
  }
};

/// Σ over parts, in their order. Group: probe mode.
template <class V>
struct AddParts {
  Index parts, modes, pixels;
  const V* sums;
  V* total;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index k, Index i) const {
    V sum{};
    for (Index part = 0; part < parts; ++part) sum += sums[(part * modes + k) * pixels + i];
    total[k * pixels + i] = sum;
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

/// Denominator of (5), over one of several parts of the scan's views. Group: part.
template <class T>
struct CoverProbe {
  const Yx<std::int32_t>* windows;
  Index view_count, parts;
  Index frame_nx, frame_pixels, object_nx;
  const T* transmission;
  T* sums;  ///< [part][y][x]

  PTYCHOFLOW_HOST_DEVICE void operator()(Index part, Index i) const {
    const Index y = i / frame_nx, x = i % frame_nx;
    T sum = 0;
    for (Index v = view_count * part / parts; v < view_count * (part + 1) / parts; ++v)
      sum += transmission[(windows[v].y + y) * object_nx + windows[v].x + x];
    sums[part * frame_pixels + i] = sum;
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

/// The quotient of (5) or (6), in place, with floors relative to the largest denominator. Group: mode.
template <class T>
struct Divide {
  const Complex<T>* numerator;
  const T* denominator;
  const Largest<T>* largest;
  T floor, lit;
  Index pixels;
  Complex<T>* target;

  PTYCHOFLOW_HOST_DEVICE ChangeSums operator()(Index m, Index i) const {
    const T most = largest->value;
    Complex<T>& value = target[m * pixels + i];
    const Complex<T> old = value;
    const Complex<T> updated = op::overlap_quotient(numerator[m * pixels + i], denominator[i], old, floor * most);
    value = updated;
    if (denominator[i] < lit * most) return {};
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
