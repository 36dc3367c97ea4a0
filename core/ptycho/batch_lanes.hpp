// Batches of views on their way through a device: several lanes side by side, each with memory and a queue of its own.
// Exit waves and magnitudes that do not fit come and go in blocks of several batches. What a queue is, see
// kernels_batched.hpp.
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
    device::Array<Complex<T>, 3> psi{};  ///< exit waves of a block, where they come and go
    device::Share holds{0, 0};           ///< views whose exit waves these are
    device::Array<T, 2> magnitudes{};    ///< [place in the block][pixel], where they come
  };

  /// @param queue  before and after whose work that of the lanes comes; outlives them
  BatchLanes(Queue& queue, Yx<Index> frame) : queue_(queue), frame_(frame) {}

  /// Makes room for a plan's batches. Exit waves that it kept for views before are lost.
  void make(const BatchPlan& plan, Index mode_pairs) {
    const Extents<3> extents{plan.batch_views, mode_pairs, frame_.y * frame_.x};
    const Extents<3> block{std::max(plan.block_views, plan.batch_views), mode_pairs, extents[2]};
    forget_exit_waves();
    resident_ = plan.resident_views;
    if (!lanes_.empty() && lanes_.front().waves.extents() == extents && block_views_ == block[0] &&
        static_cast<Index>(lanes_.size()) == plan.lanes && bring_exit_waves_ == plan.exit_waves_on_host &&
        bring_magnitudes_ == plan.magnitudes_on_host && kept_.extent(0) == resident_)
      return;
    block_views_ = block[0];
    bring_exit_waves_ = plan.exit_waves_on_host;
    bring_magnitudes_ = plan.magnitudes_on_host;
    kept_ = {};
    lanes_.clear();  // gives back their memory before more is taken
    device::Memory* const memory = queue_.memory();
    for (Index i = 0; i < plan.lanes; ++i) {
      Queue queue = queue_.lane();
      Fft fft(queue, Extents<2>{frame_.y, frame_.x}, plan.batch_views * mode_pairs);
      lanes_.push_back({std::move(queue), device::Array<Complex<T>, 3>::zeros(extents, memory),
                        device::Array<sweep::Misfit, 1>::zeros({plan.batch_views}, memory),
                        device::Array<T, 1>::zeros({plan.batch_views}, memory),
                        device::Array<double, 1>::zeros({plan.batch_views}, memory), std::move(fft)});
      if (bring_exit_waves_) lanes_.back().psi = device::Array<Complex<T>, 3>::zeros(block, memory);
      if (bring_magnitudes_) lanes_.back().magnitudes = device::Array<T, 2>::zeros({block[0], block[2]}, memory);
    }
    if (resident_ > 0) kept_ = device::Array<Complex<T>, 3>::zeros({resident_, mode_pairs, extents[2]}, memory);
  }

  /// Exit waves lie in far memory; those of some views are kept on the device, the others come block by block.
  bool bring_exit_waves() const { return bring_exit_waves_; }

  /// Magnitudes lie in far memory and come block by block.
  bool bring_magnitudes() const { return bring_magnitudes_; }

  /// Views [0, this) have newer exit waves in `kept_exit_waves` than in far memory.
  Index newer_on_device() const { return newer_on_device_ ? resident_ : 0; }
  const Complex<T>* kept_exit_waves() const { return kept_.data(); }

  /// From here on `all` has the newest exit waves, and may be changed.
  void bring_exit_waves_home(Complex<T>* all) {
    if (newer_on_device_) {
      queue_.copy_out(all, kept_.data(), kept_.bytes());
      queue_.wait();
    }
    forget_exit_waves();
  }

  /// Room for all modes of a batch, between sweeps.
  Complex<T>* spare_waves() { return lanes_.front().waves.data(); }

  /// What errors are said to be about.
  static void about(Queue& queue, device::Share views) {
    queue.about("views " + std::to_string(views.first) + " to " + std::to_string(views.last - 1));
  }

  /// Deals out batches of views to the lanes in turn: body(lane, views).
  template <class Body>
  void for_batches(device::Share views, const Body& body) {
    start();
    std::size_t turn = 0;
    for (const device::Share some : batches_of(views)) body(next_lane(turn, some), some);
    end(views);
  }

  /// Deals out blocks of views, whose exit waves are at hand: body(lane, views, fields, psi), whose `fields` know where
  /// in `psi` they are. Of exit waves that lie far off each block is brought to the device and taken back, while those
  /// that stay are computed in between; a sweep goes the other way than the one before and begins with what is there.
  /// Where all is on the device a block is a batch.
  /// @param all  exit waves of all local views, wherever they lie
  template <class Body>
  void for_blocks(Complex<T>* all, sweep::Fields<T> fields, device::Share views, Use use, const Body& body) {
    std::size_t turn = 0;
    if (!bring_exit_waves_) {
      start();
      for (const device::Share some : cut(views, block_views_)) body(next_lane(turn, some), some, fields, all);
      return end(views);
    }
    const Index view_size = fields.mode_pairs() * fields.frame_pixels;
    const bool all_kept_written = use == Use::written && views.first == 0 && views.last >= resident_;
    if (!all_kept_written) know_kept(all);
    start();
    for (const device::Share some : in_turn(views)) {
      if (some.last <= resident_) {
        fields.psi_first = 0;
        body(next_lane(turn, some), some, fields, kept_.data());
        continue;
      }
      const auto found = std::find_if(lanes_.begin(), lanes_.end(), [&](const Lane& lane) {
        return lane.holds.first == some.first && lane.holds.last == some.last;
      });
      Lane& lane = found != lanes_.end() ? *found : next_lane(turn, some);
      about(lane.queue, some);
      Complex<T>* const far = all + some.first * view_size;
      const auto bytes = static_cast<std::size_t>(some.size() * view_size) * sizeof(Complex<T>);
      if (use != Use::written && found == lanes_.end()) lane.queue.copy_in(lane.psi.data(), far, bytes);
      lane.holds = some;
      fields.psi_first = some.first;
      body(lane, some, fields, lane.psi.data());
      if (use != Use::read) lane.queue.copy_out(far, lane.psi.data(), bytes);
    }
    end(views);
    if (all_kept_written) kept_known_ = true;
    if (use == Use::read) return;
    newer_on_device_ = resident_ > 0;
    queue_.wait();  // the processor may look at them
  }

  /// Views in parts that a lane's waves hold.
  std::vector<device::Share> batches_of(device::Share views) const {
    return cut(views, lanes_.front().waves.extent(0));
  }

 private:
  static std::vector<device::Share> cut(device::Share views, Index size) {
    std::vector<device::Share> list;
    for (Index first = views.first; first < views.last; first += size)
      list.push_back({first, std::min(first + size, views.last)});
    return list;
  }

  Lane& next_lane(std::size_t& turn, device::Share views) {
    Lane& lane = lanes_[turn++ % lanes_.size()];
    about(lane.queue, views);
    return lane;
  }

  /// Blocks of views that stay on the device, spread among those of views that come, so that copies always go on.
  std::vector<device::Share> in_turn(device::Share views) {
    const auto come = cut({std::max(views.first, resident_), views.last}, block_views_);
    const auto stay = cut({views.first, std::min(views.last, resident_)}, block_views_);
    std::vector<device::Share> list;
    for (std::size_t c = 0, s = 0; c + s < come.size() + stay.size();) {
      const bool one_that_comes = c < come.size() && c * stay.size() <= s * come.size();
      list.push_back(one_that_comes ? come[c++] : stay[s++]);
    }
    if (backwards_) std::reverse(list.begin(), list.end());
    backwards_ = !backwards_;
    return list;
  }

  void know_kept(const Complex<T>* all) {
    if (!kept_known_ && resident_ > 0) queue_.copy_in(kept_.data(), all, kept_.bytes());
    kept_known_ = true;
  }

  /// Somebody else has changed exit waves.
  void forget_exit_waves() {
    for (Lane& lane : lanes_) lane.holds = {0, 0};
    kept_known_ = newer_on_device_ = false;
  }

  void start() {
    for (Lane& lane : lanes_) lane.queue.after(queue_);
  }
  /// What goes wrong shows later, and may have been any of them.
  void end(device::Share views) {
    for (Lane& lane : lanes_) queue_.after(lane.queue);
    about(queue_, views);
  }

  Queue& queue_;
  Yx<Index> frame_;
  bool bring_exit_waves_ = false, bring_magnitudes_ = false;
  bool backwards_ = false;  ///< the next sweep over exit waves that come and go
  Index block_views_ = 0;
  Index resident_ = 0;  ///< views whose exit waves stay
  device::Array<Complex<T>, 3> kept_;
  bool kept_known_ = false;       ///< `kept_` has these views' exit waves
  bool newer_on_device_ = false;  ///< and far memory older ones
  std::vector<Lane> lanes_;
};

}  // namespace ptychoflow::ptycho
