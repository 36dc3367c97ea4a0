#include "plugin/stages/ptycho_dm/to_magnitudes.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "core/base/error.hpp"

namespace ptychoflow::ptycho_dm {
namespace {

/// Neighbours in a row. The loops are apart and free of branches, so that the compiler makes vectors of them.
template <class Count>
struct Stretch {
  const Count* counts;
  const std::uint8_t* mask;
  bool negative_is_masked;
  Index size;

  bool measured(Index i) const {
    const bool counted = !negative_is_masked | (counts[i] >= Count(0));
    return (mask[i] == 0) & counted;
  }
  bool faulty(Index i) const {
    const bool sound = (counts[i] >= Count(0)) & (counts[i] <= std::numeric_limits<Count>::max());
    return measured(i) & !sound;
  }

  bool has_fault() const {
    if constexpr (std::is_unsigned_v<Count>) return false;
    int faults = 0;
    for (Index i = 0; i < size; ++i) faults |= faulty(i) ? 1 : 0;
    return faults != 0;
  }

  void add_to(double* __restrict sum) const {
    for (Index i = 0; i < size; ++i) sum[i] += measured(i) ? exact(static_cast<double>(counts[i])) : 0.0;
  }

  /// Counts that are not whole are rounded to 2⁻²⁰: sums up to 2³³ are then exact, and the same in any order of frames.
  static double exact(double count) {
    if constexpr (std::is_integral_v<Count>) return count;
    constexpr double shift = 0x1.8p52 * 0x1p-20;
    return (count + shift) - shift;
  }

  template <class T>
  void take_roots(T* __restrict magnitudes) const {
    for (Index i = 0; i < size; ++i) {
      const T root = std::sqrt(static_cast<T>(counts[i]));
      magnitudes[i] = measured(i) ? root : T(-1);
    }
  }
};

template <class T, class Count>
void convert(View<const Count, 2> counts, View<const std::uint8_t, 2> mask, bool negative_is_masked,
             View<T, 2> magnitudes, View<double, 2> sum) {
  const auto [ny, nx] = counts.extents();
  const Index half = nx / 2;
  for (Index y = 0; y < ny; ++y) {
    const Stretch<Count> left{&counts(y, 0), &mask(y, 0), negative_is_masked, half};
    const Stretch<Count> right{left.counts + half, left.mask + half, negative_is_masked, nx - half};
    const Stretch<Count> row{left.counts, left.mask, negative_is_masked, nx};
    if (row.has_fault()) {
      Index x = 0;
      while (!row.faulty(x)) ++x;
      throw Error(ErrorCode::data,
                  fmt::format("a frame has {} counts at pixel y {}, x {}: mask such pixels", counts(y, x), y, x));
    }
    row.add_to(&sum(y, 0));
    // The zero frequency moves from pixel n/2 to the corner, where transforms have it.
    T* to = &magnitudes((y + ny - ny / 2) % ny, 0);
    right.take_roots(to);
    left.take_roots(to + right.size);
  }
}

}  // namespace

template <class T>
void to_magnitudes(const stage::Tensor& frames, Index f, View<const std::uint8_t, 2> mask, bool negative_is_masked,
                   View<T, 2> magnitudes, View<double, 2> sum) {
  const auto take = [&]<class Count>(Count) {
    if (!frames.holds<Count>()) return false;
    convert(frames.view<const Count, 3>()[f], mask, negative_is_masked, magnitudes, sum);
    return true;
  };
  const bool taken = take(std::uint16_t{}) || take(std::uint32_t{}) || take(std::uint8_t{}) || take(std::int32_t{}) ||
                     take(float{}) || take(double{});
  if (!taken)
    throw Error(ErrorCode::other, "frames of type " + stage::type_name(frames.dtype()) + " are not understood");
}

template void to_magnitudes(const stage::Tensor&, Index, View<const std::uint8_t, 2>, bool, View<float, 2>,
                            View<double, 2>);
template void to_magnitudes(const stage::Tensor&, Index, View<const std::uint8_t, 2>, bool, View<double, 2>,
                            View<double, 2>);

}  // namespace ptychoflow::ptycho_dm
