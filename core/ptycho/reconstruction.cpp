#include "core/ptycho/reconstruction.hpp"

#include <algorithm>
#include <cmath>

#include "core/device/on_host.hpp"
#include "core/ptycho/modes.hpp"

namespace ptychoflow::ptycho {
namespace {

/// Mean of arrays that are known only up to a phase factor a mode: each is turned to the mean's phase before it counts.
template <class T>
class AlignedMean {
 public:
  void add(View<const Complex<T>, 3> modes) {
    if (sum_.empty()) sum_ = device::Array<Complex<double>, 3>(modes.extents());
    for (Index m = 0; m < modes.extent(0); ++m) {
      const auto mode = modes[m];
      const auto sum = sum_.view()[m];
      Complex<double> overlap{};
      for (Index i = 0; i < mode.size(); ++i) overlap += conj(wide(mode.data()[i])) * sum.data()[i];
      const Complex<double> turn = count_ > 0 && abs(overlap) > 0 ? overlap / abs(overlap) : Complex<double>{1, 0};
      for (Index i = 0; i < mode.size(); ++i) sum.data()[i] += turn * wide(mode.data()[i]);
    }
    ++count_;
  }

  /// Replaces `modes` by the mean, if there is one.
  void replace(device::Array<Complex<T>, 3>& modes) const {
    if (count_ == 0) return;
    device::Array<Complex<T>, 3> mean(sum_.extents());
    std::transform(sum_.begin(), sum_.end(), mean.begin(), [&](Complex<double> v) {
      const auto m = v / static_cast<double>(count_);
      return Complex<T>{static_cast<T>(m.re), static_cast<T>(m.im)};
    });
    modes = device::moved_to(modes.memory(), std::move(mean));
  }

 private:
  static Complex<double> wide(Complex<T> v) { return {static_cast<double>(v.re), static_cast<double>(v.im)}; }

  device::Array<Complex<double>, 3> sum_;
  Index count_ = 0;
};

template <class T>
device::Array<Complex<T>, 3> orthogonal(View<const Complex<T>, 3> modes) {
  return rotated<T>(orthogonal_rotation<T>(modes), modes);
}

bool settled(const IterationFigures& figures, const Settings& settings) {
  if (figures.iteration < std::max(settings.probe_start, settings.object_start)) return false;
  const auto below = [&](double epsilon) { return epsilon < settings.tolerance; };
  return std::ranges::all_of(figures.object_change, below) && std::ranges::all_of(figures.probe_change, below);
}

}  // namespace

template <class T>
Result<T> reconstruct(const Problem<T>& problem, State<T> state, const Settings& settings, Kernels<T>& kernels,
                      const comm::Communicator& ranks, const Observer& observer) {
  state.probe = device::moved_to(kernels.memory(), std::move(state.probe));
  state.object = device::moved_to(kernels.memory(), std::move(state.object));
  Engine<T> engine(problem, state, settings, kernels, ranks);
  Result<T> result;
  AlignedMean<T> mean_object, mean_probe;
  const auto average_after = static_cast<Index>(settings.average_from * static_cast<double>(settings.iterations));
  for (Index i = 1; i <= settings.iterations && !result.stopped; ++i) {
    result.history.push_back(engine.iterate());
    if (i > average_after) {
      mean_object.add(device::OnHost(state.object));
      mean_probe.add(device::OnHost(state.probe));
    }
    double wishes_to_stop = observer(result.history.back()) == Wish::stop ? 1 : 0;
    ranks.sum(&wishes_to_stop, 1);
    result.stopped = wishes_to_stop > 0;
    if (settled(result.history.back(), settings)) break;
  }
  state.exit_waves = {};
  mean_object.replace(state.object);
  mean_probe.replace(state.probe);
  result.r_factor = engine.r_factor();
  result.coverage = engine.coverage();
  result.object = orthogonal<T>(device::OnHost(state.object));
  result.probe = orthogonal<T>(device::OnHost(state.probe));
  result.occupancy = occupancy<T>(result.probe.view());
  return result;
}

template <class T>
Index find_probe_modes(const Problem<T>& problem, const std::function<State<T>(Index)>& start, const Settings& settings,
                       Index iterations, Index most, Kernels<T>& kernels, const comm::Communicator& ranks,
                       const Observer& observer) {
  Settings trial = settings;
  trial.iterations = iterations;
  trial.modulus_bound.reset();  // a frame that may keep some deviation also keeps modes that are not there
  for (Index modes = 2; modes <= most; ++modes) {
    const auto result = reconstruct(problem, start(modes), trial, kernels, ranks, observer);
    if (result.stopped || result.occupancy.back() < least_occupancy) return modes - 1;
  }
  return most;
}

#define PTYCHOFLOW_INSTANTIATE(T)                                                                                      \
  template Result<T> reconstruct(const Problem<T>&, State<T>, const Settings&, Kernels<T>&, const comm::Communicator&, \
                                 const Observer&);                                                                     \
  template Index find_probe_modes(const Problem<T>&, const std::function<State<T>(Index)>&, const Settings&, Index,    \
                                  Index, Kernels<T>&, const comm::Communicator&, const Observer&);

PTYCHOFLOW_INSTANTIATE(float)
PTYCHOFLOW_INSTANTIATE(double)

}  // namespace ptychoflow::ptycho
