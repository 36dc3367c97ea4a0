// Whole reconstructions of a simulated scan: a device's against the CPU's, after 20 iterations.
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.hpp"
#include "core/ptycho/gpu.hpp"
#include "core/ptycho/kernels_batched.hpp"
#include "core/ptycho/reconstruction.hpp"
#include "tests/support/host_queue.hpp"
#include "tests/support/simulated_scan.hpp"

namespace ptychoflow::ptycho {
namespace {

template <class T>
constexpr double tolerance = std::is_same_v<T, float> ? 1e-4 : 1e-10;

template <class T>
Result<T> reconstruct(const test::SimulatedScan<T>& scan, Kernels<T>& kernels, device::Memory* magnitudes = nullptr) {
  Settings settings;
  settings.iterations = 20;
  settings.orthogonalise_every = 10;
  settings.average_from = 0.9;
  return reconstruct(scan.problem(magnitudes ? magnitudes : kernels.memory()), scan.start(2), settings, kernels, {},
                     [](const IterationFigures&) { return Wish::go_on; });
}

/// ‖a − b‖/‖b‖ over pixels with at least a hundredth of the light: the others are what rounding makes of them.
template <class T>
double lit_difference(const Result<T>& a, const Result<T>& b) {
  double difference = 0, size = 0;
  for (Index i = 0; i < b.coverage.size(); ++i) {
    if (b.coverage.data()[i] < 0.01F) continue;
    difference += static_cast<double>(norm(a.object.data()[i] - b.object.data()[i]));
    size += static_cast<double>(norm(b.object.data()[i]));
  }
  return std::sqrt(difference / size);
}

// The random object lights the whole detector. From ones, a Gaussian probe leaves its rim to what transforms round to,
// and the first projection makes magnitudes of that: two kinds of transform would go two ways.
template <class T>
void compare(Kernels<T>& kernels, device::Memory* magnitudes = nullptr) {
  test::SimulatedScan<T> scan({0.8, 0.2});
  scan.guess.object = ObjectRandom{};
  device::ThreadPool threads(2);
  const auto expected = reconstruct(scan, *make_cpu_kernels<T>(threads, scan.layout.frame));
  const auto found = reconstruct(scan, kernels, magnitudes);
  EXPECT_LT(lit_difference(found, expected), tolerance<T>);
  EXPECT_NEAR(found.r_factor, expected.r_factor, tolerance<T>);
  ASSERT_EQ(found.history.size(), expected.history.size());
  for (std::size_t i = 0; i < found.history.size(); ++i) {
    EXPECT_NEAR(found.history[i].fourier_error, expected.history[i].fourier_error, tolerance<T>) << i;
    EXPECT_NEAR(found.history[i].exit_wave_change, expected.history[i].exit_wave_change, tolerance<T>) << i;
  }
  EXPECT_NEAR(found.occupancy[1], expected.occupancy[1], tolerance<T>);
}

template <class T>
void compare_played(ObjectSum object_sum, const BatchPlan& batches = {.batch_views = 10, .lanes = 2}) {
  const auto plan = [=](const Workload&) { return batches; };
  test::GuardedMemory memory;
  BatchedKernels<T, test::HostQueue> kernels(test::HostQueue(memory), {32, 32}, object_sum, plan);
  compare<T>(kernels, batches.magnitudes_on_host ? &test::FarMemory::instance() : nullptr);
}

TEST(PlayedReconstruction, IsThatOfTheCpuInSinglePrecision) { compare_played<float>(ObjectSum::atomic); }
TEST(PlayedReconstruction, IsThatOfTheCpuInDoublePrecision) { compare_played<double>(ObjectSum::gather); }
TEST(PlayedReconstruction, LargerThanTheDeviceIsThatOfTheCpu) {
  compare_played<double>(ObjectSum::atomic, {.batch_views = 5,
                                             .block_views = 10,
                                             .lanes = 3,
                                             .exit_waves_on_host = true,
                                             .resident_views = 20,
                                             .magnitudes_on_host = true});
}

class GpuReconstruction : public ::testing::Test {
 public:
  void compare_both(const GpuOptions& options) {
    std::unique_ptr<Gpu> gpu;
    try {
      gpu = open_gpu(options, {});
    } catch (const Error& e) {
      GTEST_SKIP() << e.what();
    }
    compare<float>(*gpu->single_kernels({32, 32}));
    compare<double>(*gpu->double_kernels({32, 32}));
  }
};

TEST_F(GpuReconstruction, IsThatOfTheCpu) { compare_both({}); }
TEST_F(GpuReconstruction, InSmallBatchesIsThatOfTheCpu) { compare_both({.batch_views = 10}); }

TEST_F(GpuReconstruction, ThatGathersRepeatsItsBits) {
  std::unique_ptr<Gpu> gpu;
  try {
    gpu = open_gpu({.object_sum = ObjectSum::gather}, {});
  } catch (const Error& e) {
    GTEST_SKIP() << e.what();
  }
  const test::SimulatedScan<float> scan({1});
  const auto first = reconstruct(scan, *gpu->single_kernels({32, 32}));
  const auto second = reconstruct(scan, *gpu->single_kernels({32, 32}));
  EXPECT_TRUE(std::equal(first.object.begin(), first.object.end(), second.object.begin()));
  EXPECT_TRUE(std::equal(first.probe.begin(), first.probe.end(), second.probe.begin()));
}

}  // namespace
}  // namespace ptychoflow::ptycho
