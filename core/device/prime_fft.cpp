#include "core/device/prime_fft.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "core/base/units.hpp"
#include "core/device/array.hpp"

namespace ptychoflow::device {
namespace {

constexpr int column_bytes = 128;  ///< of a row of the columns that are transformed at once

Index largest_prime(Index n) {
  Index most = 1;
  for (Index p = 2; n > 1; ++p) {
    for (; n % p == 0; n /= p) most = p;
  }
  return most;
}

/// The larger of two factors without a common divisor whose sum, the work for a point, is least.
Index best_factor(Index n) {
  Index best = n;
  for (Index p = 1; p <= n; ++p) {
    if (n % p == 0 && p >= n / p && std::gcd(p, n / p) == 1 && p + n / p < best + n / best) best = p;
  }
  return best;
}

/// cos and sin of 2πjk/n, for frequencies k = 1 … (n−1)/2 in groups of `group` and points j = 1 … (n−1)/2:
/// [group][j][2][k within the group], zero beyond the last frequency.
template <class T>
struct DenseDft {
  Index n, half, group;
  std::vector<T> table;

  DenseDft(Index points, Index frequencies_at_once)
      : n(points), half((points - 1) / 2), group(half < frequencies_at_once ? 1 : frequencies_at_once) {
    const Index groups = (half + group - 1) / group;
    table.assign(static_cast<std::size_t>(groups * group * half * 2), T(0));
    for (Index k = 1; k <= half; ++k) {
      for (Index j = 1; j <= half; ++j) {
        const double angle = 2 * pi * static_cast<double>(j * k % n) / static_cast<double>(n);
        const Index at = (((k - 1) / group) * half + j - 1) * 2 * group + (k - 1) % group;
        table[static_cast<std::size_t>(at)] = static_cast<T>(std::cos(angle));
        table[static_cast<std::size_t>(at + group)] = static_cast<T>(std::sin(angle));
      }
    }
  }
};

/// One side: points i and frequencies k of each place in the p×m table.
struct Side {
  Index n, p, m;
  std::vector<Index> point;      ///< [i2 < m][i1 < p]
  std::vector<Index> frequency;  ///< [k1 < p][k2 < m]

  explicit Side(Index length) : n(length), p(best_factor(length)), m(length / p) {
    for (Index i2 = 0; i2 < m; ++i2) {
      for (Index i1 = 0; i1 < p; ++i1) point.push_back((m * i1 + p * i2) % n);
    }
    for (Index k1 = 0; k1 < p; ++k1) {
      for (Index k2 = 0; k2 < m; ++k2) {
        Index k = k1;
        while (k % m != k2) k += p;
        frequency.push_back(k);
      }
    }
  }
};

/// A side with its sums, for one width of register.
template <class T>
struct SidePlan {
  Side side;
  DenseDft<T> of_p, of_m;

  SidePlan(Index n, Index frequencies_at_once)
      : side(n), of_p(side.p, frequencies_at_once), of_m(side.m, frequencies_at_once) {}
};

/// Work areas of a thread, rows of `column_bytes`.
template <class T>
struct Work {
  Array<T, 2> between, narrow, dense;
  std::vector<Index> offsets;

  void make_room(Index n) {
    constexpr Index row = column_bytes / sizeof(T);
    if (!between.empty() && between.extent(0) >= n) return;
    between = Array<T, 2>({n, row});
    narrow = Array<T, 2>({n, row});
    dense = Array<T, 2>({n, row});
    offsets.resize(static_cast<std::size_t>(2 * n));
  }
};

template <class T>
Work<T>& work_of_thread(Index n) {
  thread_local Work<T> work;
  work.make_room(n);
  return work;
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define PTYCHOFLOW_EVERY_CPU
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")
#define PTYCHOFLOW_ISA v4
#define PTYCHOFLOW_BYTES 64
#define PTYCHOFLOW_GROUP 6
#include "core/device/prime_fft_loops.hpp"
#undef PTYCHOFLOW_ISA
#undef PTYCHOFLOW_BYTES
#undef PTYCHOFLOW_GROUP
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#define PTYCHOFLOW_ISA v3
#define PTYCHOFLOW_BYTES 32
#define PTYCHOFLOW_GROUP 3
#include "core/device/prime_fft_loops.hpp"
#undef PTYCHOFLOW_ISA
#undef PTYCHOFLOW_BYTES
#undef PTYCHOFLOW_GROUP
#pragma GCC pop_options
#endif
#define PTYCHOFLOW_ISA plain
#define PTYCHOFLOW_BYTES 16
#define PTYCHOFLOW_GROUP 3
#include "core/device/prime_fft_loops.hpp"

/// The loops for this processor, and how many frequencies they take at once.
template <class T>
struct Loops {
  void (*transform_2d)(const SidePlan<T>&, const SidePlan<T>&, Complex<T>*, T) = plain::transform_2d<T>;
  Index frequencies_at_once = 3;

  Loops() {
#ifdef PTYCHOFLOW_EVERY_CPU
    if (__builtin_cpu_supports("x86-64-v4")) {
      transform_2d = v4::transform_2d<T>;
      frequencies_at_once = 6;
    } else if (__builtin_cpu_supports("x86-64-v3")) {
      transform_2d = v3::transform_2d<T>;
    }
#endif
  }
};

}  // namespace

bool prime_fft_is_better(Index ny, Index nx) {
  return std::max(ny, nx) <= 1024 && std::max(largest_prime(ny), largest_prime(nx)) >= 11;
}

template <class T>
struct PrimeFft2d<T>::Plan {
  Loops<T> loops;
  SidePlan<T> y, x;

  Plan(Index ny, Index nx) : y(ny, loops.frequencies_at_once), x(nx, loops.frequencies_at_once) {}
};

template <class T>
PrimeFft2d<T>::PrimeFft2d(Index ny, Index nx) : plan_(std::make_unique<const Plan>(ny, nx)) {}
template <class T>
PrimeFft2d<T>::~PrimeFft2d() = default;

template <class T>
void PrimeFft2d<T>::transform(Complex<T>* data, FftDirection direction) const {
  plan_->loops.transform_2d(plan_->y, plan_->x, data, direction == FftDirection::forward ? T(1) : T(-1));
}

template class PrimeFft2d<float>;
template class PrimeFft2d<double>;

}  // namespace ptychoflow::device
