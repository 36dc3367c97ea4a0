#include "core/tomo/filter.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/base/units.hpp"
#include "core/device/array.hpp"

namespace ptychoflow::tomo {
namespace {

/// Room for a row, its differences and a kernel that reaches from one end to the other.
Index padded(Index width) {
  return static_cast<Index>(std::bit_ceil(static_cast<std::size_t>(std::max<Index>(2 * width + 2, 8))));
}

/// Value of the kernel `k` pixels to the right.
double kernel_at(Filter filter, Index k) {
  const auto x = static_cast<double>(k);
  switch (filter) {
    case Filter::shepp_logan:
      return -2 / (pi * pi * (4 * x * x - 1));
    case Filter::derivative:  // its differences are the kernel of shepp_logan
      return 1 / (pi * pi * (2 * x + 1));
    default:
      return k == 0 ? 0.25 : k % 2 == 0 ? 0 : -1 / (pi * pi * x * x);
  }
}

/// What the ramp is multiplied by.
double window_at(Filter filter, double f) {
  switch (filter) {
    case Filter::hann:
      return 0.5 * (1 + std::cos(2 * pi * f));
    case Filter::butterworth:
      return 1 / std::sqrt(1 + std::pow(4 * f, 8));
    default:
      return 1;
  }
}

std::vector<Complex<float>> response_of(Filter filter, Index n) {
  device::Array<Complex<double>, 1> kernel({n});
  for (Index k = -n / 2; k < n / 2; ++k) kernel[(k + n) % n] = {kernel_at(filter, k), 0};
  device::Fft2d<double>(1, n).forward(kernel.data());
  std::vector<Complex<float>> response;
  for (Index q = 0; q < n; ++q) {
    const double f = static_cast<double>(std::min(q, n - q)) / static_cast<double>(n);
    const double window = window_at(filter, f) / static_cast<double>(n);
    response.push_back({static_cast<float>(kernel[q].re * window), static_cast<float>(kernel[q].im * window)});
  }
  return response;
}

/// A row's differences from the pixel before, one more than its pixels.
void put_differences(const float* row, Index width, float* work) {
  float before = 0;
  for (Index x = 0; x <= width; ++x) {
    const float here = x < width ? row[x] : 0;
    work[2 * x] = wrapped(here - before);
    before = here;
  }
}

void put_row(const float* row, Index width, float* work) {
  for (Index x = 0; x < width; ++x) work[2 * x] = row[x];
}

}  // namespace

RowFilter::RowFilter(Filter filter, Index width)
    : filter_(filter), width_(width), fft_(1, padded(width)), response_(response_of(filter, padded(width))) {}

void RowFilter::apply(const float* a, const float* b, float scale, float* out_a, float* out_b, Index stride,
                      Complex<float>* work) const {
  const Index n = work_size();
  std::fill(work, work + n, Complex<float>{});
  const auto put = filter_ == Filter::derivative ? put_differences : put_row;
  // Two real rows are one complex one; the kernel is real, so that they stay apart.
  put(a, width_, &work->re);
  if (b) put(b, width_, &work->im);
  fft_.forward(work);
  for (Index q = 0; q < n; ++q) {
    const Complex<float> w = work[q], r = response_[static_cast<std::size_t>(q)];
    work[q] = {w.re * r.re - w.im * r.im, w.re * r.im + w.im * r.re};
  }
  fft_.inverse(work);
  for (Index x = 0; x < width_; ++x) out_a[x * stride] = scale * work[x].re;
  if (!b) return;
  for (Index x = 0; x < width_; ++x) out_b[x * stride] = scale * work[x].im;
}

}  // namespace ptychoflow::tomo
