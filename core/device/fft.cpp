#include "core/device/fft.hpp"

#include <fftw3.h>
#include <fmt/format.h>

#include <utility>

#include "core/base/error.hpp"
#include "core/device/array.hpp"
#include "core/device/fftw_planner.hpp"

namespace ptychoflow::device {
namespace {

/// The two precisions of FFTW under one name.
template <class T>
struct Fftw;

template <>
struct Fftw<float> {
  using Plan = fftwf_plan;
  using Element = fftwf_complex;
  static constexpr auto plan_dft_2d = fftwf_plan_dft_2d;
  static constexpr auto execute_dft = fftwf_execute_dft;
  static constexpr auto destroy_plan = fftwf_destroy_plan;
  static constexpr auto alignment_of = fftwf_alignment_of;
};

template <>
struct Fftw<double> {
  using Plan = fftw_plan;
  using Element = fftw_complex;
  static constexpr auto plan_dft_2d = fftw_plan_dft_2d;
  static constexpr auto execute_dft = fftw_execute_dft;
  static constexpr auto destroy_plan = fftw_destroy_plan;
  static constexpr auto alignment_of = fftw_alignment_of;
};

template <class T>
auto* elements(Complex<T>* data) {
  return reinterpret_cast<typename Fftw<T>::Element*>(data);
}

}  // namespace

template <class T>
struct Fft2d<T>::Plans {
  Index ny, nx;
  typename Fftw<T>::Plan forward = nullptr;
  typename Fftw<T>::Plan inverse = nullptr;

  Plans(Index rows, Index columns) : ny(rows), nx(columns) {
    auto scratch = Array<Complex<T>, 2>::uninitialized({ny, nx});
    const std::scoped_lock lock(fftw_planner());
    const int y = static_cast<int>(ny), x = static_cast<int>(nx);
    forward =
        Fftw<T>::plan_dft_2d(y, x, elements(scratch.data()), elements(scratch.data()), FFTW_FORWARD, FFTW_ESTIMATE);
    inverse =
        Fftw<T>::plan_dft_2d(y, x, elements(scratch.data()), elements(scratch.data()), FFTW_BACKWARD, FFTW_ESTIMATE);
    if (!forward || !inverse) {
      throw Error(ErrorCode::other, fmt::format("FFTW made no plan for a transform of {}×{}", ny, nx));
    }
  }

  ~Plans() {
    const std::scoped_lock lock(fftw_planner());
    Fftw<T>::destroy_plan(forward);
    Fftw<T>::destroy_plan(inverse);
  }

  Plans(const Plans&) = delete;
  Plans& operator=(const Plans&) = delete;

  static void execute(typename Fftw<T>::Plan plan, Complex<T>* data) {
    expect(Fftw<T>::alignment_of(reinterpret_cast<T*>(data)) == 0, "a transform of unaligned data");
    Fftw<T>::execute_dft(plan, elements(data), elements(data));
  }
};

template <class T>
Fft2d<T>::Fft2d(Index ny, Index nx) : plans_(std::make_unique<Plans>(ny, nx)) {}
template <class T>
Fft2d<T>::~Fft2d() = default;
template <class T>
Fft2d<T>::Fft2d(Fft2d&&) noexcept = default;
template <class T>
Fft2d<T>& Fft2d<T>::operator=(Fft2d&&) noexcept = default;

template <class T>
void Fft2d<T>::forward(Complex<T>* data) const {
  Plans::execute(plans_->forward, data);
}

template <class T>
void Fft2d<T>::inverse(Complex<T>* data) const {
  Plans::execute(plans_->inverse, data);
}

template <class T>
Index Fft2d<T>::ny() const {
  return plans_->ny;
}

template <class T>
Index Fft2d<T>::nx() const {
  return plans_->nx;
}

template class Fft2d<float>;
template class Fft2d<double>;

}  // namespace ptychoflow::device
