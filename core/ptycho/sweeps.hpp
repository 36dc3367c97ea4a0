// What a GPU does with a batch of views, element by element: the operators of the paper with their place in memory. A
// sweep is called once for every (group, element); what a group is, each says. The CPU tests run these same functions.
//
// Passes over ψ, counted as reads or writes of every element, with `wave` as large as a batch of ψ:
//   ReflectWaves      reads ψ, writes wave                        (3): 2PO − ψ
//   (transform)
//   ProjectModulus    reads and writes wave                       (4), exactly
//   or Deviation      reads wave                                  (4), relaxed: needs a sum over the frame first
//      ScaleWaves     reads and writes wave
//   (inverse transform)
//   UpdateExitWaves   reads wave and ψ, writes ψ                  (3), and the numerator of (6)
//   GatherProbe       reads ψ                                     numerator of (5), once the object is new
#pragma once

#include <cmath>
#include <cstdint>

#include "core/device/atomic.hpp"
#include "core/ptycho/kernels.hpp"
#include "core/ptycho/operators.hpp"
#include "core/ptycho/tile_lists.hpp"

namespace ptychoflow::ptycho::sweep {

/// A view as kernels see it: its first pixel in the object, and its frame.
struct ViewPlace {
  std::int32_t y, x, frame;
};

/// Probe, object and views of this rank, in device memory.
template <class T>
struct Fields {
  const Complex<T>* probe;   ///< [k][y][x]
  const Complex<T>* object;  ///< [l][y][x]
  const ViewPlace* views;
  Index probe_modes, object_modes;
  Index frame_nx, frame_pixels;
  Index object_nx, object_pixels;

  PTYCHOFLOW_HOST_DEVICE Index mode_pairs() const { return probe_modes * object_modes; }
  PTYCHOFLOW_HOST_DEVICE Complex<T> p(Index k, Index pixel) const { return probe[k * frame_pixels + pixel]; }
  PTYCHOFLOW_HOST_DEVICE Complex<T> o(Index l, Index place) const { return object[l * object_pixels + place]; }

  /// Where element (k, l, pixel) of view v lies in ψ; in `waves`, with v counted from the start of the batch.
  PTYCHOFLOW_HOST_DEVICE Index wave(Index v, Index k, Index l, Index pixel) const {
    return (v * mode_pairs() + k * object_modes + l) * frame_pixels + pixel;
  }

  /// Where a view's pixel lies in the object. The division is in 32 bits: 64 take a GPU several times as long.
  PTYCHOFLOW_HOST_DEVICE Index place(Index view, Index pixel) const {
    const auto i = static_cast<std::uint32_t>(pixel), nx = static_cast<std::uint32_t>(frame_nx);
    const std::uint32_t y = i / nx;
    return (views[view].y + static_cast<Index>(y)) * object_nx + views[view].x + static_cast<Index>(i - y * nx);
  }
};

/// waves ← PO; group: place in the batch.
template <class T>
struct Multiply {
  Fields<T> fields;
  const std::int32_t* which;  ///< the views to take; null: all, from `first` on
  Index first;
  Complex<T>* waves;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index b, Index i) const {
    const Index place = fields.place(which ? which[first + b] : first + b, i);
    for (Index k = 0; k < fields.probe_modes; ++k) {
      const Complex<T> p = fields.p(k, i);
      for (Index l = 0; l < fields.object_modes; ++l) waves[fields.wave(b, k, l, i)] = p * fields.o(l, place);
    }
  }
};

/// waves ← 2PO − ψ; group: place in the batch.
template <class T>
struct ReflectWaves {
  Fields<T> fields;
  Index first;
  const Complex<T>* psi;
  Complex<T>* waves;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index b, Index i) const {
    const Index place = fields.place(first + b, i);
    for (Index k = 0; k < fields.probe_modes; ++k) {
      const Complex<T> p = fields.p(k, i);
      for (Index l = 0; l < fields.object_modes; ++l) {
        waves[fields.wave(b, k, l, i)] =
            op::reflected_wave(p, fields.o(l, place), psi[fields.wave(first + b, k, l, i)]);
      }
    }
  }
};

/// What the pixels of a frame say of the model.
struct Misfit {
  FitSums fit;
  double pixels = 0;  ///< that were measured

  PTYCHOFLOW_HOST_DEVICE Misfit& operator+=(const Misfit& b) {
    fit += b.fit;
    pixels += b.pixels;
    return *this;
  }
};

/// Transformed waves beside the magnitudes of their frames.
template <class T>
struct Spectra {
  Fields<T> fields;
  const std::int32_t* which;  ///< as in Multiply
  Index first;
  const T* measured;  ///< [frame][y][x]
  T unitary;          ///< makes a transform keep the sum of squares

  PTYCHOFLOW_HOST_DEVICE T magnitude(Index b, Index i) const {
    const Index view = which ? which[first + b] : first + b;
    return measured[fields.views[view].frame * fields.frame_pixels + i];
  }

  PTYCHOFLOW_HOST_DEVICE T model(const Complex<T>* waves, Index b, Index i) const {
    T sum = 0;
    for (Index kl = 0; kl < fields.mode_pairs(); ++kl) sum += norm(waves[fields.wave(b, 0, kl, i)]);
    return std::sqrt(sum) * unitary;
  }
};

/// Sums a frame's misfit; keeps the model's magnitudes [place in the batch][y][x] unless `model` is null. Group: place
/// in the batch.
template <class T>
struct Deviation {
  Spectra<T> spectra;
  const Complex<T>* waves;
  T* model;

  PTYCHOFLOW_HOST_DEVICE Misfit operator()(Index b, Index i) const {
    const T m = spectra.model(waves, b, i), a = spectra.magnitude(b, i);
    if (model) model[b * spectra.fields.frame_pixels + i] = m;
    if (a < 0) return {};
    const auto deviation = static_cast<double>(m - a), measured = static_cast<double>(a);
    return {{deviation * deviation, measured * measured}, 1};
  }
};

/// (4), relaxed: waves ← factor · waves, given each frame's misfit and the model. Group: place in the batch.
template <class T>
struct ScaleWaves {
  Spectra<T> spectra;
  const T* model;
  const Misfit* misfit;
  double bound;
  Complex<T>* waves;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index b, Index i) const {
    const Fields<T>& fields = spectra.fields;
    const Misfit& of_frame = misfit[b];
    const double e = of_frame.pixels > 0 ? of_frame.fit.misfit / of_frame.pixels : 0;
    const T slack = static_cast<T>(op::slack(e, bound));
    const T unscale = T(1) / static_cast<T>(fields.frame_pixels);  // forward then inverse multiply by the pixels
    const T factor = unscale * op::modulus_factor(model[b * fields.frame_pixels + i], spectra.magnitude(b, i), slack);
    for (Index kl = 0; kl < fields.mode_pairs(); ++kl) waves[fields.wave(b, 0, kl, i)] *= factor;
  }
};

/// (4) as it stands: all in one go. Group: place in the batch.
template <class T>
struct ProjectModulus {
  Spectra<T> spectra;
  Complex<T>* waves;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index b, Index i) const {
    const Fields<T>& fields = spectra.fields;
    const T unscale = T(1) / static_cast<T>(fields.frame_pixels);
    const T factor = unscale * op::modulus_factor(spectra.model(waves, b, i), spectra.magnitude(b, i), T(0));
    for (Index kl = 0; kl < fields.mode_pairs(); ++kl) waves[fields.wave(b, 0, kl, i)] *= factor;
  }
};

/// (3): ψ ← ψ + β(waves − PO); sums the change; adds Σ_k P*ψ to the numerator of (6) unless it is null: one atomic add
/// for all probe modes. Group: place in the batch.
template <class T>
struct UpdateExitWaves {
  Fields<T> fields;
  Index first;
  const Complex<T>* waves;
  T beta;
  Complex<T>* psi;
  Complex<T>* numerator;

  PTYCHOFLOW_HOST_DEVICE ChangeSums operator()(Index b, Index i) const {
    const Index place = fields.place(first + b, i);
    T change = 0, size = 0;
    for (Index l = 0; l < fields.object_modes; ++l) {
      const Complex<T> o = fields.o(l, place);
      Complex<T> term{};
      for (Index k = 0; k < fields.probe_modes; ++k) {
        const Complex<T> p = fields.p(k, i);
        Complex<T>& wave = psi[fields.wave(first + b, k, l, i)];
        const Complex<T> step = op::exit_wave_step(waves[fields.wave(b, k, l, i)], p, o, beta);
        const Complex<T> updated = wave + step;
        wave = updated;
        change += norm(step);
        size += norm(updated);
        term += op::object_term(p, updated);
      }
      if (numerator) device::atomic_add(&numerator[l * fields.object_pixels + place], term);
    }
    return {static_cast<double>(change), static_cast<double>(size)};
  }
};

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
        sum += op::object_term(fields.p(k, i), psi[fields.wave(v, k, l, i)]);
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
        sum += op::probe_term(fields.o(l, place), psi[fields.wave(v, k, l, i)]);
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
