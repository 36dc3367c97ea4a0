#include "tests/reference/difference_map.hpp"

#include <algorithm>
#include <cmath>

namespace reference {
namespace {

const double pi = std::acos(-1.0);

// sign −1: F, +1: its inverse without the factor. Splits even lengths in two, sums the rest as it stands.
void transform_line(Complex* a, int n, int stride, int sign) {
  std::vector<Complex> in(n), out(n);
  for (int i = 0; i < n; ++i) in[i] = a[i * stride];
  if (n % 2 == 0) {
    std::vector<Complex> even(n / 2), odd(n / 2);
    for (int i = 0; i < n / 2; ++i) even[i] = in[2 * i], odd[i] = in[2 * i + 1];
    transform_line(even.data(), n / 2, 1, sign);
    transform_line(odd.data(), n / 2, 1, sign);
    for (int q = 0; q < n / 2; ++q) {
      const Complex turned = std::polar(1.0, sign * 2 * pi * q / n) * odd[q];
      out[q] = even[q] + turned;
      out[q + n / 2] = even[q] - turned;
    }
  } else {
    for (int q = 0; q < n; ++q)
      for (int i = 0; i < n; ++i) out[q] += in[i] * std::polar(1.0, sign * 2 * pi * ((q * i) % n) / n);
  }
  for (int i = 0; i < n; ++i) a[i * stride] = out[i];
}

// Unitary, so that Σ|F[ψ]|² = Σ|ψ|².
Wave transformed(Wave w, int ny, int nx, int sign) {
  for (int y = 0; y < ny; ++y) transform_line(&w[y * nx], nx, 1, sign);
  for (int x = 0; x < nx; ++x) transform_line(&w[x], ny, nx, sign);
  for (auto& v : w) v /= std::sqrt(double(ny * nx));
  return w;
}

int at(const Scan& s, int j, int i) {  // object pixel under pixel i of view j
  return (s.y0[j] + i / s.nx) * s.object_nx + s.x0[j] + i % s.nx;
}

// ε of (7), over pixels that count.
double change(const Wave& now, const Wave& old, const std::vector<bool>& counts) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < now.size(); ++i) {
    if (!counts[i]) continue;
    difference += std::norm(now[i] - old[i]);
    size += std::norm(now[i]);
  }
  return std::sqrt(difference / size);
}

// F_c of eq. (4) on all modes of one view, in place; relaxed if there is a bound.
void constrain(const Scan& scan, const std::vector<double>& counts, const std::optional<double>& bound,
               std::vector<Wave>& modes) {
  const size_t pixels = counts.size();
  std::vector<double> model(pixels);
  for (const auto& mode : modes)
    for (size_t i = 0; i < pixels; ++i) model[i] += std::norm(mode[i]);
  double e = 0;
  int measured = 0;
  for (size_t i = 0; i < pixels; ++i) {
    model[i] = std::sqrt(model[i]);
    if (!scan.measured[i]) continue;
    e += std::pow(model[i] - std::sqrt(counts[i]), 2);
    ++measured;
  }
  e /= measured;
  for (size_t i = 0; i < pixels; ++i) {
    if (!scan.measured[i] || model[i] == 0) continue;
    double target = std::sqrt(counts[i]);
    if (bound) target += (model[i] - target) * (e <= *bound ? 1.0 : std::sqrt(*bound / e));
    for (auto& mode : modes) mode[i] *= target / model[i];
  }
}

void update_exit_waves(const Scan& scan, const Options& options, Iterate& s) {  // (3)
  const int pixels = scan.ny * scan.nx;
  double difference = 0, size = 0;
  for (size_t j = 0; j < scan.y0.size(); ++j) {
    std::vector<Wave> product, wave;
    for (const auto& p : s.probe)
      for (const auto& o : s.object) {
        const Wave& psi = s.psi[j][product.size()];
        Wave po(pixels), reflected(pixels);
        for (int i = 0; i < pixels; ++i) {
          po[i] = p[i] * o[at(scan, int(j), i)];
          reflected[i] = 2.0 * po[i] - psi[i];
        }
        product.push_back(po);
        wave.push_back(transformed(reflected, scan.ny, scan.nx, -1));
      }
    constrain(scan, scan.counts[j], options.bound, wave);
    for (size_t m = 0; m < wave.size(); ++m) {
      const Wave back = transformed(wave[m], scan.ny, scan.nx, +1);
      for (int i = 0; i < pixels; ++i) {
        const Complex step = options.beta * (back[i] - product[m][i]);
        s.psi[j][m][i] += step;
        difference += std::norm(step);
        size += std::norm(s.psi[j][m][i]);
      }
    }
  }
  s.exit_wave_change = std::sqrt(difference / size);
}

// Quotient of sums; unlit pixels keep their old value by the floor.
Wave quotient(const Wave& numerator, const std::vector<double>& denominator, const Wave& old, double relative_floor) {
  const double floor = relative_floor * *std::max_element(denominator.begin(), denominator.end());
  Wave result(numerator.size());
  for (size_t i = 0; i < result.size(); ++i) result[i] = (numerator[i] + floor * old[i]) / (denominator[i] + floor);
  return result;
}

void update_probe(const Scan& scan, const Options& options, Iterate& s) {  // (5)
  const int pixels = scan.ny * scan.nx;
  std::vector<double> denominator(pixels);
  for (const auto& o : s.object)
    for (size_t j = 0; j < scan.y0.size(); ++j)
      for (int i = 0; i < pixels; ++i) denominator[i] += std::norm(o[at(scan, int(j), i)]);
  for (size_t k = 0; k < s.probe.size(); ++k) {
    Wave numerator(pixels);
    for (size_t l = 0; l < s.object.size(); ++l)
      for (size_t j = 0; j < scan.y0.size(); ++j)
        for (int i = 0; i < pixels; ++i)
          numerator[i] += std::conj(s.object[l][at(scan, int(j), i)]) * s.psi[j][k * s.object.size() + l][i];
    const Wave now = quotient(numerator, denominator, s.probe[k], options.probe_floor);
    s.probe_change[k] = change(now, s.probe[k], std::vector<bool>(pixels, true));
    s.probe[k] = now;
  }
}

void update_object(const Scan& scan, const Options& options, Iterate& s) {  // (6)
  const int pixels = scan.ny * scan.nx;
  std::vector<double> denominator(size_t(scan.object_ny) * scan.object_nx);
  for (const auto& p : s.probe)
    for (size_t j = 0; j < scan.y0.size(); ++j)
      for (int i = 0; i < pixels; ++i) denominator[at(scan, int(j), i)] += std::norm(p[i]);
  const double largest = *std::max_element(denominator.begin(), denominator.end());
  std::vector<bool> lit(denominator.size());
  for (size_t i = 0; i < lit.size(); ++i) lit[i] = denominator[i] >= 1e-2 * largest;
  for (size_t l = 0; l < s.object.size(); ++l) {
    Wave numerator(denominator.size());
    for (size_t k = 0; k < s.probe.size(); ++k)
      for (size_t j = 0; j < scan.y0.size(); ++j)
        for (int i = 0; i < pixels; ++i)
          numerator[at(scan, int(j), i)] += std::conj(s.probe[k][i]) * s.psi[j][k * s.object.size() + l][i];
    const Wave now = quotient(numerator, denominator, s.object[l], options.object_floor);
    s.object_change[l] = change(now, s.object[l], lit);
    s.object[l] = now;
  }
}

}  // namespace

void start(const Scan& scan, Iterate& s) {
  s.psi.assign(scan.y0.size(), {});
  for (size_t j = 0; j < scan.y0.size(); ++j)
    for (const auto& p : s.probe)
      for (const auto& o : s.object) {
        Wave psi(p.size());
        for (size_t i = 0; i < p.size(); ++i) psi[i] = p[i] * o[at(scan, int(j), int(i))];
        s.psi[j].push_back(psi);
      }
}

void iterate(const Scan& scan, const Options& options, int iteration, Iterate& s) {
  s.probe_change.assign(s.probe.size(), 0);
  s.object_change.assign(s.object.size(), 0);
  update_exit_waves(scan, options, s);
  const bool probe = iteration >= options.probe_start, object = iteration >= options.object_start;
  if (options.probe_first && probe) update_probe(scan, options, s);
  if (object) update_object(scan, options, s);
  if (!options.probe_first && probe) update_probe(scan, options, s);
}

}  // namespace reference
