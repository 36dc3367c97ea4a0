#include "core/device/dct.hpp"

#include <fftw3.h>
#include <fmt/format.h>

#include "core/base/error.hpp"
#include "core/device/array.hpp"
#include "core/device/fftw_planner.hpp"

namespace ptychoflow::device {

struct Dct2d::Plans {
  Index ny, nx;
  fftw_plan forward = nullptr;
  fftw_plan inverse = nullptr;

  Plans(Index rows, Index columns) : ny(rows), nx(columns) {
    auto scratch = Array<double, 2>::uninitialized({ny, nx});
    const std::scoped_lock lock(fftw_planner());
    const int y = static_cast<int>(ny), x = static_cast<int>(nx);
    forward = fftw_plan_r2r_2d(y, x, scratch.data(), scratch.data(), FFTW_REDFT10, FFTW_REDFT10, FFTW_ESTIMATE);
    inverse = fftw_plan_r2r_2d(y, x, scratch.data(), scratch.data(), FFTW_REDFT01, FFTW_REDFT01, FFTW_ESTIMATE);
    if (!forward || !inverse) {
      throw Error(ErrorCode::other, fmt::format("FFTW made no plan for a cosine transform of {}×{}", ny, nx));
    }
  }

  ~Plans() {
    const std::scoped_lock lock(fftw_planner());
    fftw_destroy_plan(forward);
    fftw_destroy_plan(inverse);
  }

  Plans(const Plans&) = delete;
  Plans& operator=(const Plans&) = delete;

  static void execute(fftw_plan plan, double* data) {
    expect(fftw_alignment_of(data) == 0, "a cosine transform of unaligned data");
    fftw_execute_r2r(plan, data, data);
  }
};

Dct2d::Dct2d(Index ny, Index nx) : plans_(std::make_unique<Plans>(ny, nx)) {}
Dct2d::~Dct2d() = default;
Dct2d::Dct2d(Dct2d&&) noexcept = default;
Dct2d& Dct2d::operator=(Dct2d&&) noexcept = default;

void Dct2d::forward(double* data) const { Plans::execute(plans_->forward, data); }
void Dct2d::inverse(double* data) const { Plans::execute(plans_->inverse, data); }
Index Dct2d::ny() const { return plans_->ny; }
Index Dct2d::nx() const { return plans_->nx; }

}  // namespace ptychoflow::device
