// kernels.hpp for a device that takes many views at a time: which sweep follows which, over which batch. The device is
// known only as a Queue:
//
//   Memory* memory()                       where its arrays lie
//   each(groups, count, f)                 calls f(group, element) for all
//   sum(groups, count, V* sums, f)         sums[group] = Σ f(group, element), always in the same order
//   read(const V* values, n)               waits, and returns them
//   wait()                                 until all it was given is done
//   far_memory()                           of the processor, from which and to which copies go beside all else
//   copy_in(to, far, bytes)                from far memory to the device's
//   copy_out(far, from, bytes)             the other way
//   lane()                                 another queue, whose work may run beside this one's
//   after(Queue&)                          later work here waits for what the other has been given so far
//   replayed(key, body)                    body(), or what the last body with this key queued, once more
//   about(text)                            what errors from here on are said to be about
//   Fft<T>(queue, {ny, nx}, most)          forward(waves, n), inverse(waves, n) for n ≤ most arrays, not normalised
//
// A queue works through what it is given in order, while its caller goes on.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.hpp"
#include "core/device/on_host.hpp"
#include "core/ptycho/batch_lanes.hpp"
#include "core/ptycho/batch_overlaps.hpp"
#include "core/ptycho/gpu.hpp"
#include "core/ptycho/overlap_sweeps.hpp"
#include "core/ptycho/sweeps.hpp"

namespace ptychoflow::ptycho {

template <class T, class Queue>
class BatchedKernels : public Kernels<T> {
 public:
  /// @param plan  makes the batches of a workload; called before anything is allocated for it
  BatchedKernels(Queue queue, Yx<Index> frame, ObjectSum object_sum, Planner plan)
      : queue_(std::move(queue)), frame_(frame), object_sum_(object_sum), plan_(std::move(plan)) {}

  device::Memory* memory() override { return queue_.memory(); }

  Index exit_wave_size() const override { return 2 * pixels(); }

  device::Memory* exit_wave_memory() override { return lanes_.bring_exit_waves() ? queue_.far_memory() : memory(); }

  void bring_exit_waves_home(State<T>& state) override { lanes_.bring_exit_waves_home(psi_of(state)); }

  device::Array<Complex<T>, 4> unpacked_exit_waves(const State<T>& state, device::Share views) const override {
    auto waves = device::Array<Complex<T>, 4>::uninitialized({views.size(), state.mode_pairs(), frame_.y, frame_.x});
    const Index view_size = state.mode_pairs() * pixels();
    const Index kept = std::clamp<Index>(lanes_.newer_on_device() - views.first, 0, views.size());
    if (kept > 0) {
      queue_.memory()->copy_out(waves.data(), lanes_.kept_exit_waves() + views.first * view_size,
                                static_cast<std::size_t>(kept * view_size) * sizeof(Complex<T>));
    }
    state.exit_waves.memory()->copy_out(
        waves.data() + kept * view_size, psi_of(state) + (views.first + kept) * view_size,
        static_cast<std::size_t>((views.size() - kept) * view_size) * sizeof(Complex<T>));
    return waves;
  }

  void pack_exit_waves(View<const Complex<T>, 4> waves, Index first, State<T>& state) override {
    bring_exit_waves_home(state);
    state.exit_waves.memory()->copy_in(psi_of(state) + first * state.mode_pairs() * pixels(), waves.data(),
                                       static_cast<std::size_t>(waves.size()) * sizeof(Complex<T>));
  }

  void prepare(const Problem<T>& problem, const State<T>& state) override { learn(problem, state); }

  void start_exit_waves(const Problem<T>& problem, State<T>& state, device::Share views) override {
    expect_known(problem);
    lanes_.for_blocks(psi_of(state), fields_of(state), views, Use::written,
                      [&](Lane& lane, device::Share some, const auto& fields, auto* psi) {
                        Complex<T>* const waves = psi + fields.psi(some.first, 0, 0, 0);
                        lane.queue.each(some.size(), pixels(), sweep::Multiply<T>{fields, nullptr, some.first, waves});
                      });
  }

  void clear(Overlap<T>& overlap) override { overlaps_.clear(overlap); }

  void update_exit_waves(const Problem<T>& problem, State<T>& state, device::Share views, T beta,
                         std::optional<double> modulus_bound, Gather gather, Overlap<T>& overlap,
                         ExactRatio& change) override {
    expect_known(problem);
    if (views.size() == 0) return;
    const bool on_the_way =
        gather == Gather::object && object_sum_ == ObjectSum::atomic && !overlap.numerator_scale.used();
    Complex<T>* numerator = on_the_way ? overlap.numerator.data() : nullptr;
    const double bound = modulus_bound.value_or(0);  // 0: no frame may keep anything
    const Key key{scans_,
                  address(psi_of(state)),
                  address(state.probe.data()),
                  address(state.object.data()),
                  address(numerator),
                  static_cast<double>(beta),
                  bound,
                  static_cast<double>(views.first),
                  static_cast<double>(views.last)};
    const auto sweep_all = [&] {
      lanes_.for_blocks(
          psi_of(state), fields_of(state), views, Use::read_and_written,
          [&](Lane& lane, device::Share block, const auto& fields, auto* psi) {
            bring_magnitudes(problem, lane, block.size(), [&](Index b) { return frame_of(problem, block.first + b); });
            for (const device::Share batch : lanes_.batches_of(block)) {
              const Index first = batch.first, count = batch.size();
              lane.queue.sum(count, pixels(), lane.step.data(),
                             sweep::ReflectWaves<T>{fields, first, psi, lane.waves.data()});
              lane.fft.forward(lane.waves.data(), count * fields.mode_pairs());
              lane.queue.sum(
                  count, pixels(), lane.misfit.data(),
                  sweep::ChangeModulus<T>{spectra(problem, fields, nullptr, first, lane, first - block.first),
                                          lane.waves.data()});
              lane.queue.each(1, count, sweep::Pull<T>{lane.misfit.data(), bound, lane.pull.data(), lane.step.data()});
              lane.fft.inverse(lane.waves.data(), count * fields.mode_pairs());
              lane.queue.sum(count, pixels(), changes_.data() + first,
                             sweep::UpdateExitWaves<T>{fields, first, lane.waves.data(), lane.pull.data(),
                                                       lane.step.data(), beta, psi, numerator});
            }
          });
    };
    if (lanes_.bring_exit_waves()) {  // which blocks are on the device differs from sweep to sweep
      sweep_all();
    } else {
      lanes_.about(queue_, views);
      queue_.replayed(key, sweep_all);
    }
    if (gather != Gather::nothing && !on_the_way) this->gather(problem, state, views, gather, overlap);
    for (const auto& sums : queue_.read(changes_.data() + views.first, views.size())) change.add(sums);
    queue_.about("");
  }

  void gather(const Problem<T>& problem, const State<T>& state, device::Share views, Gather what,
              Overlap<T>& overlap) override {
    expect_known(problem);
    if (views.size() == 0) return;
    if (!lanes_.bring_exit_waves()) return overlaps_.gather(fields_of(state), psi_of(state), views, what, overlap);
    // Sums are made by one queue in its order, while lanes bring the next exit waves.
    lanes_.for_blocks(const_cast<Complex<T>*>(psi_of(state)), fields_of(state), views, Use::read,
                      [&](Lane& lane, device::Share some, const auto& fields, auto* psi) {
                        queue_.after(lane.queue);
                        overlaps_.gather(fields, psi, some, what, overlap);
                        lane.queue.after(queue_);
                      });
  }

  void settle(Overlap<T>& overlap) override { overlaps_.settle(overlap); }

  void cover_object(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) override {
    expect_known(problem);
    overlaps_.cover_object(fields_of(state), overlap);
  }

  void cover_probe(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) override {
    expect_known(problem);
    overlaps_.cover_probe(fields_of(state), local_, overlap);
  }

  T largest(const device::Array<T, 2>& numbers) override {
    need(largest_, {1});
    queue_.sum(1, numbers.size(), largest_.data(), sweep::Take<sweep::Largest<T>, T>{numbers.data()});
    return queue_.read(largest_.data(), 1).front().value;
  }

  double largest_power(const device::Array<Complex<T>, 3>& modes) override {
    need(largest_, {1});
    const Index size = modes.extent(1) * modes.extent(2);
    queue_.sum(1, size, largest_.data(), sweep::Power<T>{modes.data(), modes.extent(0), size});
    return static_cast<double>(queue_.read(largest_.data(), 1).front().value);
  }

  void divide(const Overlap<T>& overlap, T floor, T lit, device::Share counted, View<Complex<T>, 3> target,
              std::vector<ExactRatio>& changes) override {
    const auto [modes, height, width] = target.extents();
    need(row_changes_, {modes * height});
    constexpr Index rows_at_once = 32768;  // a launch takes 65535 groups
    for (Index first = 0; first < modes * height; first += rows_at_once) {
      queue_.sum(std::min(rows_at_once, modes * height - first), width, row_changes_.data() + first,
                 sweep::Divide<T>{overlap.numerator.data(), overlap.denominator.data(), floor, lit, first, height,
                                  width, target.data()});
    }
    const auto sums = queue_.read(row_changes_.data(), modes * height);
    for (Index m = 0; m < modes; ++m) {
      for (Index y = counted.first; y < counted.last; ++y)
        changes[static_cast<std::size_t>(m)].add(sums[static_cast<std::size_t>(m * height + y)]);
    }
  }

  void rotate_probe(View<const Complex<double>, 2> rotation, State<T>& state) override {
    rotate(rotation, state.probe.data(), 1, pixels());
  }

  void rotate_exit_waves(View<const Complex<double>, 2> rotation, State<T>& state, device::Share views) override {
    lanes_.for_blocks(psi_of(state), fields_of(state), views, Use::read_and_written,
                      [&](Lane& lane, device::Share block, const auto& fields, auto* psi) {
                        queue_.after(lane.queue);
                        for (const device::Share some : lanes_.batches_of(block)) {
                          rotate(rotation, psi + fields.psi(some.first, 0, 0, 0), some.size(),
                                 fields.object_modes * pixels());
                        }
                        lane.queue.after(queue_);
                      });
  }

  void bound_object(const ObjectBounds& bounds, View<Complex<T>, 3> object) override {
    const Index size = object.extent(1) * object.extent(2);
    queue_.each(object.extent(0), size, sweep::Bound<T>{bounds, size, object.data()});
  }

  void support_probe(double radius_px, View<Complex<T>, 3> probe) override {
    queue_.each(probe.extent(0), pixels(), sweep::Support<T>{radius_px, frame_, probe.data()});
  }

  void compare(const Problem<T>& problem, const State<T>& state, device::Share among, Index stride,
               ExactRatio& fit) override {
    expect_known(problem);
    choose_sample(problem, among, stride);
    const Index count = sample_.size();
    if (count == 0) return;
    const auto fields = fields_of(state);
    lanes_.for_batches({0, count}, [&](Lane& lane, device::Share some) {
      const Index first = some.first, views = some.size();
      const auto view = [&](Index b) { return sampled_[static_cast<std::size_t>(first + b)]; };
      bring_magnitudes(problem, lane, views, [&](Index b) { return frame_of(problem, view(b)); });
      lane.queue.each(views, pixels(), sweep::Multiply<T>{fields, sample_.data(), first, lane.waves.data()});
      lane.fft.forward(lane.waves.data(), views * fields.mode_pairs());
      lane.queue.sum(views, pixels(), misfits_.data() + first,
                     sweep::Deviation<T>{spectra(problem, fields, sample_.data(), first, lane, 0), lane.waves.data()});
    });
    for (const auto& misfit : queue_.read(misfits_.data(), count)) fit.add(misfit.fit);
    queue_.about("");
  }

 protected:
  Queue& queue() { return queue_; }

 private:
  template <class V>
  using List = device::Array<V, 1>;
  using Key = std::vector<double>;
  using Lanes = BatchLanes<T, Queue>;
  using Lane = typename Lanes::Lane;

  Index pixels() const { return frame_.y * frame_.x; }

  /// ψ as it lies on a device: [local view][mode pair][y][x].
  static Complex<T>* psi_of(State<T>& state) { return reinterpret_cast<Complex<T>*>(state.exit_waves.data()); }
  static const Complex<T>* psi_of(const State<T>& state) {
    return reinterpret_cast<const Complex<T>*>(state.exit_waves.data());
  }

  static double address(const void* p) { return static_cast<double>(reinterpret_cast<std::uintptr_t>(p)); }

  /// Turns arrays of modes, `step` elements from one mode to the next. The waves of a batch, which hold all modes of a
  /// view at least, take a copy.
  void rotate(View<const Complex<double>, 2> rotation, Complex<T>* target, Index groups, Index step) {
    need(rotation_, {rotation.size()});
    memory()->copy_in(rotation_.data(), rotation.data(), rotation_.bytes());
    const Index modes = rotation.extent(0);
    Complex<T>* copy = lanes_.spare_waves();
    queue_.each(1, groups * modes * step, sweep::Copy<Complex<T>>{target, copy});
    queue_.each(groups, step, sweep::RotateModes<T>{rotation_.data(), modes, step, copy, target});
  }

  /// Takes over what a problem says, and makes room for its batches.
  void learn(const Problem<T>& problem, const State<T>& state) {
    const Workload work{frame_,
                        problem.held(),
                        problem.local_count(),
                        static_cast<Index>(problem.windows_here().size()),
                        state.probe_modes(),
                        state.object_modes(),
                        Index{sizeof(T)},
                        object_sum_ == ObjectSum::gather,
                        false,
                        problem.all_magnitudes().memory() == memory() ? MagnitudesLie::on_the_device
                                                                      : MagnitudesLie::with_the_processor};
    const BatchPlan plan = plan_(work);
    ++scans_;
    known_ = &problem;
    local_ = problem.local_count();
    std::vector<sweep::ViewPlace> places;
    for (Index v = 0; v < local_; ++v) {
      const auto w = problem.window(v);
      places.push_back({static_cast<std::int32_t>(w.y), static_cast<std::int32_t>(w.x),
                        static_cast<std::int32_t>(problem.views()[static_cast<std::size_t>(v)].frame_index)});
    }
    places_ = device::moved_to(memory(), places);
    overlaps_.learn(problem);
    sample_stride_ = 0;
    changes_ = List<ChangeSums>::zeros({local_}, memory());
    misfits_ = List<sweep::Misfit>::zeros({local_}, memory());
    lanes_.make(plan, work.mode_pairs());
  }

  void expect_known(const Problem<T>& problem) const {
    expect(&problem == known_ && problem.local_count() == local_, "kernels were not prepared for this problem");
  }

  sweep::Fields<T> fields_of(const State<T>& state) const {
    return {state.probe.data(),
            state.object.data(),
            places_.data(),
            state.probe_modes(),
            state.object_modes(),
            frame_.x,
            pixels(),
            state.object.extent(2),
            state.object.extent(1) * state.object.extent(2)};
  }

  static Index frame_of(const Problem<T>& problem, Index v) {
    return problem.views()[static_cast<std::size_t>(v)].frame_index;
  }

  /// Magnitudes of some views to the lane, if they lie with the processor.
  /// @param frame  of the view at a place among them
  template <class Frame>
  void bring_magnitudes(const Problem<T>& problem, Lane& lane, Index count, const Frame& frame) const {
    if (!lanes_.bring_magnitudes()) return;
    for (Index b = 0, run = 0; b < count; b += run) {  // frames that follow each other in one go
      for (run = 1; b + run < count && frame(b + run) == frame(b) + run;) ++run;
      lane.queue.copy_in(lane.magnitudes.data() + b * pixels(), problem.all_magnitudes().data() + frame(b) * pixels(),
                         static_cast<std::size_t>(run * pixels()) * sizeof(T));
    }
  }

  /// @param place  of the batch among the views whose magnitudes came to the lane
  sweep::Spectra<T> spectra(const Problem<T>& problem, const sweep::Fields<T>& fields, const std::int32_t* which,
                            Index first, const Lane& lane, Index place) const {
    const bool came = lanes_.bring_magnitudes();
    const T* measured = came ? lane.magnitudes.data() + place * pixels() : problem.all_magnitudes().data();
    return {fields, which, first, measured, came, T(1) / std::sqrt(static_cast<T>(pixels()))};
  }

  void choose_sample(const Problem<T>& problem, device::Share among, Index stride) {
    if (stride == sample_stride_ && among.first == sample_of_.first && among.last == sample_of_.last) return;
    sampled_.clear();
    for (Index v = among.first; v < among.last; ++v) {
      if (problem.scan_index(v) % stride == 0) sampled_.push_back(static_cast<std::int32_t>(v));
    }
    sample_ = device::moved_to(memory(), sampled_);
    sample_stride_ = stride;
    sample_of_ = among;
  }

  template <class V>
  void need(List<V>& list, Extents<1> extents) {
    if (list.extents() != extents) list = List<V>::zeros(extents, memory());
  }

  Queue queue_;
  Yx<Index> frame_;
  ObjectSum object_sum_;
  Planner plan_;
  const Problem<T>* known_ = nullptr;
  double scans_ = 0;  ///< how many problems were learnt: part of the key of what may be replayed
  Index local_ = 0;
  Lanes lanes_{queue_, frame_};
  BatchOverlaps<T, Queue> overlaps_{queue_, frame_};
  List<sweep::ViewPlace> places_;
  List<ChangeSums> changes_, row_changes_;
  List<sweep::Misfit> misfits_;
  List<sweep::Largest<T>> largest_;
  List<std::int32_t> sample_;
  std::vector<std::int32_t> sampled_;  ///< the same, for the processor
  Index sample_stride_ = 0;
  device::Share sample_of_{0, 0};
  List<Complex<double>> rotation_;
};

}  // namespace ptychoflow::ptycho
