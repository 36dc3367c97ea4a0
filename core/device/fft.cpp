#include "core/device/fft.hpp"

#include <fftw3.h>
#include <fmt/format.h>

#include <mutex>
#include <utility>

#include "core/base/error.hpp"
#include "core/device/array.hpp"
#include "core/device/prime_fft.hpp"

namespace ptychoflow::device {
namespace {

// Per direction. Up to 256² in double precision takes 0.4 s; what is cut short is a guess, often three times as slow.
constexpr double planning_limit_s = 1;

/// FFTW's planner is not thread-safe; its executors are.
std::mutex& planner() {
  static std::mutex mutex;
  return mutex;
}

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
  static constexpr auto set_timelimit = fftwf_set_timelimit;
  static constexpr auto export_wisdom = fftwf_export_wisdom_to_string;
  static constexpr auto import_wisdom = fftwf_import_wisdom_from_string;
};

template <>
struct Fftw<double> {
  using Plan = fftw_plan;
  using Element = fftw_complex;
  static constexpr auto plan_dft_2d = fftw_plan_dft_2d;
  static constexpr auto execute_dft = fftw_execute_dft;
  static constexpr auto destroy_plan = fftw_destroy_plan;
  static constexpr auto alignment_of = fftw_alignment_of;
  static constexpr auto set_timelimit = fftw_set_timelimit;
  static constexpr auto export_wisdom = fftw_export_wisdom_to_string;
  static constexpr auto import_wisdom = fftw_import_wisdom_from_string;
};

template <class T>
auto* elements(Complex<T>* data) {
  return reinterpret_cast<typename Fftw<T>::Element*>(data);
}

}  // namespace

template <class T>
struct Fft2d<T>::Plans {
  Index ny, nx;
  std::unique_ptr<const PrimeFft2d<T>> own;  ///< in place of FFTW's plans, where it is better
  typename Fftw<T>::Plan forward = nullptr;
  typename Fftw<T>::Plan inverse = nullptr;

  Plans(Index rows, Index columns, FftPlanning planning) : ny(rows), nx(columns) {
    if (prime_fft_is_better(ny, nx)) {
      own = std::make_unique<const PrimeFft2d<T>>(ny, nx);
      return;
    }
    auto scratch = Array<Complex<T>, 2>::uninitialized({ny, nx});  // measuring overwrites it
    const unsigned flags = planning == FftPlanning::measured ? FFTW_MEASURE : FFTW_ESTIMATE;
    const std::scoped_lock lock(planner());
    Fftw<T>::set_timelimit(planning_limit_s);
    const int y = static_cast<int>(ny), x = static_cast<int>(nx);
    forward = Fftw<T>::plan_dft_2d(y, x, elements(scratch.data()), elements(scratch.data()), FFTW_FORWARD, flags);
    inverse = Fftw<T>::plan_dft_2d(y, x, elements(scratch.data()), elements(scratch.data()), FFTW_BACKWARD, flags);
    if (!forward || !inverse) {
      throw Error(ErrorCode::other, fmt::format("FFTW made no plan for a transform of {}×{}", ny, nx));
    }
  }

  ~Plans() {
    if (own) return;
    const std::scoped_lock lock(planner());
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
Fft2d<T>::Fft2d(Index ny, Index nx, FftPlanning planning) : plans_(std::make_unique<Plans>(ny, nx, planning)) {}
template <class T>
Fft2d<T>::~Fft2d() = default;
template <class T>
Fft2d<T>::Fft2d(Fft2d&&) noexcept = default;
template <class T>
Fft2d<T>& Fft2d<T>::operator=(Fft2d&&) noexcept = default;

template <class T>
void Fft2d<T>::forward(Complex<T>* data) const {
  if (plans_->own) return plans_->own->transform(data, FftDirection::forward);
  Plans::execute(plans_->forward, data);
}

template <class T>
void Fft2d<T>::inverse(Complex<T>* data) const {
  if (plans_->own) return plans_->own->transform(data, FftDirection::inverse);
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

template <class T>
std::string fft_knowledge() {
  const std::scoped_lock lock(planner());
  const std::unique_ptr<char, decltype(&std::free)> text(Fftw<T>::export_wisdom(), &std::free);
  return text ? text.get() : "";
}

template <class T>
void learn_fft(const std::string& knowledge) {
  const std::scoped_lock lock(planner());
  Fftw<T>::import_wisdom(knowledge.c_str());
}

template class Fft2d<float>;
template class Fft2d<double>;
template std::string fft_knowledge<float>();
template std::string fft_knowledge<double>();
template void learn_fft<float>(const std::string&);
template void learn_fft<double>(const std::string&);

}  // namespace ptychoflow::device
