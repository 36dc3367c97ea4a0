#include "core/io/scan_summary.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/io/scan_checks.hpp"

namespace ptychoflow::io {
namespace {

constexpr Index most_frames = 64;
constexpr Index most_queries = 2000;

/// The median distance to the nearest other view.
double nearest_step_m(const std::vector<std::array<double, 2>>& at) {
  const auto count = static_cast<Index>(at.size()), queries = std::min(count, most_queries);
  std::vector<double> nearest;
  for (Index q = 0; q < queries; ++q) {
    const auto own = static_cast<std::size_t>(q * count / queries);
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < at.size(); ++j) {
      if (j != own) least = std::min(least, std::hypot(at[j][0] - at[own][0], at[j][1] - at[own][1]));
    }
    nearest.push_back(least);
  }
  const auto middle = nearest.begin() + static_cast<std::ptrdiff_t>(nearest.size() / 2);
  std::nth_element(nearest.begin(), middle, nearest.end());
  return *middle;
}

/// 2√2 times the root mean square distance from the middle: a disc's diameter.
double diameter_m(const StoredModes& modes, const std::array<double, 2>& pixel_m) {
  double light = 0, y_sum = 0, x_sum = 0, square = 0;
  std::visit(
      [&](const auto& stack) {
        for (Index m = 0; m < stack.extent(0); ++m) {
          for (Index y = 0; y < stack.extent(1); ++y) {
            for (Index x = 0; x < stack.extent(2); ++x) {
              const double re = stack(m, y, x).re, im = stack(m, y, x).im, intensity = re * re + im * im;
              const double y_m = static_cast<double>(y) * pixel_m[0], x_m = static_cast<double>(x) * pixel_m[1];
              light += intensity;
              y_sum += intensity * y_m;
              x_sum += intensity * x_m;
              square += intensity * (y_m * y_m + x_m * x_m);
            }
          }
        }
      },
      modes);
  const double y = y_sum / light, x = x_sum / light;
  return 2 * std::sqrt(2 * std::max(square / light - y * y - x * x, 0.0));
}

void look_at_geometry(const ScanHeader& h, ScanSummary& s) {
  const auto missing = [&](bool there, const char* what, const char* parameter) {
    if (!there) s.doubts.push_back(fmt::format("the file does not say {}: set {}", what, parameter));
    return !there;
  };
  bool lacks = missing(h.energy_J.has_value(), "the photon energy", "energy_keV");
  lacks = missing(h.distance_m.has_value(), "the detector's distance", "distance_m") || lacks;
  lacks = missing(h.pixel_y_m && h.pixel_x_m, "the detector's pixel size", "detector_pixel_um") || lacks;
  if (lacks) return;
  const ScanGeometry g{
      wavelength_m_from_energy_J(*h.energy_J), *h.distance_m, {*h.pixel_y_m, *h.pixel_x_m}, h.frame_shape};
  const auto pixel = object_pixel_m(g);
  if (!std::isfinite(pixel[0]) || pixel[0] <= 0) {
    s.doubts.emplace_back(
        "energy, distance or detector pixel is not positive: set energy_keV, distance_m, "
        "detector_pixel_um");
    return;
  }
  s.object_pixel_m = pixel;
  if (const double keV = *h.energy_J / energy_J_from_keV(1); keV < 0.01 || keV > 1e4) {
    s.doubts.push_back(fmt::format("a photon energy of {:.3g} keV: its unit is wrong; set energy_keV", keV));
  }
  if (h.translation_m.size() < 2) return;
  std::vector<std::array<double, 2>> y_x;
  for (const auto& [x, y] : h.translation_m) y_x.push_back({y, x});
  try {
    check_positions(y_x, g, {h.translation_path});
  } catch (const Error& e) {
    s.doubts.emplace_back(e.what());
  }
}

void look_at_positions(const Scan& scan, ScanSummary& s) {
  const ScanHeader& h = scan.header();
  if (h.translation_path.empty()) {
    s.doubts.emplace_back("a file of this format has no positions: set positions: {file: TABLE}");
    return;
  }
  if (h.translation_m.size() < 2) {
    s.doubts.emplace_back("there is one position: ptychography needs views that overlap");
    return;
  }
  std::array<double, 2> least{h.translation_m[0][1], h.translation_m[0][0]}, most = least;
  for (const auto& [x, y] : h.translation_m) {
    least = {std::min(least[0], y), std::min(least[1], x)};
    most = {std::max(most[0], y), std::max(most[1], x)};
  }
  s.range_m = {most[0] - least[0], most[1] - least[1]};
  s.step_m = nearest_step_m(h.translation_m);
  if (!s.object_pixel_m) return;
  if (s.step_m < 0.05 * std::min((*s.object_pixel_m)[0], (*s.object_pixel_m)[1])) {
    s.doubts.push_back(
        fmt::format("half of the views are less than {:.2g} object pixels from another one: is the unit of "
                    "the positions right?",
                    s.step_m / (*s.object_pixel_m)[0]));
  }
  if (h.initial_probe[0] == 0) return;
  s.probe_diameter_m = diameter_m(scan.initial_probe(), *s.object_pixel_m);
  s.overlap = 1 - s.step_m / *s.probe_diameter_m;
  if (*s.overlap < 0.5) {
    s.doubts.push_back(
        fmt::format("neighbours overlap by {:.0f} %, and less than 50 % is rarely enough: is the unit of "
                    "the positions right?",
                    100 * std::max(*s.overlap, 0.0)));
  }
}

/// What the type of the counts holds at most; 0: more than any detector counts.
double largest_of(const std::string& type) {
  return type == "uint8"    ? 255
         : type == "uint16" ? 65535
         : type == "int16"  ? 32767
         : type == "uint32" ? 4294967295.0
                            : 0;
}

/// Numbers of lines that see nothing, though both neighbours do.
std::vector<Index> dead_lines(const std::vector<double>& sums, const std::vector<Index>& measured) {
  std::vector<Index> dead;
  for (std::size_t i = 1; i + 1 < sums.size(); ++i) {
    if (measured[i] > 0 && sums[i] == 0 && sums[i - 1] > 0 && sums[i + 1] > 0) dead.push_back(static_cast<Index>(i));
  }
  return dead;
}

void look_at_frames(const Scan& scan, ScanSummary& s) {
  const ScanHeader& h = scan.header();
  const auto [ny, nx] = h.frame_shape;
  const auto mask = scan.mask();
  const Index looked = std::min(h.frame_count, most_frames);
  device::Array<double, 2> frame(h.frame_shape), sum(h.frame_shape);
  const double full = largest_of(h.frame_type);
  Index dark = 0, saturated = 0, faulty = 0;
  for (Index k = 0; k < looked; ++k) {
    scan.read_frames(k * h.frame_count / looked, 1, 1, {0, 0, h.frame_shape}, frame.data());
    double light = 0;
    bool is_saturated = false;
    for (Index i = 0; i < frame.size(); ++i) {
      const double count = frame.data()[i];
      if (mask.data()[i] != 0 || (count < 0 && h.negative_is_masked)) continue;
      if (!std::isfinite(count) || count < 0) {
        ++faulty;
        continue;
      }
      sum.data()[i] += count;
      light += count;
      s.largest_count = std::max(s.largest_count, count);
      is_saturated = is_saturated || (full > 0 && count >= full);
    }
    dark += light == 0 ? 1 : 0;
    saturated += is_saturated ? 1 : 0;
  }
  s.frames_looked_at = looked;
  double total = 0;
  Index masked = 0;
  std::vector<double> rows(static_cast<std::size_t>(ny)), columns(static_cast<std::size_t>(nx));
  std::vector<Index> row_pixels(rows.size()), column_pixels(columns.size());
  for (Index y = 0; y < ny; ++y) {
    for (Index x = 0; x < nx; ++x) {
      if (mask(y, x) != 0) {
        ++masked;
        continue;
      }
      const double v = sum(y, x);
      const auto r = static_cast<std::size_t>(y), c = static_cast<std::size_t>(x);
      total += v;
      rows[r] += v, ++row_pixels[r];
      columns[c] += v, ++column_pixels[c];
      s.centre_px[0] += v * static_cast<double>(y);
      s.centre_px[1] += v * static_cast<double>(x);
    }
  }
  s.masked_share = static_cast<double>(masked) / static_cast<double>(mask.size());
  const Index measured = mask.size() - masked;
  s.mean_count = measured > 0 ? total / static_cast<double>(measured * looked) : 0;
  for (double& c : s.centre_px) c = total > 0 ? c / total : 0;

  const auto doubt = [&](bool is, std::string text) {
    if (is) s.doubts.push_back(std::move(text));
  };
  doubt(faulty > 0,
        fmt::format("{} counts of {} frames are negative or no number: mark their pixels in the mask", faulty, looked));
  doubt(dark > 0,
        fmt::format("{} of {} frames are dark: leave them out by frames: {{first, last, step}}", dark, looked));
  doubt(saturated > 0, fmt::format("{} of {} frames have counts of {:.0f}, the largest that their type holds: set "
                                   "saturation, or mark the pixels in the mask",
                                   saturated, looked, full));
  doubt(s.masked_share > 0.2, fmt::format("{:.0f} % of the pixels are masked", 100 * s.masked_share));
  const auto dead_rows = dead_lines(rows, row_pixels), dead_columns = dead_lines(columns, column_pixels);
  doubt(!dead_rows.empty(), fmt::format("rows {} see nothing: mark them in the mask", fmt::join(dead_rows, ", ")));
  doubt(!dead_columns.empty(),
        fmt::format("columns {} see nothing: mark them in the mask", fmt::join(dead_columns, ", ")));
  const double off_y = s.centre_px[0] - static_cast<double>(ny / 2),
               off_x = s.centre_px[1] - static_cast<double>(nx / 2);
  s.off_centre = total > 0 && (std::abs(off_y) > 0.125 * static_cast<double>(ny) ||
                               std::abs(off_x) > 0.125 * static_cast<double>(nx));
  doubt(
      s.off_centre,
      fmt::format("the light's centre is pixel [{:.0f}, {:.0f}], far from the frame's, [{}, {}]: set frame_size, which "
                  "cuts frames around it",
                  s.centre_px[0], s.centre_px[1], ny / 2, nx / 2));
}

}  // namespace

ScanSummary summary_of(const Scan& scan) {
  ScanSummary s;
  look_at_geometry(scan.header(), s);
  look_at_positions(scan, s);
  look_at_frames(scan, s);
  return s;
}

}  // namespace ptychoflow::io
