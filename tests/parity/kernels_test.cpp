// Kernels of a device against those of the CPU, one by one: in batches that the processor plays, and on a GPU where
// there is one. A transform in single precision is good to about 1e-6 of the mean magnitude; where the model is a
// thousandth of that, the modulus projection gives the pixel a phase that is good to 1e-3. Hence the first tolerance;
// the second, for double precision, is what finds faults.
#include <gtest/gtest.h>

#include "core/ptycho/gpu.hpp"
#include "core/ptycho/kernels_batched.hpp"
#include "tests/parity/random_scan.hpp"
#include "tests/support/host_queue.hpp"

namespace ptychoflow::ptycho {
namespace {

template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 1e-3 : 1e-11;

struct Case {
  int ny, nx, probe_modes, object_modes;
};

void PrintTo(const Case& c, std::ostream* out) {
  *out << c.ny << 'x' << c.nx << '_' << c.probe_modes << 'x' << c.object_modes << "_modes";
}

template <class V, std::size_t Rank>
double relative_difference(const device::Array<V, Rank>& found, const device::Array<V, Rank>& expected) {
  const device::OnHost here(found);
  double difference = 0, size = 0;
  for (Index i = 0; i < expected.size(); ++i) {
    const V a = here.view().data()[i], b = expected.data()[i];
    if constexpr (std::is_floating_point_v<V>) {
      difference += (a - b) * (a - b);
      size += b * b;
    } else {
      difference += static_cast<double>(norm(a - b));
      size += static_cast<double>(norm(b));
    }
  }
  return std::sqrt(difference / size);
}

/// The same scan and state on the CPU and on the device that is on trial.
template <class T>
class Twins {
 public:
  Twins(const Case& c, std::unique_ptr<Kernels<T>> kernels)
      : random_(c.ny, c.nx, 8, c.probe_modes, c.object_modes, true, 41),
        threads_(2),
        cpu_{make_cpu_kernels<T>(threads_, {c.ny, c.nx}), random_},
        device_{std::move(kernels), random_} {}

  /// Every kernel in turn; each goes on from what the one before left on the CPU.
  void compare_all() {
    both([](Side& s) { s.kernels->start_exit_waves(s.problem, s.state); });
    expect_same_waves("start_exit_waves");

    compare_sweep("exact projection", std::nullopt, Gather::object);
    compare_sweep("relaxed projection", 0.05, Gather::probe);
    compare_sweep("no numerator", 0.05, Gather::nothing);

    both([](Side& s) { s.kernels->gather_object(s.problem, s.state, s.object_overlap); });
    both([](Side& s) { s.kernels->cover_object(s.problem, s.state, s.object_overlap); });
    expect_same(&Side::object_overlap, "object");
    both([](Side& s) { s.kernels->gather_probe(s.problem, s.state, s.probe_overlap); });
    both([](Side& s) { s.kernels->cover_probe(s.problem, s.state, s.probe_overlap); });
    expect_same(&Side::probe_overlap, "probe");

    compare_sums("divide object", [](Side& s) {
      return s.kernels->divide(s.object_overlap, object_floor, lit_coverage, s.state.object);
    });
    expect_same(&State<T>::object, "divide object");
    compare_sums("divide probe",
                 [](Side& s) { return s.kernels->divide(s.probe_overlap, probe_floor, 0, s.state.probe); });
    expect_same(&State<T>::probe, "divide probe");

    const auto rotation = rotation_of(cpu_.state.probe_modes());
    both([&](Side& s) { s.kernels->rotate_probe_modes(rotation, s.state); });
    expect_same(&State<T>::probe, "rotate_probe_modes");
    expect_same_waves("rotate_probe_modes");

    ObjectBounds bounds;
    bounds.amplitude_min = 0.4, bounds.amplitude_max = 0.9, bounds.phase_max_rad = 0.3;
    both([&](Side& s) { s.kernels->bound_object(bounds, s.state.object); });
    expect_same(&State<T>::object, "bound_object");
    both([&](Side& s) { s.kernels->support_probe(static_cast<double>(random_.scan.nx) / 3, s.state.probe); });
    expect_same(&State<T>::probe, "support_probe");

    for (const Index stride : {1, 3, 9}) {
      const FitSums found = device_.kernels->fit(device_.problem, device_.state, stride);
      const FitSums expected = cpu_.kernels->fit(cpu_.problem, cpu_.state, stride);
      EXPECT_NEAR(found.misfit, expected.misfit, tolerance<T> * expected.misfit) << "fit of every " << stride;
      EXPECT_NEAR(found.measured, expected.measured, tolerance<T> * expected.measured) << "fit of every " << stride;
    }
  }

 private:
  struct Side {
    Side(std::unique_ptr<Kernels<T>> its_kernels, const test::RandomScan& random)
        : kernels(std::move(its_kernels)),
          problem(random.problem<T>(kernels->memory())),
          state(random.state<T>(kernels->memory())) {
      device::Memory* memory = kernels->memory();
      const auto object = state.object.extents(), probe = state.probe.extents();
      object_overlap = {device::Array<Complex<T>, 3>::zeros(object, memory),
                        device::Array<T, 2>::zeros({object[1], object[2]}, memory)};
      probe_overlap = {device::Array<Complex<T>, 3>::zeros(probe, memory),
                       device::Array<T, 2>::zeros({probe[1], probe[2]}, memory)};
      kernels->prepare(problem, state);
      state.exit_waves =
          device::Array<T, 3>::zeros({problem.local_count(), state.mode_pairs(), kernels->exit_wave_size()}, memory);
    }

    std::unique_ptr<Kernels<T>> kernels;
    Problem<T> problem;
    State<T> state;
    Overlap<T> object_overlap, probe_overlap;
  };

  template <class Body>
  void both(const Body& body) {
    body(cpu_);
    body(device_);
  }

  /// Three times, since a device may replay what it did before.
  void compare_sweep(const char* what, std::optional<double> bound, Gather gather) {
    for (int time = 0; time < 3; ++time) {
      compare_sums(what, [&](Side& s) {
        return std::vector{s.kernels->update_exit_waves(s.problem, s.state, T(0.8), bound, gather,
                                                        gather == Gather::probe ? s.probe_overlap : s.object_overlap)};
      });
      expect_same_waves(what);
      const auto overlap = gather == Gather::probe ? &Side::probe_overlap : &Side::object_overlap;
      if (gather != Gather::nothing) {
        EXPECT_LT(relative_difference((device_.*overlap).numerator, (cpu_.*overlap).numerator), tolerance<T>) << what;
      }
    }
  }

  template <class Body>
  void compare_sums(const char* what, const Body& body) {
    const auto expected = body(cpu_), found = body(device_);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_NEAR(found[i].change, expected[i].change, tolerance<T> * expected[i].change) << what;
      EXPECT_NEAR(found[i].norm, expected[i].norm, tolerance<T> * expected[i].norm) << what;
    }
  }

  /// Then makes them the same, since iterations on random numbers double a difference every step or so.
  template <std::size_t Rank>
  void expect_same(device::Array<Complex<T>, Rank> State<T>::*array, const char* after) {
    auto &found = device_.state.*array, &expected = cpu_.state.*array;
    EXPECT_LT(relative_difference(found, expected), tolerance<T>) << "after " << after;
    device_.kernels->memory()->copy_in(found.data(), expected.data(), expected.bytes());
  }

  void expect_same_waves(const char* after) {
    const auto found = device_.kernels->unpacked_exit_waves(device_.state);
    const auto expected = cpu_.kernels->unpacked_exit_waves(cpu_.state);
    EXPECT_LT(relative_difference(found, expected), tolerance<T>) << "after " << after;
    device_.kernels->pack_exit_waves(expected, device_.state);
  }

  void expect_same(Overlap<T> Side::*overlap, const char* of) {
    EXPECT_LT(relative_difference((device_.*overlap).numerator, (cpu_.*overlap).numerator), tolerance<T>) << of;
    EXPECT_LT(relative_difference((device_.*overlap).denominator, (cpu_.*overlap).denominator), tolerance<T>) << of;
  }

  /// A discrete Fourier transform of the modes: unitary, and no element is zero.
  static device::Array<Complex<double>, 2> rotation_of(Index modes) {
    device::Array<Complex<double>, 2> rotation({modes, modes});
    for (Index k = 0; k < modes; ++k) {
      for (Index m = 0; m < modes; ++m) {
        const double n = static_cast<double>(modes);
        rotation(k, m) = polar(1 / std::sqrt(n), 6.283185307179586 * static_cast<double>(k * m) / n);
      }
    }
    return rotation;
  }

  test::RandomScan random_;
  device::ThreadPool threads_;
  Side cpu_, device_;
};

class PlayedKernels : public ::testing::TestWithParam<Case> {
 public:
  template <class T>
  void run(ObjectSum object_sum) {
    const auto plan = [](const Workload&) { return BatchPlan{.batch_views = 3, .lanes = 2}; };
    test::GuardedMemory memory;
    Twins<T>(GetParam(), std::make_unique<BatchedKernels<T, test::HostQueue>>(
                             test::HostQueue(memory), Yx<Index>{GetParam().ny, GetParam().nx}, object_sum, plan))
        .compare_all();
    EXPECT_EQ(memory.blocks(), 0U) << "memory of the device that was not given back";
  }
};

TEST_P(PlayedKernels, AgreeInSinglePrecision) { run<float>(ObjectSum::atomic); }
TEST_P(PlayedKernels, AgreeInDoublePrecision) { run<double>(ObjectSum::atomic); }
TEST_P(PlayedKernels, ThatGatherAgreeInDoublePrecision) { run<double>(ObjectSum::gather); }

INSTANTIATE_TEST_SUITE_P(Sizes, PlayedKernels,
                         ::testing::Values(Case{16, 16, 1, 1}, Case{15, 21, 3, 1}, Case{24, 10, 1, 2},
                                           Case{63, 63, 3, 2}),
                         ::testing::PrintToStringParamName());

class GpuKernels : public ::testing::TestWithParam<Case> {
 public:
  template <class T>
  void run(ObjectSum object_sum, Index batch_views) {
    std::unique_ptr<Gpu> gpu;
    try {
      gpu = open_gpu({.object_sum = object_sum, .batch_views = batch_views}, {});
    } catch (const Error& e) {
      GTEST_SKIP() << e.what();
    }
    const Yx<Index> frame{GetParam().ny, GetParam().nx};
    if constexpr (std::is_same_v<T, float>) {
      Twins<T>(GetParam(), gpu->single_kernels(frame)).compare_all();
    } else {
      Twins<T>(GetParam(), gpu->double_kernels(frame)).compare_all();
    }
  }
};

TEST_P(GpuKernels, AgreeInSinglePrecision) { run<float>(ObjectSum::atomic, 3); }
TEST_P(GpuKernels, AgreeInDoublePrecision) { run<double>(ObjectSum::atomic, 3); }
TEST_P(GpuKernels, InOneBatchAgreeInDoublePrecision) { run<double>(ObjectSum::atomic, 0); }
TEST_P(GpuKernels, ThatGatherAgreeInSinglePrecision) { run<float>(ObjectSum::gather, 0); }
TEST_P(GpuKernels, ThatGatherAgreeInDoublePrecision) { run<double>(ObjectSum::gather, 3); }

INSTANTIATE_TEST_SUITE_P(Sizes, GpuKernels,
                         ::testing::Values(Case{16, 16, 1, 1}, Case{15, 21, 3, 1}, Case{63, 63, 5, 1},
                                           Case{100, 100, 1, 2}, Case{128, 128, 3, 1}, Case{128, 96, 3, 2},
                                           Case{188, 188, 5, 1}, Case{200, 200, 1, 1}, Case{256, 256, 3, 1},
                                           Case{256, 256, 5, 2}, Case{512, 512, 1, 1}, Case{512, 512, 3, 1}),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace ptychoflow::ptycho
