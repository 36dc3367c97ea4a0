// slice_kernels.hpp for a device that takes many slices at a time, which is known only as a Queue
// (core/ptycho/kernels_batched.hpp says what that is).
#pragma once

#include <algorithm>
#include <utility>

#include "core/tomo/angle_weights.hpp"
#include "core/tomo/slice_kernels.hpp"
#include "core/tomo/sweeps.hpp"

namespace ptychoflow::tomo {

static_assert(sweep::lanes == slice_lanes);

template <class Queue>
class BatchedSliceKernels : public SliceKernels {
 public:
  /// @param most_slices  a multiple of slice_lanes
  BatchedSliceKernels(Queue queue, SliceGeometry geometry, Filter filter, Index most_slices)
      : SliceKernels(std::move(geometry)), queue_(std::move(queue)), most_slices_(most_slices), filter_(filter) {
    const RowFilter of_rows(filter, geometry_.width);
    length_ = of_rows.work_size();
    response_ = on_device(of_rows.response());
    std::vector<sweep::SeenAt> seen;
    for (const PixelPlaces& p : pixel_places(geometry_)) {
      seen.push_back({static_cast<float>(p.first), static_cast<float>(p.step_x), static_cast<float>(p.step_y),
                      static_cast<float>(p.path)});
    }
    std::vector<sweep::CrossedAt> crossed;
    for (const LineCrossings& c : line_crossings(geometry_)) {
      crossed.push_back({static_cast<float>(c.first), static_cast<float>(c.per_ray), static_cast<float>(c.per_line),
                         static_cast<float>(c.path), c.rows ? 1 : 0});
    }
    seen_ = on_device(seen);
    crossed_ = on_device(crossed);
  }

  device::Memory* memory() const override { return queue_.memory(); }
  Index most_slices() const override { return most_slices_; }

  void put(View<const float, 3> sinograms, float scale, Lanes& rows) override {
    const auto packed = on_device(sinograms.data(), sinograms.size());
    const sweep::Packed where = packed_rows(sinograms.extent(0));
    queue_.each(rows.extent(0), elements(where), sweep::Put{where, packed.data(), scale, rows.data()});
    queue_.wait();  // what it reads is about to go
  }

  void put_filtered(View<const float, 3> sinograms, float scale, Lanes& rows) override {
    const Index slices = sinograms.extent(0), angles = geometry_.angles(), pairs = (slices + 1) / 2;
    const auto packed = on_device(sinograms.data(), sinograms.size());
    std::vector<float> weights;
    for (const double w : angle_weights(geometry_.beam.angle_rad))
      weights.push_back(static_cast<float>(w * static_cast<double>(scale)));
    const auto weight = on_device(weights);
    auto work = device::Array<Complex<float>, 1>::uninitialized({pairs * angles * length_}, memory());
    queue_.each(pairs, angles * length_,
                sweep::PairRows{packed.data(), slices, angles, geometry_.width, length_, filter_ == Filter::derivative,
                                work.data()});
    typename Queue::template Fft<float> fft(queue_, {1, length_}, pairs * angles);
    fft.forward(work.data(), pairs * angles);
    queue_.each(pairs, angles * length_, sweep::Respond{response_.data(), angles, length_, work.data()});
    fft.inverse(work.data(), pairs * angles);
    queue_.each(rows.extent(0), elements(packed_rows(slices)),
                sweep::TakePairs{work.data(), weight.data(), slices, angles, geometry_.width, length_, rows.data()});
    queue_.wait();  // what it works on is about to go
  }

  void take_rows(const Lanes& rows, View<float, 3> sinograms) override {
    take(rows, packed_rows(sinograms.extent(0)), sinograms);
  }

  void take_planes(const Lanes& planes, View<float, 3> slices) override {
    take(planes, {slices.extent(0), geometry_.side, geometry_.side, true}, slices);
  }

  void project(const Lanes& planes, Lanes& rows) override {
    queue_.each(planes.extent(0), geometry_.angles() * geometry_.width * slice_lanes,
                sweep::Project{crossed_.data(), geometry_.width, geometry_.side, geometry_.angles(), planes.data(),
                               rows.data()});
  }

  void back_project(Spread spread, const Lanes& rows, Lanes& planes) override {
    queue_.each(planes.extent(0), geometry_.side * geometry_.side * slice_lanes,
                sweep::BackProject{seen_.data(), spread == Spread::adjoint, geometry_.width, geometry_.side,
                                   geometry_.angles(), rows.data(), planes.data()});
  }

  void weigh_rest(const Lanes& measured, Lanes& rest) override {
    if (of_rows_.empty()) of_rows_ = on_device(reciprocal_of_rows());
    queue_.each(rest.extent(0), group_size(rest),
                sweep::WeighRest{of_rows_.data(), group_size(rest), measured.data(), rest.data()});
  }

  void advance(const Lanes& step, float least, Lanes& planes) override {
    if (of_planes_.empty()) of_planes_ = on_device(reciprocal_of_planes());
    queue_.each(planes.extent(0), group_size(planes),
                sweep::Advance{of_planes_.data(), group_size(planes), step.data(), least, planes.data()});
  }

  void cut_above(float most, Lanes& planes) override {
    queue_.each(planes.extent(0), group_size(planes), sweep::CutAbove{group_size(planes), most, planes.data()});
  }

  std::vector<PerLane<double>> squares(const Lanes& lanes) override {
    using Sums = sweep::OfLanes<double>;
    const Index groups = lanes.extent(0);
    auto sums = device::Array<Sums, 1>::uninitialized({groups}, memory());
    queue_.sum(groups, group_size(lanes) / slice_lanes, sums.data(), sweep::Squares{group_size(lanes), lanes.data()});
    std::vector<PerLane<double>> all;
    for (const Sums& s : queue_.read(sums.data(), groups)) {
      all.emplace_back();
      std::copy_n(s.lane, all.back().size(), all.back().begin());
    }
    return all;
  }

  void combine(const std::vector<PerLane<float>>& factor, const Lanes& from, const std::vector<PerLane<float>>& keep,
               Lanes& to) override {
    for (std::size_t g = 0; g < factor.size(); ++g) {
      const Index first = static_cast<Index>(g) * group_size(to);
      sweep::Combine combine{{}, {}, from.data() + first, to.data() + first};
      std::copy(factor[g].begin(), factor[g].end(), combine.factor.lane);
      std::copy(keep[g].begin(), keep[g].end(), combine.keep.lane);
      queue_.each(1, group_size(to), combine);
    }
  }

 private:
  template <class T>
  device::Array<T, 1> on_device(const std::vector<T>& values) const {
    return on_device(values.data(), static_cast<Index>(values.size()));
  }
  device::Array<float, 1> on_device(const device::Array<float, 2>& values) const {
    return on_device(values.data(), values.size());
  }
  template <class T>
  device::Array<T, 1> on_device(const T* values, Index count) const {
    auto there = device::Array<T, 1>::uninitialized({count}, memory());
    memory()->copy_in(there.data(), values, there.bytes());
    return there;
  }

  static Index group_size(const Lanes& lanes) { return lanes.size() / lanes.extent(0); }
  static Index elements(const sweep::Packed& p) { return p.lines * p.pixels * slice_lanes; }
  sweep::Packed packed_rows(Index slices) const { return {slices, geometry_.angles(), geometry_.width, false}; }

  void take(const Lanes& from, const sweep::Packed& where, View<float, 3> to) {
    auto packed = device::Array<float, 1>::uninitialized({to.size()}, memory());
    queue_.each(from.extent(0), elements(where), sweep::Take{where, from.data(), packed.data()});
    memory()->copy_out(to.data(), packed.data(), packed.bytes());
  }

  Queue queue_;
  Index most_slices_;
  Filter filter_;
  Index length_ = 0;
  device::Array<Complex<float>, 1> response_;
  device::Array<sweep::SeenAt, 1> seen_;
  device::Array<sweep::CrossedAt, 1> crossed_;
  device::Array<float, 1> of_rows_, of_planes_;  ///< R and C, when they are first needed
};

}  // namespace ptychoflow::tomo
