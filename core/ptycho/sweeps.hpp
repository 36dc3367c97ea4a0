// What a GPU does with a batch of views, element by element: the operators of the paper with their place in memory. A
// sweep is called once for every (group, element); what a group is, each says. The CPU tests run these same functions.
//
// Passes over ψ, counted as reads or writes of every element, with `wave` as large as a batch of ψ:
//   ReflectWaves      reads ψ, writes wave                        (3): 2PO − ψ
//   (transform)       cuFFT: reads and writes wave twice
//   ChangeModulus     reads and writes wave                       what (4) adds, and each frame's misfit
//   Pull              of each frame, from its misfit
//   (inverse transform)
//   UpdateExitWaves   reads wave, writes ψ; for β ≠ 1 reads ψ     (3), relaxed, and the numerator of (6)
//   GatherProbe       reads ψ (overlap_sweeps.hpp)                numerator of (5), once the object is new
#pragma once

#include <cmath>
#include <cstdint>

#include "core/device/atomic.hpp"
#include "core/ptycho/kernels.hpp"
#include "core/ptycho/operators.hpp"

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
  Index psi_first = 0;  ///< the first view whose exit waves are there

  PTYCHOFLOW_HOST_DEVICE Index mode_pairs() const { return probe_modes * object_modes; }
  PTYCHOFLOW_HOST_DEVICE Complex<T> p(Index k, Index pixel) const { return probe[k * frame_pixels + pixel]; }
  PTYCHOFLOW_HOST_DEVICE Complex<T> o(Index l, Index place) const { return object[l * object_pixels + place]; }

  /// Where element (k, l, pixel) of view v lies in ψ, or in that part of it which is on the device.
  PTYCHOFLOW_HOST_DEVICE Index psi(Index v, Index k, Index l, Index pixel) const {
    return wave(v - psi_first, k, l, pixel);
  }

  /// The same in `waves`, with v counted from the start of the batch.
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

/// waves ← 2PO − ψ; sums op::step_when_reflected. Group: place in the batch.
template <class T>
struct ReflectWaves {
  Fields<T> fields;
  Index first;
  const Complex<T>* psi;
  Complex<T>* waves;

  PTYCHOFLOW_HOST_DEVICE double operator()(Index b, Index i) const {
    const Index place = fields.place(first + b, i);
    T step = 0;
    for (Index k = 0; k < fields.probe_modes; ++k) {
      const Complex<T> p = fields.p(k, i);
      for (Index l = 0; l < fields.object_modes; ++l) {
        const Complex<T> po = p * fields.o(l, place), old = psi[fields.psi(first + b, k, l, i)];
        waves[fields.wave(b, k, l, i)] = op::reflected_wave(po, old);
        step += op::step_when_reflected(po, old);
      }
    }
    return static_cast<double>(step);
  }
};

/// What the pixels of a frame say of the model.
struct Misfit {
  FitSums fit;
  double pixels = 0;  ///< that were measured
  double step = 0;    ///< Σ op::step_at_detector

  PTYCHOFLOW_HOST_DEVICE Misfit& operator+=(const Misfit& b) {
    fit += b.fit;
    pixels += b.pixels;
    step += b.step;
    return *this;
  }
};

/// Transformed waves beside the magnitudes of their frames.
template <class T>
struct Spectra {
  Fields<T> fields;
  const std::int32_t* which;  ///< as in Multiply
  Index first;
  const T* measured;  ///< [frame][y][x], or of the batch alone: [place in it][y][x]
  bool of_batch;
  T unitary;  ///< makes a transform keep the sum of squares

  PTYCHOFLOW_HOST_DEVICE T magnitude(Index b, Index i) const {
    const Index view = which ? which[first + b] : first + b;
    return measured[(of_batch ? b : static_cast<Index>(fields.views[view].frame)) * fields.frame_pixels + i];
  }

  PTYCHOFLOW_HOST_DEVICE T model(const Complex<T>* waves, Index b, Index i) const {
    T sum = 0;
    for (Index kl = 0; kl < fields.mode_pairs(); ++kl) sum += norm(waves[fields.wave(b, 0, kl, i)]);
    return std::sqrt(sum) * unitary;
  }
};

/// A frame's misfit. Group: place in the batch.
template <class T>
struct Deviation {
  Spectra<T> spectra;
  const Complex<T>* waves;

  PTYCHOFLOW_HOST_DEVICE Misfit operator()(Index b, Index i) const {
    return misfit(spectra.model(waves, b, i), spectra.magnitude(b, i));
  }

  PTYCHOFLOW_HOST_DEVICE static Misfit misfit(T model, T measured) {
    if (measured < 0) return {};
    const auto deviation = static_cast<double>(model - measured), a = static_cast<double>(measured);
    return {{deviation * deviation, a * a}, 1, static_cast<double>(op::step_at_detector(model, measured))};
  }
};

/// waves ← what (4) as it stands adds to them, all modes in one go. Sums the misfit before that. Group: place in the
/// batch.
template <class T>
struct ChangeModulus {
  Spectra<T> spectra;
  Complex<T>* waves;

  PTYCHOFLOW_HOST_DEVICE Misfit operator()(Index b, Index i) const {
    const Fields<T>& fields = spectra.fields;
    const T model = spectra.model(waves, b, i), measured = spectra.magnitude(b, i);
    const T unscale = T(1) / static_cast<T>(fields.frame_pixels);  // forward then inverse multiply by the pixels
    const T factor = unscale * op::modulus_change(model, measured);
    for (Index kl = 0; kl < fields.mode_pairs(); ++kl) waves[fields.wave(b, 0, kl, i)] *= factor;
    return Deviation<T>::misfit(model, measured);
  }
};

/// How far each frame is pulled to its data; adds its part of step_at_detector to `step`. One group; element: place in
/// the batch.
template <class T>
struct Pull {
  const Misfit* misfit;
  double bound;  ///< of the mean squared deviation; 0: the paper's full replacement
  T* pull;
  double* step;

  PTYCHOFLOW_HOST_DEVICE void operator()(Index, Index b) const {
    const Misfit& of_frame = misfit[b];
    pull[b] = static_cast<T>(op::pull(of_frame.pixels > 0 ? of_frame.fit.misfit / of_frame.pixels : 0, bound));
    step[b] += static_cast<double>(pull[b]) * of_frame.step;
  }
};

/// (3), given δ of magnitudes replaced whole; sums the change; adds Σ_k P*ψ to the numerator of (6) unless it is null:
/// one atomic add for all probe modes. Group: place in the batch.
template <class T>
struct UpdateExitWaves {
  Fields<T> fields;
  Index first;
  const Complex<T>* waves;  ///< δ
  const T* pull;            ///< [place in the batch]
  const double* step;       ///< likewise: what is known of the change
  T beta;
  Complex<T>* psi;
  Complex<T>* numerator;

  PTYCHOFLOW_HOST_DEVICE ChangeSums operator()(Index b, Index i) const {
    const Index place = fields.place(first + b, i);
    T change = 0, size = 0;  // the change before it is multiplied by β²
    for (Index l = 0; l < fields.object_modes; ++l) {
      const Complex<T> o = fields.o(l, place);
      Complex<T> term{};
      for (Index k = 0; k < fields.probe_modes; ++k) {
        const Complex<T> p = fields.p(k, i);
        const Complex<T> po = p * o, delta = pull[b] * waves[fields.wave(b, k, l, i)];
        Complex<T>& wave = psi[fields.psi(first + b, k, l, i)];
        const Complex<T> updated = op::updated_exit_wave(beta == 1 ? Complex<T>{} : wave, po + delta, beta);
        wave = updated;
        change += op::step_when_updated(po, delta);
        size += norm(updated);
        term += op::overlap_term(p, updated);
      }
      if (numerator) device::atomic_add(&numerator[l * fields.object_pixels + place], term);
    }
    const double whole = static_cast<double>(change) + (i == 0 ? step[b] : 0);
    return {whole * static_cast<double>(beta) * static_cast<double>(beta), static_cast<double>(size)};
  }
};

}  // namespace ptychoflow::ptycho::sweep
