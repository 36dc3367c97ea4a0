#include "core/tomo/volume_registration.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/device/fft3d.hpp"
#include "core/tomo/soft_window.hpp"

namespace ptychoflow::tomo {
namespace {

using device::RealVolume;

constexpr std::array<std::size_t, 3> axes = {0, 1, 2};

double signed_index(Index i, Index n) { return static_cast<double>(2 * i > n ? i - n : i); }

/// From an index of the volume that is moved to one of the grid that it is moved onto.
struct Displacement {
  Extents<3> whole{};
  VolumeShift fraction{};  ///< −½ … ½
};

Displacement displacement(Extents<3> from, Extents<3> to, VolumeShift shift_px) {
  Displacement d;
  for (const std::size_t a : axes) {
    const double by = static_cast<double>(to[a] - from[a]) / 2 + shift_px[a];
    d.whole[a] = static_cast<Index>(std::floor(by + 0.5));
    d.fraction[a] = by - static_cast<double>(d.whole[a]);
  }
  return d;
}

/// Calls `use(z, y, x)` for the first voxel of each row of a grid that has anything of a volume moved by whole voxels,
/// and says how many there are and where they come from.
template <class Use>
void each_row(View<const float, 3> volume, Extents<3> whole, Extents<3> grid, device::ThreadPool& threads,
              const Use& use) {
  const Index x = std::max<Index>(0, whole[2]), end = std::min(grid[2], volume.extent(2) + whole[2]);
  if (end <= x) return;
  threads.run_in_turn(grid[0], [&](int, Index z) {
    if (z < whole[0] || z - whole[0] >= volume.extent(0)) return;
    for (Index y = std::max<Index>(0, whole[1]); y < std::min(grid[1], volume.extent(1) + whole[1]); ++y)
      use(Extents<3>{z, y, x}, &volume(z - whole[0], y - whole[1], x - whole[2]), end - x);
  });
}

/// The next number of which FFTW's transforms are fast.
Index fast_size(Index n) {
  for (;; ++n) {
    Index rest = n;
    for (const Index p : {2, 3, 5, 7}) {
      while (rest % p == 0) rest /= p;
    }
    if (rest == 1) return n;
  }
}

/// What moves by a fraction of a pixel, for each coefficient along an axis. The Nyquist frequency's is real, as the
/// transform of real values must be there.
std::vector<Complex<float>> ramp(Index n, double fraction_px) {
  std::vector<Complex<float>> factors;
  for (Index i = 0; i < n; ++i) {
    const double turn = -2 * pi * signed_index(i, n) / static_cast<double>(n) * fraction_px;
    factors.push_back({static_cast<float>(std::cos(turn)), 2 * i == n ? 0.0F : static_cast<float>(std::sin(turn))});
  }
  return factors;
}

void move_by_fraction(RealVolume& volume, VolumeShift fraction_px, device::ThreadPool& threads) {
  const auto& n = volume.extents();
  const device::RealFft3d fft(n);
  fft.forward(volume, threads);
  const auto fz = ramp(n[0], fraction_px[0]), fy = ramp(n[1], fraction_px[1]), fx = ramp(n[2], fraction_px[2]);
  const float scale = 1 / (static_cast<float>(n[0]) * static_cast<float>(n[1]) * static_cast<float>(n[2]));
  const auto spectrum = volume.spectrum();
  threads.run_in_turn(n[0], [&](int, Index z) {
    for (Index y = 0; y < n[1]; ++y) {
      const Complex<float> f = scale * (fz[static_cast<std::size_t>(z)] * fy[static_cast<std::size_t>(y)]);
      for (Index x = 0; x < spectrum.extent(2); ++x) spectrum(z, y, x) *= f * fx[static_cast<std::size_t>(x)];
    }
  });
  fft.inverse(volume, threads);
}

/// a := a·b*
void multiply_conjugate(RealVolume& a, const RealVolume& b, device::ThreadPool& threads) {
  const auto A = a.spectrum();
  const auto B = b.spectrum();
  threads.run_in_turn(A.extent(0), [&](int, Index z) {
    for (Index i = 0; i < A[z].size(); ++i) A[z].data()[i] *= conj(B[z].data()[i]);
  });
}

Extents<3> highest(const RealVolume& v, device::ThreadPool& threads) {
  const auto& n = v.extents();
  std::vector<Extents<3>> peaks(static_cast<std::size_t>(n[0]));
  const auto value = [&](const Extents<3>& at) { return v.row(at[0], at[1])[at[2]]; };
  threads.run_in_turn(n[0], [&](int, Index z) {
    Extents<3> best{z, 0, 0};
    for (Index y = 0; y < n[1]; ++y) {
      const float* const row = v.row(z, y);
      const Index x = std::max_element(row, row + n[2]) - row;
      if (row[x] > value(best)) best = {z, y, x};
    }
    peaks[static_cast<std::size_t>(z)] = best;
  });
  return *std::max_element(peaks.begin(), peaks.end(),
                           [&](const auto& a, const auto& b) { return value(a) < value(b); });
}

/// Where a periodic field is highest, as a signed displacement from its first voxel.
VolumeShift peak_of(const RealVolume& v, device::ThreadPool& threads) {
  const auto& n = v.extents();
  const Extents<3> top = highest(v, threads);
  VolumeShift peak{};
  for (const std::size_t a : axes) {
    Extents<3> before = top, after = top;
    before[a] = (top[a] + n[a] - 1) % n[a];
    after[a] = (top[a] + 1) % n[a];
    const auto value = [&](const Extents<3>& at) { return static_cast<double>(v.row(at[0], at[1])[at[2]]); };
    const double curvature = value(before) - 2 * value(top) + value(after);
    peak[a] = signed_index(top[a], n[a]);
    if (curvature < 0) peak[a] += std::clamp(0.5 * (value(before) - value(after)) / curvature, -0.5, 0.5);
  }
  return peak;
}

/// Sets a line's voxels within `reach` of one that is set.
void widen(std::uint8_t* line, Index n, Index stride, Index reach) {
  constexpr std::uint8_t near = 2;
  const auto sweep = [&](Index first, Index step) {
    Index since = reach + 1;
    for (Index i = first; i >= 0 && i < n; i += step) {
      std::uint8_t& voxel = line[i * stride];
      since = voxel == 1 ? 0 : since + 1;
      if (voxel == 0 && since <= reach) voxel = near;
    }
  };
  sweep(0, 1);
  sweep(n - 1, -1);
  for (Index i = 0; i < n; ++i) line[i * stride] = line[i * stride] != 0;
}

/// 1 where the truth, moved by whole voxels, has matter, and `margin` voxels around.
device::Array<std::uint8_t, 3> region_of(View<const float, 3> truth, Extents<3> whole, Extents<3> extents, Index margin,
                                         device::ThreadPool& threads) {
  device::Array<std::uint8_t, 3> region(extents);
  each_row(truth, whole, extents, threads, [&](const Extents<3>& to, const float* from, Index count) {
    std::transform(from, from + count, &region(to[0], to[1], to[2]), [](float v) -> std::uint8_t { return v != 0; });
  });
  threads.run_in_turn(extents[0], [&](int, Index z) {
    for (Index y = 0; y < extents[1]; ++y) widen(&region(z, y, 0), extents[2], 1, margin);
    for (Index x = 0; x < extents[2]; ++x) widen(&region(z, 0, x), extents[1], extents[2], margin);
  });
  threads.run_in_turn(extents[1], [&](int, Index y) {
    for (Index x = 0; x < extents[2]; ++x) widen(&region(0, y, x), extents[0], extents[1] * extents[2], margin);
  });
  return region;
}

/// Over voxels of the region.
struct Moments {
  double count = 0, v = 0, t = 0, tt = 0, vt = 0, difference = 0;

  void add(double volume, double truth) {
    count += 1;
    v += volume;
    t += truth;
    tt += truth * truth;
    vt += volume * truth;
    difference += (volume - truth) * (volume - truth);
  }
  void add(const Moments& m) {
    count += m.count;
    v += m.v;
    t += m.t;
    tt += m.tt;
    vt += m.vt;
    difference += m.difference;
  }
};

}  // namespace

Volume moved_onto(View<const float, 3> volume, Extents<3> extents, VolumeShift shift_px, device::ThreadPool& threads) {
  const Displacement d = displacement(volume.extents(), extents, shift_px);
  Volume result(extents);
  if (std::all_of(d.fraction.begin(), d.fraction.end(), [](double f) { return std::abs(f) < 1e-9; })) {
    each_row(volume, d.whole, extents, threads, [&](const Extents<3>& to, const float* from, Index count) {
      std::copy_n(from, count, &result(to[0], to[1], to[2]));
    });
    return result;
  }
  constexpr Index margin = 8;
  Extents<3> padded{}, whole{};
  for (const std::size_t a : axes) {
    padded[a] = fast_size(extents[a] + 2 * margin);
    whole[a] = d.whole[a] + margin;
  }
  RealVolume wide(padded);
  each_row(volume, whole, padded, threads, [&](const Extents<3>& to, const float* from, Index count) {
    std::copy_n(from, count, wide.row(to[0], to[1]) + to[2]);
  });
  move_by_fraction(wide, d.fraction, threads);
  threads.run_in_turn(extents[0], [&](int, Index z) {
    for (Index y = 0; y < extents[1]; ++y)
      std::copy_n(wide.row(z + margin, y + margin) + margin, extents[2], &result(z, y, 0));
  });
  return result;
}

VolumeShift find_volume_shift(View<const float, 3> volume, View<const float, 3> truth, double mask_radius,
                              device::ThreadPool& threads) {
  const SoftWindow window(volume.extents(), mask_radius);
  const device::RealFft3d fft(volume.extents());
  RealVolume fixed = window.apply(volume, threads);
  fft.forward(fixed, threads);
  VolumeShift shift{};
  constexpr int round_limit = 8;
  constexpr double settled_px = 0.002;
  for (int round = 0; round < round_limit; ++round) {
    RealVolume moving = window.apply(moved_onto(truth, volume.extents(), shift, threads), threads);
    fft.forward(moving, threads);
    multiply_conjugate(moving, fixed, threads);
    fft.inverse(moving, threads);
    const VolumeShift back = peak_of(moving, threads);  // by which the volume would have to be moved
    double step = 0;
    for (const std::size_t a : axes) {
      shift[a] -= back[a];
      step = std::max(step, std::abs(back[a]));
    }
    if (step < settled_px) break;
  }
  return shift;
}

VolumeError volume_error(View<const float, 3> volume, View<const float, 3> truth, View<const float, 3> moved,
                         VolumeShift shift_px, device::ThreadPool& threads) {
  const Extents<3> n = volume.extents();
  expect(moved.extents() == n, "a truth that does not lie on the volume");
  constexpr Index margin = 3;
  const auto region = region_of(truth, displacement(truth.extents(), n, shift_px).whole, n, margin, threads);
  std::vector<Moments> slices(static_cast<std::size_t>(n[0]));
  threads.run_in_turn(n[0], [&](int, Index z) {
    Moments m;
    for (Index i = 0; i < n[1] * n[2]; ++i) {
      if (region[z].data()[i]) m.add(static_cast<double>(volume[z].data()[i]), static_cast<double>(moved[z].data()[i]));
    }
    slices[static_cast<std::size_t>(z)] = m;
  });
  Moments all;
  for (const Moments& m : slices) all.add(m);
  if (!(all.tt > 0)) {
    throw Error(ErrorCode::data,
                "truth_volume has no matter where the volume is: it is not what this series was made from, or the "
                "shift between the two was not found");
  }
  const double variance = all.tt - all.t * all.t / all.count, covariance = all.vt - all.v * all.t / all.count;
  // A truth of one value all over has no slope but that through 0.
  const double scale = variance > 1e-9 * all.tt ? covariance / variance : all.vt / all.tt;
  return {std::sqrt(all.difference / all.tt), scale};
}

}  // namespace ptychoflow::tomo
