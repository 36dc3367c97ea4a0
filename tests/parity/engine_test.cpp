// The engine against the plain reference, on counts that no object explains: such an iteration is chaotic and doubles a
// rounding error every step or so, hence few iterations and these tolerances.
#include <gtest/gtest.h>

#include "core/base/error.hpp"
#include "core/device/on_host.hpp"
#include "core/ptycho/kernels_batched.hpp"
#include "tests/parity/random_scan.hpp"
#include "tests/support/host_queue.hpp"

namespace ptychoflow::ptycho {
namespace {

template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 1e-4 : 1e-10;

constexpr int iterations = 6;

struct Case {
  const char* name;
  int ny, nx, probe_modes, object_modes, threads;
  bool probe_first;
  std::optional<double> bound;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

/// Which implementation of the kernels is on trial.
enum class On { cpu, atomic_batches, gathering_batches, gpu };

/// Small batches, so that there are several and the last is not full.
BatchPlan batches_of_three(const Workload& work) { return {.batch_views = 3, .lanes = work.views > 3 ? 2 : 1}; }

class EngineParity : public ::testing::TestWithParam<Case> {
 public:
  template <class T>
  void run(On on) const {
    const Case& c = GetParam();
    const test::RandomScan random(c.ny, c.nx, 7, c.probe_modes, c.object_modes);
    reference::Options options;
    options.probe_first = c.probe_first;
    options.bound = c.bound;
    auto expected = random.start;
    reference::start(random.scan, expected);

    test::GuardedMemory memory;
    device::ThreadPool threads(c.threads);
    std::unique_ptr<Gpu> gpu;
    std::unique_ptr<Kernels<T>> kernels;
    const Yx<Index> frame{c.ny, c.nx};
    if (on == On::cpu) {
      kernels = make_cpu_kernels<T>(threads, frame);
    } else if (on == On::gpu) {
      try {
        gpu = open_gpu({}, {});
      } catch (const Error& e) {
        GTEST_SKIP() << e.what();
      }
      if constexpr (std::is_same_v<T, float>) {
        kernels = gpu->single_kernels(frame);
      } else {
        kernels = gpu->double_kernels(frame);
      }
    } else {
      kernels = std::make_unique<BatchedKernels<T, test::HostQueue>>(
          test::HostQueue(memory), frame, on == On::atomic_batches ? ObjectSum::atomic : ObjectSum::gather,
          batches_of_three);
    }
    const auto problem = random.problem<T>(kernels->memory());
    auto state = random.state<T>(kernels->memory());
    Settings settings;
    settings.update_order = c.probe_first ? UpdateOrder::probe_first : UpdateOrder::object_first;
    settings.modulus_bound = c.bound;
    Engine<T> engine(problem, state, settings, *kernels, {});
    for (int i = 1; i <= iterations; ++i) {
      reference::iterate(random.scan, options, i, expected);
      const auto figures = engine.iterate();
      ASSERT_NEAR(figures.exit_wave_change, expected.exit_wave_change, tolerance<T>) << "iteration " << i;
      for (std::size_t k = 0; k < expected.probe.size(); ++k) {
        ASSERT_NEAR(figures.probe_change[k], expected.probe_change[k], tolerance<T>);
      }
      for (std::size_t l = 0; l < expected.object.size(); ++l) {
        ASSERT_NEAR(figures.object_change[l], expected.object_change[l], tolerance<T>);
      }
    }
    EXPECT_LT(test::relative_difference<T>(device::OnHost(state.probe), expected.probe), tolerance<T>);
    EXPECT_LT(test::relative_difference<T>(device::OnHost(state.object), expected.object), tolerance<T>);
  }
};

TEST_P(EngineParity, AgreesWithTheReferenceInSinglePrecision) { run<float>(On::cpu); }
TEST_P(EngineParity, AgreesWithTheReferenceInDoublePrecision) { run<double>(On::cpu); }
TEST_P(EngineParity, InBatchesAgreesInSinglePrecision) { run<float>(On::atomic_batches); }
TEST_P(EngineParity, InBatchesAgreesInDoublePrecision) { run<double>(On::atomic_batches); }
TEST_P(EngineParity, InBatchesThatGatherAgreesInSinglePrecision) { run<float>(On::gathering_batches); }
TEST_P(EngineParity, InBatchesThatGatherAgreesInDoublePrecision) { run<double>(On::gathering_batches); }
TEST_P(EngineParity, OnAGpuAgreesInSinglePrecision) { run<float>(On::gpu); }
TEST_P(EngineParity, OnAGpuAgreesInDoublePrecision) { run<double>(On::gpu); }

INSTANTIATE_TEST_SUITE_P(Cases, EngineParity,
                         ::testing::Values(Case{"one_mode", 16, 16, 1, 1, 1, false, std::nullopt},
                                           Case{"odd_frame", 15, 21, 1, 1, 1, false, std::nullopt},
                                           Case{"probe_first", 16, 16, 1, 1, 1, true, std::nullopt},
                                           Case{"three_probe_modes", 16, 12, 3, 1, 2, false, std::nullopt},
                                           Case{"two_object_modes", 16, 16, 2, 2, 3, true, std::nullopt},
                                           Case{"relaxed", 16, 16, 2, 1, 2, false, 0.05},
                                           Case{"more_threads_than_views", 8, 8, 1, 1, 9, false, 0.25}),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace ptychoflow::ptycho
