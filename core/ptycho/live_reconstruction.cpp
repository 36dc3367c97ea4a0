#include "core/ptycho/live_reconstruction.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/base/error.hpp"
#include "core/device/on_host.hpp"
#include "core/device/snapshot.hpp"

namespace ptychoflow::ptycho {
namespace {

template <class T>
device::Array<Complex<T>, 3> whole_object(const Problem<T>& problem, const State<T>& state,
                                          const comm::Communicator& ranks) {
  const device::OnHost held(state.object);
  const device::Share owned = problem.owned_rows();
  const Index first_row = problem.distribution().owned.first, width = problem.layout().object.x;
  device::Array<Complex<T>, 3> whole({state.object_modes(), problem.layout().object.y, width});
  for (Index m = 0; m < whole.extent(0) && owned.size() > 0; ++m) {
    std::copy_n(&held.view()(m, owned.first, 0), owned.size() * width, &whole(m, first_row, 0));
  }
  ranks.sum(whole.view());
  return whole;
}

/// The object that `earlier` ended with, in place of `object`, which holds `rows` of the new one.
/// @param shift  of pixels, from the earlier object to the new one
template <class T>
void paste(View<const Complex<T>, 3> earlier, Yx<Index> shift, device::Share rows, View<Complex<T>, 3> object) {
  for (Index m = 0; m < earlier.extent(0); ++m) {
    for (Index y = 0; y < earlier.extent(1); ++y) {
      const Index to = y + shift.y;
      if (to < rows.first || to >= rows.last) continue;
      std::copy_n(&earlier(m, y, 0), earlier.extent(2), &object(m, to - rows.first, shift.x));
    }
  }
}

/// A view's exit waves, from one array to another. Both may lie on a device.
template <class T>
class WaveCopier {
 public:
  WaveCopier(const device::Array<T, 3>& from, device::Array<T, 3>& to) : from_(from), to_(to) {}

  void copy(Index from, Index to) {
    const Index size = from_.extent(1) * from_.extent(2);
    const T* source = from_[from].data();
    if (device::Memory* memory = from_.memory()) {
      waves_.resize(static_cast<std::size_t>(size));
      memory->copy_out(waves_.data(), source, waves_.size() * sizeof(T));
      source = waves_.data();
    }
    if (device::Memory* memory = to_.memory()) {
      memory->copy_in(to_[to].data(), source, static_cast<std::size_t>(size) * sizeof(T));
    } else {
      std::copy_n(source, size, to_[to].data());
    }
  }

 private:
  const device::Array<T, 3>& from_;
  device::Array<T, 3>& to_;
  std::vector<T> waves_;
};

}  // namespace

/// Where it stands: in one place, since an engine holds references.
template <class T>
struct LiveReconstruction<T>::Stand {
  Problem<T> problem;
  State<T> state;
  Engine<T> engine;

  Stand(Problem<T> of, State<T> start, const Settings& settings, Kernels<T>& kernels, const comm::Communicator& ranks)
      : problem(std::move(of)),
        state{device::moved_to(kernels.memory(), std::move(start.probe)),
              device::moved_to(kernels.memory(), std::move(start.object)),
              {}},
        engine(problem, state, settings, kernels, ranks) {}
};

/// What has been reached, on its way to the processor.
template <class T>
struct LiveReconstruction<T>::Glimpse {
  device::Snapshot<Complex<T>, 3> object, probe;
  device::Snapshot<T, 2> light;
  std::vector<IterationFigures> history;
};

template <class T>
LiveReconstruction<T>::LiveReconstruction(const Settings& settings, Kernels<T>& kernels, comm::Communicator ranks)
    : settings_(settings), kernels_(kernels), ranks_(std::move(ranks)) {}

template <class T>
LiveReconstruction<T>::~LiveReconstruction() = default;

template <class T>
void LiveReconstruction<T>::take(Problem<T> problem, State<T> start) {
  const std::unique_ptr<Stand> before = std::move(stand_);
  if (before) {
    const Yx<Index> was = before->problem.layout().windows.front(), is = problem.layout().windows.front();
    const auto object = whole_object(before->problem, before->state, ranks_);
    paste<T>(std::as_const(object).view(), {is.y - was.y, is.x - was.x}, problem.distribution().rows,
             start.object.view());
    start.probe = device::Array<Complex<T>, 3>::copy_of(device::OnHost(before->state.probe).view());
    kernels_.bring_exit_waves_home(before->state);
  }
  stand_ = std::make_unique<Stand>(std::move(problem), std::move(start), settings_, kernels_, ranks_);
  if (!before) return;
  stand_->engine.resume(static_cast<Index>(history_.size()));
  std::unordered_map<Index, Index> places;  // in the scan: here
  for (Index v = 0; v < stand_->problem.local_count(); ++v) places[stand_->problem.scan_index(v)] = v;
  kernels_.bring_exit_waves_home(stand_->state);
  WaveCopier<T> copier(before->state.exit_waves, stand_->state.exit_waves);
  for (Index v = 0; v < before->problem.local_count(); ++v) {
    const auto found = places.find(before->problem.scan_index(v));
    expect(found != places.end(), "a view that was taken is not in the problem any more");
    copier.copy(v, found->second);
  }
}

template <class T>
Index LiveReconstruction<T>::view_count() const {
  return stand_ ? stand_->problem.layout().view_count() : 0;
}

template <class T>
const Problem<T>& LiveReconstruction<T>::problem() const {
  return stand_->problem;
}

template <class T>
const IterationFigures& LiveReconstruction<T>::iterate() {
  return history_.emplace_back(stand_->engine.iterate());
}

template <class T>
Run<T> LiveReconstruction<T>::run() const {
  return {stand_->engine, stand_->problem, stand_->state, settings_, kernels_, ranks_};
}

template <class T>
void LiveReconstruction<T>::look() {
  glimpse_ =
      std::make_unique<Glimpse>(Glimpse{device::Snapshot(stand_->state.object), device::Snapshot(stand_->state.probe),
                                        device::Snapshot(stand_->engine.light_on_object()), history_});
}

template <class T>
Result<T> LiveReconstruction<T>::seen() {
  const auto glimpse = std::exchange(glimpse_, nullptr);
  Result<T> result = present<T>(run(), {glimpse->object.view(), glimpse->probe.view(), glimpse->light.view()}, true);
  result.history = std::move(glimpse->history);
  result.r_factor = result.history.back().fourier_error;
  return result;
}

template <class T>
Result<T> LiveReconstruction<T>::finish(const Observer& observer) {
  return go_on(run(), std::move(history_), observer);
}

template class LiveReconstruction<float>;
template class LiveReconstruction<double>;

}  // namespace ptychoflow::ptycho
