#include "core/ptycho/aligned_mean.hpp"

#include <algorithm>

#include "core/device/on_host.hpp"

namespace ptychoflow::ptycho {

template <class T>
void AlignedMean<T>::add(View<const Complex<T>, 3> modes) {
  if (sum_.empty()) sum_ = device::Array<Complex<double>, 3>(modes.extents());
  for (Index m = 0; m < modes.extent(0); ++m) {
    const auto mode = modes[m];
    const auto sum = sum_.view()[m];
    Complex<double> turn{1, 0};
    if (count_ > 0) {
      const Extents<3> one{1, mode.extent(0), mode.extent(1)};
      const Complex<double> overlap = overlaps(View<const Complex<double>, 3>(sum.data(), one),
                                               View<const Complex<T>, 3>(mode.data(), one), rows_)(0, 0);
      if (abs(overlap) > 0) turn = overlap / abs(overlap);
    }
    for (Index i = 0; i < mode.size(); ++i) {
      const Complex<T> v = mode.data()[i];
      sum.data()[i] += turn * Complex<double>{static_cast<double>(v.re), static_cast<double>(v.im)};
    }
  }
  ++count_;
}

template <class T>
void AlignedMean<T>::replace(device::Array<Complex<T>, 3>& modes) const {
  if (count_ == 0) return;
  device::Array<Complex<T>, 3> mean(sum_.extents());
  std::transform(sum_.begin(), sum_.end(), mean.begin(), [&](Complex<double> v) {
    const auto m = v / static_cast<double>(count_);
    return Complex<T>{static_cast<T>(m.re), static_cast<T>(m.im)};
  });
  modes = device::moved_to(modes.memory(), std::move(mean));
}

template class AlignedMean<float>;
template class AlignedMean<double>;

}  // namespace ptychoflow::ptycho
