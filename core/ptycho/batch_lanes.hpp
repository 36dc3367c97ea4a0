// Batches of views on their way through a device: several lanes side by side, each with memory and a queue of its own.
// What a queue is, see kernels_batched.hpp.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/device/array.hpp"
#include "core/device/thread_pool.hpp"
#include "core/ptycho/batch_plan.hpp"
#include "core/ptycho/sweeps.hpp"

namespace ptychoflow::ptycho {

/// What a sweep does with exit waves.
enum class Use { read, written, read_and_written };

template <class T, class Queue>
class BatchLanes {
 public:
  using Fft = typename Queue::template Fft<T>;

  /// Batches that follow each other; lanes run side by side.
  struct Lane {
    Queue queue;
    device::Array<Complex<T>, 3> waves;      ///< [place in the batch][mode pair][pixel]
    device::Array<sweep::Misfit, 1> misfit;  ///< [place in the batch]
    device::Array<T, 1> pull;                ///< [place in the batch]
    device::Array<double, 1> step;           ///< [place in the batch]
    Fft fft;
    device::Array<Complex<T>, 3> psi{};  ///< exit waves of a batch, where not all are on the device
    device::Share holds{0, 0};           ///< views whose exit waves these are
  };

  /// @param queue  before and after whose work that of the lanes comes; outlives them
  BatchLanes(Queue& queue, Yx<Index> frame) : queue_(queue), frame_(frame) {}

  /// Makes room for a plan's batches.
  void make(const BatchPlan& plan, Index mode_pairs) {
    const Extents<3> extents{plan.batch_views, mode_pairs, frame_.y * frame_.x};
    forget_exit_waves();
    if (!lanes_.empty() && lanes_.front().waves.extents() == extents &&
        static_cast<Index>(lanes_.size()) == plan.lanes && bring_exit_waves_ == plan.exit_waves_on_host)
      return;
    bring_exit_waves_ = plan.exit_waves_on_host;
    lanes_.clear();  // gives back their memory before more is taken
    device::Memory* const memory = queue_.memory();
    for (Index i = 0; i < plan.lanes; ++i) {
      Queue queue = queue_.lane();
      Fft fft(queue, Extents<2>{frame_.y, frame_.x}, plan.batch_views * mode_pairs);
      lanes_.push_back({std::move(queue), device::Array<Complex<T>, 3>::zeros(extents, memory),
                        device::Array<sweep::Misfit, 1>::zeros({plan.batch_views}, memory),
                        device::Array<T, 1>::zeros({plan.batch_views}, memory),
                        device::Array<double, 1>::zeros({plan.batch_views}, memory), std::move(fft)});
      if (bring_exit_waves_) lanes_.back().psi = device::Array<Complex<T>, 3>::zeros(extents, memory);
    }
  }

  /// Exit waves lie in far memory and come to the device batch by batch.
  bool bring_exit_waves() const { return bring_exit_waves_; }

  /// Somebody else has changed them.
  void forget_exit_waves() {
    for (Lane& lane : lanes_) lane.holds = {0, 0};
  }

  /// Room for all modes of a batch, between sweeps.
  Complex<T>* spare_waves() { return lanes_.front().waves.data(); }

  /// Deals out views to the lanes in turn: body(lane, first, count).
  template <class Body>
  void for_batches(device::Share views, const Body& body) {
    start();
    std::size_t turn = 0;
    for (const device::Share some : batches(views)) {
      Lane& lane = lanes_[turn++ % lanes_.size()];
      about(lane, some);
      body(lane, some.first, some.size());
    }
    end();
  }

  /// The same with exit waves at hand: body(lane, first, count, fields, psi), whose `fields` know where in `psi` they
  /// are. Where they lie far off, each batch is brought to the device and taken back; a sweep goes the other way than
  /// the one before and begins with what is there.
  /// @param all  exit waves of all local views, wherever they lie
  template <class Body>
  void for_exit_waves(Complex<T>* all, sweep::Fields<T> fields, device::Share views, Use use, const Body& body) {
    if (!bring_exit_waves_) {
      return for_batches(views, [&](Lane& lane, Index first, Index count) { body(lane, first, count, fields, all); });
    }
    auto in_turn = batches(views);
    if (backwards_) std::reverse(in_turn.begin(), in_turn.end());
    backwards_ = !backwards_;
    start();
    std::size_t turn = 0;
    for (const device::Share some : in_turn) {
      const auto found = std::find_if(lanes_.begin(), lanes_.end(), [&](const Lane& lane) {
        return lane.holds.first == some.first && lane.holds.last == some.last;
      });
      Lane& lane = found != lanes_.end() ? *found : lanes_[turn++ % lanes_.size()];
      about(lane, some);
      const Index view_size = fields.mode_pairs() * fields.frame_pixels;
      Complex<T>* const far = all + some.first * view_size;
      const auto bytes = static_cast<std::size_t>(some.size() * view_size) * sizeof(Complex<T>);
      if (use != Use::written && found == lanes_.end()) lane.queue.copy_in(lane.psi.data(), far, bytes);
      lane.holds = some;
      fields.psi_first = some.first;
      body(lane, some.first, some.size(), fields, lane.psi.data());
      if (use != Use::read) lane.queue.copy_out(far, lane.psi.data(), bytes);
    }
    end();
    if (use != Use::read) queue_.wait();  // the processor may look at them
  }

 private:
  std::vector<device::Share> batches(device::Share views) const {
    const Index batch = lanes_.front().waves.extent(0);
    std::vector<device::Share> list;
    for (Index first = views.first; first < views.last; first += batch)
      list.push_back({first, std::min(first + batch, views.last)});
    return list;
  }

  void start() {
    for (Lane& lane : lanes_) lane.queue.after(queue_);
  }
  void end() {
    for (Lane& lane : lanes_) queue_.after(lane.queue);
  }
  static void about(Lane& lane, device::Share views) {
    lane.queue.about("views " + std::to_string(views.first) + " to " + std::to_string(views.last - 1));
  }

  Queue& queue_;
  Yx<Index> frame_;
  bool bring_exit_waves_ = false;
  bool backwards_ = false;  ///< the next sweep over exit waves that come and go
  std::vector<Lane> lanes_;
};

}  // namespace ptychoflow::ptycho
