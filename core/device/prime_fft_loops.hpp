// The loops of prime_fft.cpp, which includes this file once for each instruction set: in namespace PTYCHOFLOW_ISA, for
// registers of PTYCHOFLOW_BYTES, which have room for PTYCHOFLOW_GROUP frequencies at once. The compiler lays out
// vectors where it first sees a function, so that each instruction set needs functions of its own. Hence no #pragma
// once.

namespace PTYCHOFLOW_ISA {

/// Registers that hold a row of interleaved complex numbers.
template <class T>
struct Registers {
  using Number = T;
  typedef Number Vector __attribute__((vector_size(PTYCHOFLOW_BYTES), aligned(alignof(T)), may_alias));
  static constexpr Index lanes = PTYCHOFLOW_BYTES / sizeof(T);
  static constexpr Index count = column_bytes / PTYCHOFLOW_BYTES;

  static const Vector& at(const T* rows) { return *reinterpret_cast<const Vector*>(rows); }
  static Vector& at(T* rows) { return *reinterpret_cast<Vector*>(rows); }

  /// −i·v where `signs` is {1, −1, 1, −1, …}; i·v where it is the opposite.
  static Vector turned(Vector v, Vector signs) {
    Vector swapped;
    for (Index l = 0; l < lanes; ++l) swapped[l] = v[l ^ 1];
    return signs * swapped;
  }
  static Vector alternating(T first) {
    Vector signs;
    for (Index l = 0; l < lanes; ++l) signs[l] = l % 2 == 0 ? first : -first;
    return signs;
  }
};

/// DFT of n rows: row j at in + in_at[j], frequency k to out + out_at[k], offsets in numbers of T. `sign`: 1 forward,
/// −1 inverse. `work`: 2·half rows. Row 0, the first and last frequency and, for even n, the middle row stand alone;
/// the others come in pairs j and n − j, of which the cosines take the sum and the sines the difference.
template <class T, Index Group>
void dense_dft(const DenseDft<T>& dft, const T* in, const Index* in_at, T* out, const Index* out_at, T sign, T* work) {
  using R = Registers<T>;
  using V = typename R::Vector;
  constexpr Index row = column_bytes / sizeof(T);
  constexpr Index wide = 2;  // registers side by side, so that each coefficient is used twice
  const Index n = dft.n, half = dft.half;
  const bool even = n % 2 == 0;
  const V signs = R::alternating(sign);
  for (Index c = 0; c < row; c += wide * R::lanes) {
    V first[wide], middle[wide], lowest[wide], highest[wide];
    for (Index x = 0; x < wide; ++x) {
      const Index lane = c + x * R::lanes;
      first[x] = R::at(in + in_at[0] + lane);
      middle[x] = even ? R::at(in + in_at[n / 2] + lane) : V{};
      lowest[x] = first[x] + middle[x];
      highest[x] = n % 4 == 0 ? first[x] + middle[x] : first[x] - middle[x];
    }
    for (Index j = 1; j <= half; ++j) {
      for (Index x = 0; x < wide; ++x) {
        const Index lane = c + x * R::lanes;
        const V a = R::at(in + in_at[j] + lane), b = R::at(in + in_at[n - j] + lane);
        const V sum = a + b;
        R::at(work + (2 * j - 2) * row + x * R::lanes) = sum;
        R::at(work + (2 * j - 1) * row + x * R::lanes) = a - b;
        lowest[x] += sum;
        highest[x] += j % 2 == 0 ? sum : -sum;
      }
    }
    for (Index k0 = 1; k0 <= half; k0 += Group) {
      V cosines[Group][wide], sines[Group][wide];
#pragma GCC unroll 16
      for (Index k = 0; k < Group; ++k) {
#pragma GCC unroll 2
        for (Index x = 0; x < wide; ++x) {
          cosines[k][x] = (k0 + k) % 2 == 0 ? first[x] + middle[x] : first[x] - middle[x];
          sines[k][x] = V{};
        }
      }
      const T* coefficients = dft.table.data() + (k0 - 1) * half * 2;
      const T* pair = work;
      for (Index j = 0; j < half; ++j, coefficients += 2 * Group, pair += 2 * row) {
        const V sum[wide] = {R::at(pair), R::at(pair + R::lanes)};
        const V difference[wide] = {R::at(pair + row), R::at(pair + row + R::lanes)};
#pragma GCC unroll 16
        for (Index k = 0; k < Group; ++k) {
#pragma GCC unroll 2
          for (Index x = 0; x < wide; ++x) {
            cosines[k][x] += coefficients[k] * sum[x];
            sines[k][x] += coefficients[Group + k] * difference[x];
          }
        }
      }
#pragma GCC unroll 16
      for (Index k = 0; k < Group; ++k) {
        if (k0 + k > half) break;
#pragma GCC unroll 2
        for (Index x = 0; x < wide; ++x) {
          const Index lane = c + x * R::lanes;
          const V odd = R::turned(sines[k][x], signs);
          R::at(out + out_at[k0 + k] + lane) = cosines[k][x] + odd;
          R::at(out + out_at[n - k0 - k] + lane) = cosines[k][x] - odd;
        }
      }
    }
    for (Index x = 0; x < wide; ++x) {
      const Index lane = c + x * R::lanes;
      R::at(out + out_at[0] + lane) = lowest[x];
      if (even) R::at(out + out_at[n / 2] + lane) = highest[x];
    }
  }
}

template <class T>
void dft(const DenseDft<T>& sums, const T* in, const Index* in_at, T* out, const Index* out_at, T sign, T* work) {
  sums.group == 1 ? dense_dft<T, 1>(sums, in, in_at, out, out_at, sign, work)
                  : dense_dft<T, PTYCHOFLOW_GROUP>(sums, in, in_at, out, out_at, sign, work);
}

/// Transforms columns as wide as a row of work, in place; `stride`: from row to row, numbers of T.
template <class T>
void transform_columns(const SidePlan<T>& plan, T* data, Index stride, T sign, Work<T>& work) {
  constexpr Index row = column_bytes / sizeof(T);
  const Index p = plan.side.p, m = plan.side.m;
  Index* const in_at = work.offsets.data();
  Index* const out_at = in_at + plan.side.n;
  for (Index i2 = 0; i2 < m; ++i2) {
    for (Index i1 = 0; i1 < p; ++i1) {
      in_at[i1] = plan.side.point[static_cast<std::size_t>(i2 * p + i1)] * stride;
      out_at[i1] = (i1 * m + i2) * row;
    }
    dft(plan.of_p, data, in_at, work.between.data(), out_at, sign, work.dense.data());
  }
  for (Index k1 = 0; k1 < p; ++k1) {
    for (Index i2 = 0; i2 < m; ++i2) {
      in_at[i2] = (k1 * m + i2) * row;
      out_at[i2] = plan.side.frequency[static_cast<std::size_t>(k1 * m + i2)] * stride;
    }
    dft(plan.of_m, work.between.data(), in_at, data, out_at, sign, work.dense.data());
  }
}

template <class T>
void transform_2d(const SidePlan<T>& y_plan, const SidePlan<T>& x_plan, Complex<T>* data, T sign) {
  constexpr Index width = column_bytes / sizeof(Complex<T>);
  const Index ny = y_plan.side.n, nx = x_plan.side.n;
  Work<T>& work = work_of_thread<T>(std::max(ny, nx));
  auto* narrow = reinterpret_cast<Complex<T>*>(work.narrow.data());  // [row][width]
  for (Index x = 0; x < nx; x += width) {
    const Index columns = std::min(width, nx - x);
    if (columns == width) {
      transform_columns<T>(y_plan, &data[x].re, 2 * nx, sign, work);
      continue;
    }
    for (Index y = 0; y < ny; ++y) std::copy_n(data + y * nx + x, columns, narrow + y * width);
    transform_columns<T>(y_plan, &narrow->re, 2 * width, sign, work);
    for (Index y = 0; y < ny; ++y) std::copy_n(narrow + y * width, columns, data + y * nx + x);
  }
  for (Index y = 0; y < ny; y += width) {
    const Index rows = std::min(width, ny - y);
    for (Index x = 0; x < nx; ++x) {
      for (Index r = 0; r < rows; ++r) narrow[x * width + r] = data[(y + r) * nx + x];
    }
    transform_columns<T>(x_plan, &narrow->re, 2 * width, sign, work);
    for (Index r = 0; r < rows; ++r) {
      for (Index x = 0; x < nx; ++x) data[(y + r) * nx + x] = narrow[x * width + r];
    }
  }
}

}  // namespace PTYCHOFLOW_ISA
