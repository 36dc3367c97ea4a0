// The loops of strip_fft.cpp, compiled by simd_loops.hpp for each instruction set. Hence no #pragma once.

/// DFTs of R points with the kernel exp(−2πi qm/R), in registers.
template <class T, int R>
struct Butterfly {
  using V = Vector<T>;

  /// R odd: frequencies q and R − q share the sums over even and odd parts of the points.
  static inline __attribute__((always_inline)) void run(V* re, V* im) {
    static const Circle<T, R> circle;
    constexpr int half = R / 2;
    V sum_re[half], sum_im[half], difference_re[half], difference_im[half];
    V total_re = re[0], total_im = im[0];
#pragma GCC unroll 8
    for (int m = 0; m < half; ++m) {
      sum_re[m] = re[m + 1] + re[R - 1 - m], difference_re[m] = re[m + 1] - re[R - 1 - m];
      sum_im[m] = im[m + 1] + im[R - 1 - m], difference_im[m] = im[m + 1] - im[R - 1 - m];
      total_re += sum_re[m], total_im += sum_im[m];
    }
    const V first_re = re[0], first_im = im[0];
#pragma GCC unroll 8
    for (int q = 1; q <= half; ++q) {
      V even_re = first_re, even_im = first_im, odd_re{}, odd_im{};
#pragma GCC unroll 8
      for (int m = 1; m <= half; ++m) {
        const auto turn = static_cast<std::size_t>(q * m % R);
        const T c = circle.cosine[turn], s = circle.sine[turn];
        even_re += c * sum_re[m - 1], even_im += c * sum_im[m - 1];
        odd_re += s * difference_re[m - 1], odd_im += s * difference_im[m - 1];
      }
      re[q] = even_re + odd_im, im[q] = even_im - odd_re;
      re[R - q] = even_re - odd_im, im[R - q] = even_im + odd_re;
    }
    re[0] = total_re, im[0] = total_im;
  }
};

template <class T>
struct Butterfly<T, 2> {
  using V = Vector<T>;
  static inline __attribute__((always_inline)) void run(V* re, V* im) {
    const V r = re[0] - re[1], i = im[0] - im[1];
    re[0] += re[1], im[0] += im[1];
    re[1] = r, im[1] = i;
  }
};

template <class T>
struct Butterfly<T, 4> {
  using V = Vector<T>;
  static inline __attribute__((always_inline)) void run(V* re, V* im) {
    const V a_re = re[0] + re[2], a_im = im[0] + im[2], b_re = re[0] - re[2], b_im = im[0] - im[2];
    const V c_re = re[1] + re[3], c_im = im[1] + im[3], d_re = re[1] - re[3], d_im = im[1] - im[3];
    re[0] = a_re + c_re, im[0] = a_im + c_im;
    re[1] = b_re + d_im, im[1] = b_im - d_re;
    re[2] = a_re - c_re, im[2] = a_im - c_im;
    re[3] = b_re - d_im, im[3] = b_im + d_re;
  }
};

template <class T>
struct Butterfly<T, 8> {
  using V = Vector<T>;
  static inline __attribute__((always_inline)) void run(V* re, V* im) {
    const T h = static_cast<T>(0.70710678118654752440L);
    V even_re[4], even_im[4], odd_re[4], odd_im[4];
#pragma GCC unroll 4
    for (int m = 0; m < 4; ++m) {
      even_re[m] = re[m] + re[m + 4], even_im[m] = im[m] + im[m + 4];
      odd_re[m] = re[m] - re[m + 4], odd_im[m] = im[m] - im[m + 4];
    }
    const V one_re = h * (odd_re[1] + odd_im[1]), one_im = h * (odd_im[1] - odd_re[1]);       // · exp(−πi/4)
    const V three_re = h * (odd_im[3] - odd_re[3]), three_im = -h * (odd_re[3] + odd_im[3]);  // · exp(−3πi/4)
    const V two_re = odd_im[2], two_im = -odd_re[2];                                          // · −i
    odd_re[1] = one_re, odd_im[1] = one_im;
    odd_re[2] = two_re, odd_im[2] = two_im;
    odd_re[3] = three_re, odd_im[3] = three_im;
    Butterfly<T, 4>::run(even_re, even_im);
    Butterfly<T, 4>::run(odd_re, odd_im);
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      re[2 * q] = even_re[q], im[2 * q] = even_im[q];
      re[2 * q + 1] = odd_re[q], im[2 * q + 1] = odd_im[q];
    }
  }
};

/// Which side of the butterfly the twiddles are on: after it where frequencies are decimated, before it where a
/// transform goes the other way; none for blocks as long as the radix.
enum class Twiddles { after, before, none };

template <class V, class T, int R>
inline __attribute__((always_inline)) void twiddle(const T* w, V* re, V* im) {
#pragma GCC unroll 16
  for (int q = 1; q < R; ++q, w += 2) {
    const V r = re[q] * w[0] - im[q] * w[1];
    im[q] = re[q] * w[1] + im[q] * w[0];
    re[q] = r;
  }
}

template <class T, int R, Twiddles Where>
void run_stage(const Stage<T>& stage, Index n, T* re, T* im) {
  using V = Vector<T>;
  const Index apart = stage.length / R;
  for (Index j = 0; j < apart; ++j) {
    const T* w = stage.twiddles.data() + j * (R - 1) * 2;
    for (Index first = j; first < n; first += stage.length) {
      for (Index lane = 0; lane < strip_lanes<T>; lane += Registers<T>::lanes) {
        const Index place = first * strip_row<T> + lane;
        V r[R], i[R];
#pragma GCC unroll 16
        for (int m = 0; m < R; ++m) {
          r[m] = load(re + place + m * apart * strip_row<T>);
          i[m] = load(im + place + m * apart * strip_row<T>);
        }
        if constexpr (Where == Twiddles::before) twiddle<V, T, R>(w, r, i);
        Butterfly<T, R>::run(r, i);
        if constexpr (Where == Twiddles::after) twiddle<V, T, R>(w, r, i);
#pragma GCC unroll 16
        for (int m = 0; m < R; ++m) {
          store(re + place + m * apart * strip_row<T>, r[m]);
          store(im + place + m * apart * strip_row<T>, i[m]);
        }
      }
    }
  }
}

/// One column group of a large prime, rows `step` numbers apart, in place. `work`: 4·half registers.
template <class T>
void sum_up(const OddSums<T>& sums, T* re, T* im, Index step, T* work) {
  using V = Vector<T>;
  constexpr Index lanes = Registers<T>::lanes, group = OddSums<T>::group;
  const Index half = sums.half, n = 2 * half + 1;
  const V first_re = load(re), first_im = load(im);
  V total_re = first_re, total_im = first_im;
  for (Index j = 1; j <= half; ++j) {
    const V a_re = load(re + j * step), a_im = load(im + j * step);
    const V b_re = load(re + (n - j) * step), b_im = load(im + (n - j) * step);
    T* pair = work + (j - 1) * 4 * lanes;
    store(pair, a_re + b_re), store(pair + lanes, a_im + b_im);
    store(pair + 2 * lanes, a_re - b_re), store(pair + 3 * lanes, a_im - b_im);
    total_re += a_re + b_re, total_im += a_im + b_im;
  }
  store(re, total_re), store(im, total_im);
  const T* coefficients = sums.table.data();
  for (Index k0 = 1; k0 <= half; k0 += group) {
    V even_re[group], even_im[group], odd_re[group], odd_im[group];
#pragma GCC unroll 8
    for (Index k = 0; k < group; ++k) {
      even_re[k] = first_re, even_im[k] = first_im;
      odd_re[k] = V{}, odd_im[k] = V{};
    }
    // One after the other: 12 sums and their operands are as much as 16 registers hold.
    for (Index j = 0; j < half; ++j, coefficients += group) {
      const T* pair = work + j * 4 * lanes;
      const V sum_re = load(pair), sum_im = load(pair + lanes);
#pragma GCC unroll 8
      for (Index k = 0; k < group; ++k) even_re[k] += coefficients[k] * sum_re, even_im[k] += coefficients[k] * sum_im;
    }
    for (Index j = 0; j < half; ++j, coefficients += group) {
      const T* pair = work + j * 4 * lanes + 2 * lanes;
      const V difference_re = load(pair), difference_im = load(pair + lanes);
#pragma GCC unroll 8
      for (Index k = 0; k < group; ++k)
        odd_re[k] += coefficients[k] * difference_re, odd_im[k] += coefficients[k] * difference_im;
    }
#pragma GCC unroll 8
    for (Index k = 0; k < group; ++k) {
      if (k0 + k > half) break;
      const Index up = (k0 + k) * step, down = (n - k0 - k) * step;
      store(re + up, even_re[k] + odd_im[k]), store(im + up, even_im[k] - odd_re[k]);
      store(re + down, even_re[k] - odd_im[k]), store(im + down, even_im[k] + odd_re[k]);
    }
  }
}

/// A stage whose radix is a large prime.
template <class T, Twiddles Where>
void run_large_stage(const Stage<T>& stage, Index n, T* re, T* im) {
  using V = Vector<T>;
  const Index apart = stage.length / stage.radix, step = apart * strip_row<T>;
  T* const work = work_of_thread<T>(4 * stage.sums.half * Registers<T>::lanes);
  for (Index j = 0; j < apart; ++j) {
    const T* w = stage.twiddles.data() + j * (stage.radix - 1) * 2;
    for (Index first = j; first < n; first += stage.length) {
      for (Index lane = 0; lane < strip_lanes<T>; lane += Registers<T>::lanes) {
        const Index place = first * strip_row<T> + lane;
        const auto turn = [&] {
          for (Index q = 1; q < stage.radix; ++q) {
            const V r = load(re + place + q * step), i = load(im + place + q * step);
            store(re + place + q * step, r * w[2 * q - 2] - i * w[2 * q - 1]);
            store(im + place + q * step, r * w[2 * q - 1] + i * w[2 * q - 2]);
          }
        };
        if constexpr (Where == Twiddles::before) turn();
        sum_up(stage.sums, re + place, im + place, step, work);
        if constexpr (Where == Twiddles::after) turn();
      }
    }
  }
}

template <class T, Twiddles Where>
void run_any_stage(const Stage<T>& stage, Index n, T* re, T* im) {
  switch (stage.radix) {
    case 2:
      return run_stage<T, 2, Where>(stage, n, re, im);
    case 3:
      return run_stage<T, 3, Where>(stage, n, re, im);
    case 4:
      return run_stage<T, 4, Where>(stage, n, re, im);
    case 5:
      return run_stage<T, 5, Where>(stage, n, re, im);
    case 7:
      return run_stage<T, 7, Where>(stage, n, re, im);
    case 8:
      return run_stage<T, 8, Where>(stage, n, re, im);
    case 11:
      return run_stage<T, 11, Where>(stage, n, re, im);
    case 13:
      return run_stage<T, 13, Where>(stage, n, re, im);
    default:
      return run_large_stage<T, Where>(stage, n, re, im);
  }
}

template <class T>
void forward(const Stages<T>& stages, Index n, T* strip) {
  T *const re = strip, *const im = strip + strip_lanes<T>;
  for (const auto& stage : stages) {
    stage.radix == stage.length ? run_any_stage<T, Twiddles::none>(stage, n, re, im)
                                : run_any_stage<T, Twiddles::after>(stage, n, re, im);
  }
}

/// The forward transform's steps the other way round, with real and imaginary parts in each other's place.
template <class T>
void inverse(const Stages<T>& stages, Index n, T* strip) {
  T *const re = strip + strip_lanes<T>, *const im = strip;
  for (auto stage = stages.rbegin(); stage != stages.rend(); ++stage) {
    stage->radix == stage->length ? run_any_stage<T, Twiddles::none>(*stage, n, re, im)
                                  : run_any_stage<T, Twiddles::before>(*stage, n, re, im);
  }
}

/// A square tile as wide as a register: as many zips as halve its side to one.
template <class T>
void transpose_tile(const T* const* from, Index first, T* to, Index step) {
  using V = Vector<T>;
  constexpr int lanes = static_cast<int>(Registers<T>::lanes);
  V rows[lanes], zipped[lanes];
#pragma GCC unroll 16
  for (int r = 0; r < lanes; ++r) rows[r] = load(from[r] + first);
#pragma GCC unroll 4
  for (int side = lanes; side > 1; side /= 2) {
#pragma GCC unroll 8
    for (int r = 0; r < lanes / 2; ++r) {
      zipped[2 * r] = Shuffle<T>::zip_low(rows[r], rows[r + lanes / 2]);
      zipped[2 * r + 1] = Shuffle<T>::zip_high(rows[r], rows[r + lanes / 2]);
    }
#pragma GCC unroll 16
    for (int r = 0; r < lanes; ++r) rows[r] = zipped[r];
  }
#pragma GCC unroll 16
  for (int r = 0; r < lanes; ++r) store(to + r * step, rows[r]);
}

template <class T>
void transpose(const T* const* rows, T* to, Index step) {
  for (Index y = 0; y < strip_lanes<T>; y += Registers<T>::lanes) {
    for (Index x = 0; x < strip_lanes<T>; x += Registers<T>::lanes) {
      transpose_tile(rows + y, x, to + x * step + y, step);
    }
  }
}

template <class T>
Loops<T> loops() {
  return {forward<T>, inverse<T>, transpose<T>};
}
