#include "core/device/strip_fft.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/device/array.hpp"

namespace ptychoflow::device {
namespace {

/// cos and sin of 2πjk/n for frequencies k = 1 … n/2 in groups of `group` and points j = 1 … n/2, n odd:
/// [group][cos, sin][j][k within the group], zero beyond the last frequency.
template <class T>
struct OddSums {
  static constexpr Index group = 6;
  Index half;
  std::vector<T> table;

  explicit OddSums(Index n) : half(n / 2) {
    const Index groups = (half + group - 1) / group;
    table.assign(static_cast<std::size_t>(groups * half * 2 * group), T(0));
    for (Index k = 1; k <= half; ++k) {
      for (Index j = 1; j <= half; ++j) {
        const double angle = 2 * pi * static_cast<double>(j * k % n) / static_cast<double>(n);
        const Index at = ((k - 1) / group * 2 * half + j - 1) * group + (k - 1) % group;
        table[static_cast<std::size_t>(at)] = static_cast<T>(std::cos(angle));
        table[static_cast<std::size_t>(at + half * group)] = static_cast<T>(std::sin(angle));
      }
    }
  }
};

/// One step of decimation: blocks of `length` rows are parted into `radix` blocks of `length / radix`.
template <class T>
struct Stage {
  Index radix, length;
  std::vector<T> twiddles;  ///< exp(−2πi jq/length): [j < length/radix][q = 1 … radix−1][re, im]
  OddSums<T> sums;          ///< of a radix that has no butterfly of its own

  Stage(Index stage_radix, Index stage_length)
      : radix(stage_radix), length(stage_length), sums(stage_radix > 13 ? stage_radix : 1) {
    for (Index j = 0; j < length / radix; ++j) {
      for (Index q = 1; q < radix; ++q) {
        const double angle = -2 * pi * static_cast<double>(j * q % length) / static_cast<double>(length);
        twiddles.push_back(static_cast<T>(std::cos(angle)));
        twiddles.push_back(static_cast<T>(std::sin(angle)));
      }
    }
  }
};

/// Steps for n points, in the order of the forward transform: small ones first, whose rows lie furthest apart, and a
/// large prime last, where it needs no twiddles.
std::vector<Index> radices(Index n) {
  std::vector<Index> found;
  Index twos = 0;
  for (; n % 2 == 0; n /= 2) ++twos;
  for (; twos >= 3 && twos != 4; twos -= 3) found.push_back(8);
  for (; twos >= 2; twos -= 2) found.push_back(4);
  if (twos == 1) found.push_back(2);
  for (Index p = 3; n > 1; p += 2) {
    for (; n % p == 0; n /= p) found.push_back(p);
  }
  std::ranges::sort(found);
  return found;
}

/// The frequency of each row once all stages from `stage` on have parted a block.
std::vector<Index> frequencies(const std::vector<Index>& steps, std::size_t stage) {
  if (stage == steps.size()) return {0};
  const std::vector<Index> within = frequencies(steps, stage + 1);
  std::vector<Index> all;
  for (Index q = 0; q < steps[stage]; ++q) {
    for (const Index k : within) all.push_back(q + steps[stage] * k);
  }
  return all;
}

/// cos and sin of 2πm/R, m < R, for butterflies of odd radix.
template <class T, int R>
struct Circle {
  std::array<T, R> cosine, sine;

  Circle() {
    for (int m = 0; m < R; ++m) {
      cosine[static_cast<std::size_t>(m)] = static_cast<T>(std::cos(2 * pi * m / R));
      sine[static_cast<std::size_t>(m)] = static_cast<T>(std::sin(2 * pi * m / R));
    }
  }
};

/// Sums and differences of the points of a large prime, one register wide; grows with what the thread has seen.
template <class T>
T* work_of_thread(Index numbers) {
  thread_local Array<T, 1> work;
  if (work.size() < numbers) work = Array<T, 1>({numbers});
  return work.data();
}

template <class T>
using Stages = std::vector<Stage<T>>;

/// The loops for one instruction set.
template <class T>
struct Loops {
  void (*forward)(const Stages<T>&, Index n, T* strip);
  void (*inverse)(const Stages<T>&, Index n, T* strip);
  void (*transpose)(const T* const* rows, T* to, Index step);
};

#define PTYCHOFLOW_LOOPS "core/device/strip_fft_loops.hpp"
#include "core/device/simd_loops.hpp"

}  // namespace

template <class T>
struct StripFft<T>::Plan {
  Loops<T> loops;
  Stages<T> stages;
};

template <class T>
StripFft<T>::StripFft(Index n, Simd simd) {
  expect(n > 0, "a transform of no points");
  expect(simd <= best_simd(), "a transform for another processor");
  auto plan = std::make_unique<Plan>();
  plan->loops = choose(simd, portable::loops<T>, avx2::loops<T>, avx512::loops<T>);
  const std::vector<Index> steps = radices(n);
  Index length = n;
  for (const Index radix : steps) {
    plan->stages.emplace_back(radix, length);
    length /= radix;
  }
  frequency_ = frequencies(steps, 0);
  plan_ = std::move(plan);
}

template <class T>
StripFft<T>::~StripFft() = default;
template <class T>
StripFft<T>::StripFft(StripFft&&) noexcept = default;
template <class T>
StripFft<T>& StripFft<T>::operator=(StripFft&&) noexcept = default;

template <class T>
void StripFft<T>::forward(T* strip) const {
  plan_->loops.forward(plan_->stages, size(), strip);
}

template <class T>
void StripFft<T>::inverse(T* strip) const {
  plan_->loops.inverse(plan_->stages, size(), strip);
}

template <class T>
void StripFft<T>::transpose(const T* const* rows, T* to, Index step) const {
  plan_->loops.transpose(rows, to, step);
}

template class StripFft<float>;
template class StripFft<double>;

}  // namespace ptychoflow::device
