// All implementations of the tomography's kernels, to be put through the same tests: the processor's, a GPU's as the
// processor plays it, and a GPU's.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/device/thread_pool.hpp"
#include "core/tomo/gpu.hpp"
#include "core/tomo/slice_kernels_batched.hpp"
#include "tests/support/host_queue.hpp"

namespace ptychoflow::tomo::test {

using Stack = device::Array<float, 3>;

/// The parameter: "cpu" (one thread), "threads" (three), "played" (a GPU; two groups at a time), "gpu".
class OnEveryDevice : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (GetParam() != std::string("gpu")) return;
    try {
      static_cast<void>(make_gpu_slice_kernels({{{0}, 1}, 2, 2}, Filter::ramp, {}));
    } catch (const Error& e) {
      GTEST_SKIP() << e.what();
    }
  }

  std::unique_ptr<SliceKernels> kernels(const SliceGeometry& geometry, Filter filter = Filter::ramp) {
    const std::string device = GetParam();
    if (device == "gpu") return make_gpu_slice_kernels(geometry, filter, {});
    if (device == "played") {
      using Queue = ptycho::test::HostQueue;
      return std::make_unique<BatchedSliceKernels<Queue>>(Queue(memory_), geometry, filter, 2 * slice_lanes);
    }
    return make_cpu_slice_kernels(geometry, filter, device == "cpu" ? one_ : three_);
  }

  /// A·slices. @param slices [slice][y][x], no more than kernels take at a time
  static Stack projected(SliceKernels& kernels, const Stack& slices) {
    const SliceGeometry& g = kernels.geometry();
    Lanes rows = kernels.zero_rows(slices.extent(0));
    kernels.project(in_lanes(slices, planes_of(g, slices.extent(0)), zeros_before, kernels.memory()), rows);
    Stack sinograms({slices.extent(0), g.angles(), g.width});
    kernels.take_rows(rows, sinograms);
    return sinograms;
  }

  /// A'·sinograms. @param sinograms [slice][angle][x], as above
  static Stack back_projected(SliceKernels& kernels, const Stack& sinograms) {
    const SliceGeometry& g = kernels.geometry();
    Lanes planes = kernels.zero_planes(sinograms.extent(0));
    kernels.back_project(Spread::adjoint, in_lanes(sinograms, rows_of(g, sinograms.extent(0)), 0, kernels.memory()),
                         planes);
    Stack slices({sinograms.extent(0), g.side, g.side});
    kernels.take_planes(planes, slices);
    return slices;
  }

 private:
  static Lanes in_lanes(const Stack& stack, Extents<4> extents, Index lines_before, device::Memory* memory) {
    Lanes host(extents);
    for (Index s = 0; s < stack.extent(0); ++s) {
      for (Index y = 0; y < stack.extent(1); ++y) {
        for (Index x = 0; x < stack.extent(2); ++x)
          host(s / slice_lanes, y + lines_before, x + zeros_before, s % slice_lanes) = stack(s, y, x);
      }
    }
    if (!memory) return host;
    Lanes there = Lanes::uninitialized(extents, memory);
    memory->copy_in(there.data(), host.data(), host.bytes());
    return there;
  }

  device::ThreadPool one_{1}, three_{3};
  ptycho::test::GuardedMemory memory_;
};

inline std::string device_name(const testing::TestParamInfo<const char*>& info) { return info.param; }

/// Instantiates a suite of OnEveryDevice; what needs a card is called OnAGpu.
#define PTYCHOFLOW_ON_EVERY_DEVICE(Suite)                                                            \
  INSTANTIATE_TEST_SUITE_P(, Suite, testing::Values("cpu", "threads", "played"), test::device_name); \
  INSTANTIATE_TEST_SUITE_P(OnAGpu, Suite, testing::Values("gpu"), test::device_name)

inline double dot(const Stack& a, const Stack& b) {
  double sum = 0;
  for (Index i = 0; i < a.size(); ++i) sum += static_cast<double>(a.data()[i]) * static_cast<double>(b.data()[i]);
  return sum;
}

}  // namespace ptychoflow::tomo::test
