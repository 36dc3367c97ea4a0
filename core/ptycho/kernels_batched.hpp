// kernels.hpp for a device that takes many views at a time: which sweep follows which, over which batch. The device is
// known only as a Queue:
//
//   Memory* memory()                       where its arrays lie
//   each(groups, count, f)                 calls f(group, element) for all
//   sum(groups, count, V* sums, f)         sums[group] = Σ f(group, element), always in the same order
//   read(const V* values, n)               waits, and returns them
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
#include "core/ptycho/batch_plan.hpp"
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

  device::Array<Complex<T>, 4> unpacked_exit_waves(const State<T>& state) const override {
    const auto [views, mode_pairs, size] = state.exit_waves.extents();
    auto waves = device::Array<Complex<T>, 4>::uninitialized({views, mode_pairs, frame_.y, frame_.x});
    state.exit_waves.memory()->copy_out(waves.data(), state.exit_waves.data(), waves.bytes());
    return waves;
  }

  void pack_exit_waves(View<const Complex<T>, 4> waves, State<T>& state) const override {
    state.exit_waves.memory()->copy_in(state.exit_waves.data(), waves.data(), state.exit_waves.bytes());
  }

  void prepare(const Problem<T>& problem, const State<T>& state) override { learn(problem, state); }

  void start_exit_waves(const Problem<T>& problem, State<T>& state) override {
    expect_known(problem);
    const auto fields = fields_of(state);
    for_batches(local_, [&](Lane& lane, Index first, Index count) {
      lane.queue.each(count, pixels(),
                      sweep::Multiply<T>{fields, nullptr, first, psi_of(state) + fields.wave(first, 0, 0, 0)});
    });
  }

  ChangeSums update_exit_waves(const Problem<T>& problem, State<T>& state, T beta, std::optional<double> modulus_bound,
                               Gather gather, Overlap<T>& overlap) override {
    expect_known(problem);
    const bool on_the_way = gather == Gather::object && object_sum_ == ObjectSum::atomic;
    Complex<T>* numerator = on_the_way ? overlap.numerator.data() : nullptr;
    if (on_the_way) memory()->clear(numerator, overlap.numerator.bytes());
    const auto fields = fields_of(state);
    Complex<T>* psi = psi_of(state);
    const double bound = modulus_bound.value_or(0);  // 0: no frame may keep anything
    const Key key{scans_,
                  address(psi),
                  address(fields.probe),
                  address(fields.object),
                  address(numerator),
                  static_cast<double>(beta),
                  bound};
    queue_.replayed(key, [&] {
      for_batches(local_, [&](Lane& lane, Index first, Index count) {
        lane.queue.each(count, pixels(), sweep::ReflectWaves<T>{fields, first, psi, lane.waves.data()});
        lane.fft.forward(lane.waves.data(), count * fields.mode_pairs());
        lane.queue.sum(count, pixels(), lane.misfit.data(),
                       sweep::ReplaceModulus<T>{spectra(problem, fields, nullptr, first), lane.waves.data()});
        lane.queue.each(1, count, sweep::Slack<T>{lane.misfit.data(), bound, lane.slack.data()});
        lane.fft.inverse(lane.waves.data(), count * fields.mode_pairs());
        lane.queue.sum(
            count, pixels(), changes_.data() + first,
            sweep::UpdateExitWaves<T>{fields, first, lane.waves.data(), lane.slack.data(), beta, psi, numerator});
      });
      queue_.sum(1, local_, change_.data(), sweep::Take<ChangeSums, ChangeSums>{changes_.data()});
    });
    if (gather == Gather::object && !on_the_way) gather_object(problem, state, overlap);
    if (gather == Gather::probe) gather_probe(problem, state, overlap);
    return queue_.read(change_.data(), 1).front();
  }

  void gather_object(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) override {
    expect_known(problem);
    if (local_tiles_.starts.empty()) {
      std::vector<Yx<Index>> windows;
      for (Index v = 0; v < local_; ++v) windows.push_back(problem.window(v));
      local_tiles_ = on_device(list_tiles(frame_, problem.layout().object, windows));
    }
    const auto fields = fields_of(state);
    queue_.each(fields.object_modes, fields.object_pixels,
                sweep::GatherObject<T>{fields, tiles(local_tiles_, fields), psi_of(state), overlap.numerator.data()});
  }

  void gather_probe(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) override {
    expect_known(problem);
    const auto fields = fields_of(state);
    need(probe_sums_, {probe_parts * fields.probe_modes * pixels()});
    queue_.each(probe_parts * fields.probe_modes, pixels(),
                sweep::GatherProbe<T>{fields, local_, probe_parts, psi_of(state), probe_sums_.data()});
    queue_.each(fields.probe_modes, pixels(),
                sweep::AddParts<Complex<T>>{probe_parts, fields.probe_modes, pixels(), probe_sums_.data(),
                                            overlap.numerator.data()});
  }

  void cover_object(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) override {
    expect_known(problem);
    const auto fields = fields_of(state);
    need(light_, {pixels()});
    queue_.each(1, pixels(), sweep::Intensity<T>{fields.probe, fields.probe_modes, pixels(), light_.data()});
    queue_.each(1, fields.object_pixels,
                sweep::CoverObject<T>{tiles(scan_tiles_, fields), scan_windows_.data(), light_.data(),
                                      overlap.denominator.data()});
  }

  void cover_probe(const Problem<T>& problem, const State<T>& state, Overlap<T>& overlap) override {
    expect_known(problem);
    const auto fields = fields_of(state);
    need(transmission_, {fields.object_pixels});
    need(light_sums_, {probe_parts * pixels()});
    queue_.each(1, fields.object_pixels,
                sweep::Intensity<T>{fields.object, fields.object_modes, fields.object_pixels, transmission_.data()});
    queue_.each(probe_parts, pixels(),
                sweep::CoverProbe<T>{scan_windows_.data(), scan_windows_.size(), probe_parts, frame_.x, pixels(),
                                     fields.object_nx, transmission_.data(), light_sums_.data()});
    queue_.each(1, pixels(),
                sweep::AddParts<T>{probe_parts, 1, pixels(), light_sums_.data(), overlap.denominator.data()});
  }

  std::vector<ChangeSums> divide(const Overlap<T>& overlap, double floor, double lit,
                                 View<Complex<T>, 3> target) override {
    const Index modes = target.extent(0), size = target.extent(1) * target.extent(2);
    need(largest_, {1});
    need(mode_changes_, {modes});
    queue_.sum(1, size, largest_.data(), sweep::Take<sweep::Largest<T>, T>{overlap.denominator.data()});
    queue_.sum(modes, size, mode_changes_.data(),
               sweep::Divide<T>{overlap.numerator.data(), overlap.denominator.data(), largest_.data(),
                                static_cast<T>(floor), static_cast<T>(lit), size, target.data()});
    const auto sums = queue_.read(mode_changes_.data(), modes);
    if (!(queue_.read(largest_.data(), 1).front().value > 0)) {
      throw Error(
          ErrorCode::data,
          "probe or object has become zero everywhere: check the frames, the starting probe and the object bounds");
    }
    return sums;
  }

  void rotate_probe_modes(View<const Complex<double>, 2> rotation, State<T>& state) override {
    const auto fields = fields_of(state);
    need(rotation_, {rotation.size()});
    memory()->copy_in(rotation_.data(), rotation.data(), rotation_.bytes());
    const Index modes = fields.probe_modes, batch = lanes_.front().waves.extent(0), stride = fields.object_modes;
    // Any array of modes is first copied to the waves of a batch, which hold all modes of a view at least.
    Complex<T>* copy = lanes_.front().waves.data();
    const auto rotate = [&](Complex<T>* target, Index groups, Index step) {
      const Index count = groups * modes * step;
      queue_.each(1, count, sweep::Copy<Complex<T>>{target, copy});
      queue_.each(groups, step, sweep::RotateModes<T>{rotation_.data(), modes, step, copy, target});
    };
    rotate(state.probe.data(), 1, pixels());
    for (Index first = 0; first < local_; first += batch) {
      rotate(psi_of(state) + fields.wave(first, 0, 0, 0), std::min(batch, local_ - first), stride * pixels());
    }
  }

  void bound_object(const ObjectBounds& bounds, View<Complex<T>, 3> object) override {
    const Index size = object.extent(1) * object.extent(2);
    queue_.each(object.extent(0), size, sweep::Bound<T>{bounds, size, object.data()});
  }

  void support_probe(double radius_px, View<Complex<T>, 3> probe) override {
    queue_.each(probe.extent(0), pixels(), sweep::Support<T>{radius_px, frame_, probe.data()});
  }

  FitSums fit(const Problem<T>& problem, const State<T>& state, Index stride) override {
    expect_known(problem);
    choose_sample(problem, stride);
    const Index count = sample_.size();
    if (count == 0) return {};
    const auto fields = fields_of(state);
    for_batches(count, [&](Lane& lane, Index first, Index views) {
      lane.queue.each(views, pixels(), sweep::Multiply<T>{fields, sample_.data(), first, lane.waves.data()});
      lane.fft.forward(lane.waves.data(), views * fields.mode_pairs());
      lane.queue.sum(views, pixels(), misfits_.data() + first,
                     sweep::Deviation<T>{spectra(problem, fields, sample_.data(), first), lane.waves.data()});
    });
    queue_.sum(1, count, misfit_.data(), sweep::Take<sweep::Misfit, sweep::Misfit>{misfits_.data()});
    return queue_.read(misfit_.data(), 1).front().fit;
  }

 protected:
  Queue& queue() { return queue_; }

 private:
  template <class V>
  using List = device::Array<V, 1>;
  using Key = std::vector<double>;
  using Fft = typename Queue::template Fft<T>;

  /// Batches that follow each other; lanes run side by side.
  struct Lane {
    Queue queue;
    device::Array<Complex<T>, 3> waves;  ///< [place in the batch][mode pair][pixel]
    List<sweep::Misfit> misfit;          ///< [place in the batch]
    List<T> slack;                       ///< [place in the batch]
    Fft fft;
  };

  struct TilesOnDevice {
    List<std::int32_t> starts, views;
  };

  Index pixels() const { return frame_.y * frame_.x; }

  /// ψ as it lies on a device: [local view][mode pair][y][x].
  static Complex<T>* psi_of(State<T>& state) { return reinterpret_cast<Complex<T>*>(state.exit_waves.data()); }
  static const Complex<T>* psi_of(const State<T>& state) {
    return reinterpret_cast<const Complex<T>*>(state.exit_waves.data());
  }

  static double address(const void* p) { return static_cast<double>(reinterpret_cast<std::uintptr_t>(p)); }

  /// Takes over what a problem says, and makes room for its batches.
  void learn(const Problem<T>& problem, const State<T>& state) {
    const Layout& layout = problem.layout();
    const Workload work{frame_,
                        layout.object,
                        problem.local_count(),
                        static_cast<Index>(problem.scan_windows().size()),
                        state.probe_modes(),
                        state.object_modes(),
                        Index{sizeof(T)}};
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
    std::vector<Yx<std::int32_t>> windows;
    for (const auto& w : problem.scan_windows())
      windows.push_back({static_cast<std::int32_t>(w.y), static_cast<std::int32_t>(w.x)});
    places_ = device::moved_to(memory(), places);
    scan_windows_ = device::moved_to(memory(), windows);
    scan_tiles_ = on_device(list_tiles(frame_, layout.object, problem.scan_windows()));
    local_tiles_ = {};
    sample_stride_ = 0;
    changes_ = List<ChangeSums>::zeros({local_}, memory());
    misfits_ = List<sweep::Misfit>::zeros({local_}, memory());
    change_ = List<ChangeSums>::zeros({1}, memory());
    misfit_ = List<sweep::Misfit>::zeros({1}, memory());
    make_lanes(plan, work.mode_pairs());
  }

  void make_lanes(const BatchPlan& plan, Index mode_pairs) {
    const Extents<3> extents{plan.batch_views, mode_pairs, pixels()};
    if (!lanes_.empty() && lanes_.front().waves.extents() == extents && static_cast<Index>(lanes_.size()) == plan.lanes)
      return;
    lanes_.clear();  // gives back their memory before more is taken
    for (Index i = 0; i < plan.lanes; ++i) {
      Queue queue = queue_.lane();
      Fft fft(queue, Extents<2>{frame_.y, frame_.x}, plan.batch_views * mode_pairs);
      lanes_.push_back({std::move(queue), device::Array<Complex<T>, 3>::zeros(extents, memory()),
                        List<sweep::Misfit>::zeros({plan.batch_views}, memory()),
                        List<T>::zeros({plan.batch_views}, memory()), std::move(fft)});
    }
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

  sweep::Spectra<T> spectra(const Problem<T>& problem, const sweep::Fields<T>& fields, const std::int32_t* which,
                            Index first) const {
    return {fields, which, first, problem.all_magnitudes().data(), T(1) / std::sqrt(static_cast<T>(pixels()))};
  }

  /// Deals out views to the lanes in turn, a batch at a time. Work of the main queue comes before and after.
  template <class Body>
  void for_batches(Index views, const Body& body) {
    for (Lane& lane : lanes_) lane.queue.after(queue_);
    const Index batch = lanes_.front().waves.extent(0);
    std::size_t turn = 0;
    for (Index first = 0; first < views; first += batch) {
      Lane& lane = lanes_[turn++ % lanes_.size()];
      const Index count = std::min(batch, views - first);
      lane.queue.about("views " + std::to_string(first) + " to " + std::to_string(first + count - 1));
      body(lane, first, count);
    }
    for (Lane& lane : lanes_) queue_.after(lane.queue);
  }

  void choose_sample(const Problem<T>& problem, Index stride) {
    if (stride == sample_stride_) return;
    std::vector<std::int32_t> views;
    for (Index v = 0; v < local_; ++v) {
      if (problem.scan_index(v) % stride == 0) views.push_back(static_cast<std::int32_t>(v));
    }
    sample_ = device::moved_to(memory(), views);
    sample_stride_ = stride;
  }

  TilesOnDevice on_device(const TileLists& lists) {
    return {device::moved_to(memory(), lists.starts), device::moved_to(memory(), lists.views)};
  }

  Tiles tiles(const TilesOnDevice& lists, const sweep::Fields<T>& fields) const {
    return {lists.starts.data(), lists.views.data(), frame_, fields.object_nx};
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
  std::vector<Lane> lanes_;
  List<sweep::ViewPlace> places_;
  List<Yx<std::int32_t>> scan_windows_;
  TilesOnDevice scan_tiles_, local_tiles_;
  List<ChangeSums> changes_, change_, mode_changes_;
  List<sweep::Misfit> misfits_, misfit_;
  List<sweep::Largest<T>> largest_;
  List<std::int32_t> sample_;
  Index sample_stride_ = 0;
  List<Complex<T>> probe_sums_;
  List<T> light_, light_sums_, transmission_;
  List<Complex<double>> rotation_;
};

}  // namespace ptychoflow::ptycho
