// A non-owning, row-major, contiguous tensor: a pointer and its extents.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <type_traits>

#include "core/base/macros.hpp"

namespace ptychoflow {

using Index = std::ptrdiff_t;

template <std::size_t Rank>
using Extents = std::array<Index, Rank>;

/// Row-major view of `Rank` dimensions, slowest first, e.g. `[mode][y][x]`. It owns nothing; copying it copies the
/// pointer.
template <class T, std::size_t Rank>
class View {
 public:
  View() = default;
  View(T* data, Extents<Rank> extents) : data_(data), extents_(extents) {}

  /// A view of mutable elements is also a view of constant ones.
  template <class U>
  requires(std::same_as<const U, T> && !std::same_as<U, T>) View(const View<U, Rank>& other)
      : data_(other.data()), extents_(other.extents()) {}

  T* data() const { return data_; }
  const Extents<Rank>& extents() const { return extents_; }
  Index extent(std::size_t axis) const { return extents_[axis]; }
  bool empty() const { return size() == 0; }

  Index size() const {
    Index n = 1;
    for (Index e : extents_) n *= e;
    return n;
  }

  T* begin() const { return data_; }
  T* end() const { return data_ + size(); }

  template <std::convertible_to<Index>... I>
  requires(sizeof...(I) == Rank) T& operator()(I... i) const { return data_[offset(static_cast<Index>(i)...)]; }

  /// The sub-tensor at index `i` of the slowest axis.
  View<T, Rank - 1> operator[](Index i) const requires(Rank > 1) {
    Extents<Rank - 1> rest{};
    Index stride = 1;
    for (std::size_t a = 1; a < Rank; ++a) stride *= rest[a - 1] = extents_[a];
    return {data_ + i * stride, rest};
  }

  T& operator[](Index i) const requires(Rank == 1) { return data_[i]; }

 private:
  template <class... I>
  Index offset(I... i) const {
    Index at = 0;
    std::size_t axis = 0;
    ((at = at * extents_[axis++] + i), ...);
    return at;
  }

  T* data_ = nullptr;
  Extents<Rank> extents_{};
};

}  // namespace ptychoflow
