#include "core/ptycho/defocus.hpp"

#include <algorithm>
#include <cmath>

namespace ptychoflow::ptycho {

double farthest_defocus_m(const ScanLight& light, const Layout& layout) {
  const auto [ny, nx] = layout.frame;
  const double height_m = static_cast<double>(ny) * layout.pixel_size_m.y;
  const double width_m = static_cast<double>(nx) * layout.pixel_size_m.x;
  double all = 0, square = 0;
  for (Index y = 0; y < ny; ++y) {
    for (Index x = 0; x < nx; ++x) {
      // Pixel q from the centre sees light at the angle λ·q / (side of a view).
      const double angle = light.wavelength_m * std::hypot(static_cast<double>(y - ny / 2) / height_m,
                                                           static_cast<double>(x - nx / 2) / width_m);
      all += light.mean_counts(y, x);
      square += light.mean_counts(y, x) * angle * angle;
    }
  }
  // A disc's diameter is 2√2 times its root mean square radius.
  return std::min(height_m, width_m) / (2 * std::sqrt(2 * square / all));
}

std::vector<DefocusTrial> search_defocus(double farthest_m, const std::function<double(double)>& r_factor) {
  std::vector<DefocusTrial> trials;
  const auto attempt = [&](double defocus_m) { trials.push_back({defocus_m, r_factor(defocus_m)}); };
  const auto best = [&] { return std::ranges::min_element(trials, {}, &DefocusTrial::r_factor)->defocus_m; };
  constexpr int steps = 8;  // of a factor of √2
  attempt(0);
  for (int k = 0; k <= steps; ++k) {
    for (const double sign : {1.0, -1.0}) attempt(sign * farthest_m * std::exp2(-0.5 * k));
  }
  for (const double finer : {0.25, 0.125}) {
    const double middle = best();
    if (middle == 0) continue;
    for (const double sign : {1.0, -1.0}) attempt(middle * std::exp2(sign * finer));
  }
  std::ranges::stable_sort(trials, {}, &DefocusTrial::r_factor);
  return trials;
}

}  // namespace ptychoflow::ptycho
