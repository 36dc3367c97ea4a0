#include "core/device/fft3d.hpp"

#include <fftw3.h>
#include <fmt/format.h>

#include <limits>

#include "core/base/error.hpp"
#include "core/device/fftw_planner.hpp"

namespace ptychoflow::device {
namespace {

fftwf_complex* elements(Complex<float>* data) { return reinterpret_cast<fftwf_complex*>(data); }

}  // namespace

/// Planes z are transformed by one plan, then columns along z, all x of a y together: each a task of its own for a
/// thread. They begin anywhere in memory, so that FFTW may not count on alignment.
struct RealFft3d::Plans {
  Extents<3> extents;
  fftwf_plan plane_forward = nullptr, plane_inverse = nullptr, depth_forward = nullptr, depth_inverse = nullptr;

  explicit Plans(Extents<3> volume) : extents(volume) {
    const Index columns = volume[2] / 2 + 1;
    expect(volume[0] > 0 && volume[1] > 0 && volume[2] > 0 && volume[0] <= std::numeric_limits<int>::max() &&
               volume[1] * columns <= std::numeric_limits<int>::max(),
           "a transform of a volume that is empty or of which FFTW cannot count the voxels");
    // An estimate does not touch the data, but looks at where it lies.
    auto scratch = Array<Complex<float>, 1>::uninitialized({volume[0] * volume[1] * columns});
    fftwf_complex* const at = elements(scratch.data());
    auto* const real = reinterpret_cast<float*>(scratch.data());
    const int z = static_cast<int>(volume[0]), y = static_cast<int>(volume[1]), x = static_cast<int>(volume[2]);
    const int many = static_cast<int>(columns), stride = y * many;
    constexpr unsigned how = FFTW_ESTIMATE | FFTW_UNALIGNED;
    const std::scoped_lock lock(fftw_planner());
    plane_forward = fftwf_plan_dft_r2c_2d(y, x, real, at, how);
    plane_inverse = fftwf_plan_dft_c2r_2d(y, x, at, real, how);
    depth_forward = fftwf_plan_many_dft(1, &z, many, at, nullptr, stride, 1, at, nullptr, stride, 1, FFTW_FORWARD, how);
    depth_inverse =
        fftwf_plan_many_dft(1, &z, many, at, nullptr, stride, 1, at, nullptr, stride, 1, FFTW_BACKWARD, how);
    if (!plane_forward || !plane_inverse || !depth_forward || !depth_inverse) {
      destroy();
      throw Error(ErrorCode::other,
                  fmt::format("FFTW made no plan for a transform of {}×{}×{}", volume[0], volume[1], volume[2]));
    }
  }

  ~Plans() {
    const std::scoped_lock lock(fftw_planner());
    destroy();
  }

  Plans(const Plans&) = delete;
  Plans& operator=(const Plans&) = delete;

  void destroy() const {
    for (const fftwf_plan plan : {plane_forward, plane_inverse, depth_forward, depth_inverse}) {
      if (plan) fftwf_destroy_plan(plan);
    }
  }

  void along_depth(const fftwf_plan plan, RealVolume& volume, ThreadPool& threads) const {
    threads.run_in_turn(extents[1], [&](int, Index y) {
      fftwf_complex* const column = elements(&volume.spectrum()(0, y, 0));
      fftwf_execute_dft(plan, column, column);
    });
  }
};

RealFft3d::RealFft3d(Extents<3> extents) : plans_(std::make_unique<Plans>(extents)) {}
RealFft3d::~RealFft3d() = default;
RealFft3d::RealFft3d(RealFft3d&&) noexcept = default;
RealFft3d& RealFft3d::operator=(RealFft3d&&) noexcept = default;

void RealFft3d::forward(RealVolume& volume, ThreadPool& threads) const {
  expect(volume.extents() == plans_->extents, "a transform was made for a volume of other extents");
  threads.run_in_turn(volume.extents()[0], [&](int, Index z) {
    fftwf_execute_dft_r2c(plans_->plane_forward, volume.row(z, 0), elements(&volume.spectrum()(z, 0, 0)));
  });
  plans_->along_depth(plans_->depth_forward, volume, threads);
}

void RealFft3d::inverse(RealVolume& volume, ThreadPool& threads) const {
  expect(volume.extents() == plans_->extents, "a transform was made for a volume of other extents");
  plans_->along_depth(plans_->depth_inverse, volume, threads);
  threads.run_in_turn(volume.extents()[0], [&](int, Index z) {
    fftwf_execute_dft_c2r(plans_->plane_inverse, elements(&volume.spectrum()(z, 0, 0)), volume.row(z, 0));
  });
}

}  // namespace ptychoflow::device
