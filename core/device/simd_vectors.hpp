// Vector registers of PTYCHOFLOW_BYTES. Included by simd_loops.hpp in the namespace of each instruction set, hence no
// #pragma once.

template <class T>
struct Registers {
  using Number = T;  // a typedef of a template's parameter itself takes no attributes
  typedef Number Vector __attribute__((vector_size(PTYCHOFLOW_BYTES)));
  typedef Number AnyVector __attribute__((vector_size(PTYCHOFLOW_BYTES), aligned(alignof(T)), may_alias));
  static constexpr Index lanes = PTYCHOFLOW_BYTES / static_cast<Index>(sizeof(T));
};

template <class T>
using Vector = typename Registers<T>::Vector;

#define PTYCHOFLOW_INLINE inline __attribute__((always_inline))

/// From and to any address.
template <class T>
PTYCHOFLOW_INLINE Vector<T> load(const T* p) {
  return *reinterpret_cast<const typename Registers<T>::AnyVector*>(p);
}
template <class T>
PTYCHOFLOW_INLINE void store(T* p, Vector<T> v) {
  *reinterpret_cast<typename Registers<T>::AnyVector*>(p) = v;
}

template <class T>
PTYCHOFLOW_INLINE T sum_of_lanes(Vector<T> v) {
  T sum = 0;
  for (Index l = 0; l < Registers<T>::lanes; ++l) sum += v[l];
  return sum;
}

/// Lanes in another order: `zip` makes {a0, b0, a1, b1, …} of the lower halves (low) or of the upper ones (high);
/// `even` and `odd` undo that.
template <class T, class Lanes = std::make_index_sequence<static_cast<std::size_t>(Registers<T>::lanes)>>
struct Shuffle;
template <class T, std::size_t... L>
struct Shuffle<T, std::index_sequence<L...>> {
  using V = Vector<T>;
  static constexpr std::size_t lanes = sizeof...(L);
  static PTYCHOFLOW_INLINE V zip_low(V a, V b) { return __builtin_shufflevector(a, b, (L % 2 * lanes + L / 2)...); }
  static PTYCHOFLOW_INLINE V zip_high(V a, V b) {
    return __builtin_shufflevector(a, b, (L % 2 * lanes + lanes / 2 + L / 2)...);
  }
  static PTYCHOFLOW_INLINE V even(V a, V b) { return __builtin_shufflevector(a, b, (2 * L)...); }
  static PTYCHOFLOW_INLINE V odd(V a, V b) { return __builtin_shufflevector(a, b, (2 * L + 1)...); }
};

#undef PTYCHOFLOW_INLINE
