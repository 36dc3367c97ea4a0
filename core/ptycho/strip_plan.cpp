#include "core/ptycho/strip_plan.hpp"

namespace ptychoflow::ptycho {

template <class T>
void pack(const StripPlan<T>& plan, View<const Complex<T>, 2> image, T* strips) {
  constexpr Index lanes = StripPlan<T>::lanes, row = StripPlan<T>::row;
  std::fill_n(strips, plan.mode_size(), T(0));
  for (Index y = 0; y < plan.frame.y; ++y) {
    for (Index s = 0; s < plan.strips(); ++s) {
      const Complex<T>* const from = &image(y, s * lanes);
      T *const re = strips + s * plan.strip_size() + y * row, *const im = re + lanes;
      for (Index lane = 0; lane < plan.columns(s); ++lane) re[lane] = from[lane].re, im[lane] = from[lane].im;
    }
  }
}

template <class T, class Number>
void add_unpacked(const StripPlan<T>& plan, const Number* strips, View<Complex<Number>, 2> image) {
  constexpr Index lanes = StripPlan<T>::lanes, row = StripPlan<T>::row;
  for (Index y = 0; y < plan.frame.y; ++y) {
    for (Index s = 0; s < plan.strips(); ++s) {
      Complex<Number>* const to = &image(y, s * lanes);
      const Number *const re = strips + s * plan.strip_size() + y * row, *const im = re + lanes;
      for (Index lane = 0; lane < plan.columns(s); ++lane) to[lane] += {re[lane], im[lane]};
    }
  }
}

template <class T>
void unpack(const StripPlan<T>& plan, const T* strips, View<Complex<T>, 2> image) {
  std::fill(image.begin(), image.end(), Complex<T>{});
  add_unpacked(plan, strips, image);
}

template void pack(const StripPlan<float>&, View<const Complex<float>, 2>, float*);
template void pack(const StripPlan<double>&, View<const Complex<double>, 2>, double*);
template void unpack(const StripPlan<float>&, const float*, View<Complex<float>, 2>);
template void unpack(const StripPlan<double>&, const double*, View<Complex<double>, 2>);
template void add_unpacked(const StripPlan<float>&, const float*, View<Complex<float>, 2>);
template void add_unpacked(const StripPlan<double>&, const double*, View<Complex<double>, 2>);
template void add_unpacked(const StripPlan<float>&, const std::int64_t*, View<Complex<std::int64_t>, 2>);
template void add_unpacked(const StripPlan<double>&, const std::int64_t*, View<Complex<std::int64_t>, 2>);

}  // namespace ptychoflow::ptycho
