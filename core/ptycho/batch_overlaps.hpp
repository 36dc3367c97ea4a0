// Overlap sums on a device: which sweeps add up the numerators and denominators of (5) and (6), as numbers as they are
// or as whole numbers. What a queue is, see kernels_batched.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/base/error.hpp"
#include "core/device/on_host.hpp"
#include "core/ptycho/batch_plan.hpp"
#include "core/ptycho/overlap_sweeps.hpp"

namespace ptychoflow::ptycho {

template <class T, class Queue>
class BatchOverlaps {
 public:
  /// @param queue  on which all is done; outlives them
  BatchOverlaps(Queue& queue, Yx<Index> frame) : queue_(queue), frame_(frame) {}

  /// Takes over where views lie.
  void learn(const Problem<T>& problem) {
    held_ = problem.held();
    local_windows_.clear();
    for (Index v = 0; v < problem.local_count(); ++v) local_windows_.push_back(problem.window(v));
    local_tiles_ = {};
    std::vector<Yx<std::int32_t>> windows;
    for (const auto& w : problem.windows_here())
      windows.push_back({static_cast<std::int32_t>(w.y), static_cast<std::int32_t>(w.x)});
    scan_windows_ = device::moved_to(queue_.memory(), windows);
    scan_tiles_ = on_device(list_tiles(frame_, held_, problem.windows_here()));
  }

  void clear(Overlap<T>& overlap) {
    if (overlap.numerator_scale.used()) {
      clear(overlap.whole_numerator);
      need(too_large_, {1});
      clear(too_large_);
    } else {
      clear(overlap.numerator);
    }
  }

  /// Adds the terms of views whose exit waves `psi` has.
  void gather(const sweep::Fields<T>& fields, const Complex<T>* psi, device::Share views, Gather what,
              Overlap<T>& overlap) {
    const sweep::ViewRange range{views.first, views.last};
    const bool whole = overlap.numerator_scale.used();
    const sweep::Whole<Complex<T>> wholes{overlap.numerator_scale, too_large_.data()};
    if (what == Gather::object) {
      if (whole) gather_object(fields, psi, range, wholes, overlap.whole_numerator);
      if (!whole) gather_object(fields, psi, range, sweep::Plain<Complex<T>>{}, overlap.numerator);
    } else {
      if (whole) gather_probe(fields, psi, range, wholes, whole_probe_sums_, overlap.whole_numerator);
      if (!whole) gather_probe(fields, psi, range, sweep::Plain<Complex<T>>{}, probe_sums_, overlap.numerator);
    }
  }

  /// @throws Error (data) if a term was too large for whole numbers
  void settle(Overlap<T>& overlap) {
    if (overlap.numerator_scale.used()) {
      if (queue_.read(too_large_.data(), 1).front() != 0) throw Error(ErrorCode::data, term_too_large);
      queue_.each(1, overlap.numerator.size(),
                  sweep::Settle<Complex<T>, Complex<std::int64_t>>{
                      1 / overlap.numerator_scale.scale, overlap.whole_numerator.data(), overlap.numerator.data()});
    }
    if (overlap.denominator_scale.used()) {
      queue_.each(1, overlap.denominator.size(),
                  sweep::Settle<T, std::int64_t>{1 / overlap.denominator_scale.scale, overlap.whole_denominator.data(),
                                                 overlap.denominator.data()});
    }
  }

  void cover_object(const sweep::Fields<T>& fields, Overlap<T>& overlap) {
    need(light_, {fields.frame_pixels});
    queue_.each(1, fields.frame_pixels,
                sweep::Intensity<T>{fields.probe, fields.probe_modes, fields.frame_pixels, light_.data()});
    queue_.each(1, fields.object_pixels,
                sweep::CoverObject<T>{tiles(scan_tiles_, fields), scan_windows_.data(), light_.data(),
                                      overlap.denominator.data()});
  }

  /// @param views  that this rank has
  void cover_probe(const sweep::Fields<T>& fields, Index views, Overlap<T>& overlap) {
    need(transmission_, {fields.object_pixels});
    queue_.each(1, fields.object_pixels,
                sweep::Intensity<T>{fields.object, fields.object_modes, fields.object_pixels, transmission_.data()});
    if (overlap.denominator_scale.used()) {
      cover_probe(fields, views, sweep::Whole<T>{overlap.denominator_scale}, whole_light_sums_,
                  overlap.whole_denominator);
    } else {
      cover_probe(fields, views, sweep::Plain<T>{}, light_sums_, overlap.denominator);
    }
  }

 private:
  template <class V>
  using List = device::Array<V, 1>;

  struct TilesOnDevice {
    List<std::int32_t> starts, views;
  };

  template <class Kind>
  void gather_object(const sweep::Fields<T>& fields, const Complex<T>* psi, const sweep::ViewRange& views,
                     const Kind& kind, device::Array<typename Kind::Sum, 3>& numerator) {
    if (local_tiles_.starts.empty()) local_tiles_ = on_device(list_tiles(frame_, held_, local_windows_));
    const device::Share rows = rows_of(views);
    queue_.each(fields.object_modes, rows.size() * fields.object_nx,
                sweep::GatherObject<T, Kind>{fields, tiles(local_tiles_, fields), views, psi, kind,
                                             rows.first * fields.object_nx, numerator.data()});
  }

  template <class Kind>
  void gather_probe(const sweep::Fields<T>& fields, const Complex<T>* psi, const sweep::ViewRange& views,
                    const Kind& kind, List<typename Kind::Sum>& parts,
                    device::Array<typename Kind::Sum, 3>& numerator) {
    need(parts, {probe_parts * fields.probe_modes * fields.frame_pixels});
    const Index number = std::clamp<Index>((views.last - views.first) / 8, 1, probe_parts);
    queue_.each(number * fields.probe_modes, fields.frame_pixels,
                sweep::GatherProbe<T, Kind>{fields, views, number, psi, kind, parts.data()});
    queue_.each(fields.probe_modes, fields.frame_pixels,
                sweep::AddParts<typename Kind::Sum>{number, fields.probe_modes, fields.frame_pixels, parts.data(),
                                                    numerator.data()});
  }

  template <class Kind>
  void cover_probe(const sweep::Fields<T>& fields, Index views, const Kind& kind, List<typename Kind::Sum>& parts,
                   device::Array<typename Kind::Sum, 2>& denominator) {
    need(parts, {probe_parts * fields.frame_pixels});
    clear(denominator);
    queue_.each(probe_parts, fields.frame_pixels,
                sweep::CoverProbe<T, Kind>{fields, {0, views}, probe_parts, transmission_.data(), kind, parts.data()});
    queue_.each(
        1, fields.frame_pixels,
        sweep::AddParts<typename Kind::Sum>{probe_parts, 1, fields.frame_pixels, parts.data(), denominator.data()});
  }

  /// Rows of the object that some views touch.
  device::Share rows_of(const sweep::ViewRange& views) const {
    device::Share rows{held_.y, 0};
    for (Index v = views.first; v < views.last; ++v) {
      const Index top = local_windows_[static_cast<std::size_t>(v)].y;
      rows = {std::min(rows.first, top), std::max(rows.last, top + frame_.y)};
    }
    return {std::min(rows.first, rows.last), rows.last};
  }

  template <class V, std::size_t Rank>
  void clear(device::Array<V, Rank>& array) {
    queue_.memory()->clear(array.data(), array.bytes());
  }

  TilesOnDevice on_device(const TileLists& lists) {
    return {device::moved_to(queue_.memory(), lists.starts), device::moved_to(queue_.memory(), lists.views)};
  }

  Tiles tiles(const TilesOnDevice& lists, const sweep::Fields<T>& fields) const {
    return {lists.starts.data(), lists.views.data(), frame_, fields.object_nx};
  }

  template <class V>
  void need(List<V>& list, Extents<1> extents) {
    if (list.extents() != extents) list = List<V>::zeros(extents, queue_.memory());
  }

  Queue& queue_;
  Yx<Index> frame_, held_{};
  std::vector<Yx<Index>> local_windows_;
  List<Yx<std::int32_t>> scan_windows_;
  TilesOnDevice scan_tiles_, local_tiles_;  ///< the latter once it is needed
  List<Complex<T>> probe_sums_;
  List<Complex<std::int64_t>> whole_probe_sums_;
  List<std::int64_t> whole_light_sums_;
  List<std::int32_t> too_large_;
  List<T> light_, light_sums_, transmission_;
};

}  // namespace ptychoflow::ptycho
