#include "core/ptycho/specimen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/image/png_read.hpp"
#include "core/ptycho/random.hpp"

namespace ptychoflow::ptycho {
namespace {

using Map = device::Array<float, 2>;

/// Part of a pixel on the inner side of an edge at this signed distance, so that edges have no steps.
double inside(double distance_px) { return std::clamp(0.5 + distance_px, 0.0, 1.0); }

/// Thickness of a Siemens star about the middle; `finest_px` is the period of its spokes at the hub.
Map siemens_star(Yx<Index> shape, double finest_px) {
  auto thickness = Map::uninitialized({shape.y, shape.x});
  const double rim = 0.45 * static_cast<double>(std::min(shape.y, shape.x));
  const double hub = 0.12 * rim;
  const double spokes = std::max(3.0, std::round(2 * pi * hub / finest_px));
  constexpr int zones = 4;
  for (Index y = 0; y < shape.y; ++y) {
    for (Index x = 0; x < shape.x; ++x) {
      const double dy = static_cast<double>(y - shape.y / 2), dx = static_cast<double>(x - shape.x / 2);
      const double r = std::hypot(dy, dx);
      const double turn = std::remainder(std::atan2(dy, dx) * spokes, 2 * pi);
      double t = inside((pi / 2 - std::abs(turn)) * r / spokes) * inside(rim - r) * inside(r - hub);
      for (int zone = 1; zone < zones; ++zone) {  // ring-shaped gaps, evenly spaced in log r
        const double at = hub * std::pow(rim / hub, static_cast<double>(zone) / zones);
        t *= 1 - inside(0.03 * at - std::abs(r - at));
      }
      thickness(y, x) = static_cast<float>(std::max(t, inside(0.8 * hub - r)));
    }
  }
  return thickness;
}

/// A convex polygon: as far as `apothem` from its centre in each of a few directions.
struct Grain {
  static constexpr int most_facets = 8;
  double y, x, height;
  int facets;
  std::array<double, most_facets> cosine, sine, apothem;

  Grain(Random& random, Yx<Index> shape, double mean_diameter_px)
      : y(random.uniform(0, static_cast<double>(shape.y))),
        x(random.uniform(0, static_cast<double>(shape.x))),
        height(random.uniform(0.4, 1)),
        facets(5 + static_cast<int>(random.uniform() * 4)) {
    const double radius = mean_diameter_px / 2 * random.uniform(0.5, 1.5);
    const double rotation = random.uniform(0, 2 * pi);
    for (int i = 0; i < facets; ++i) {
      const auto f = static_cast<std::size_t>(i);
      const double angle = rotation + 2 * pi * (i + random.uniform(-0.25, 0.25)) / facets;
      cosine[f] = std::cos(angle);
      sine[f] = std::sin(angle);
      apothem[f] = radius * random.uniform(0.75, 1.05);
    }
  }

  double thickness(double py, double px) const {
    double depth = apothem[0];
    for (std::size_t f = 0; f < static_cast<std::size_t>(facets); ++f) {
      depth = std::min(depth, apothem[f] - sine[f] * (py - y) - cosine[f] * (px - x));
    }
    return height * inside(depth);
  }

  /// Radius that holds the whole polygon, with room to spare: its corners are at most 1/cos of half the widest angle
  /// between two facets (108°) farther out than its sides.
  double reach() const { return 1.75 * *std::max_element(apothem.begin(), apothem.begin() + facets) + 1; }
};

/// Thickness of grains that cover something under half of the ground; where two meet, the higher shows.
Map grains(Yx<Index> shape, double mean_diameter_px, std::uint64_t seed) {
  Map thickness({shape.y, shape.x});
  Random random(seed);
  constexpr double coverage = 0.55;  // before overlaps
  const double grain_area = pi / 4 * mean_diameter_px * mean_diameter_px;
  const auto count = static_cast<Index>(std::ceil(coverage * static_cast<double>(shape.y * shape.x) / grain_area));
  for (Index g = 0; g < count; ++g) {
    const Grain grain(random, shape, mean_diameter_px);
    const double reach = grain.reach();
    const auto low = [&](double at) { return std::max<Index>(static_cast<Index>(std::floor(at - reach)), 0); };
    const auto high = [&](double at, Index end) {
      return std::min(static_cast<Index>(std::ceil(at + reach)) + 1, end);
    };
    for (Index y = low(grain.y); y < high(grain.y, shape.y); ++y) {
      for (Index x = low(grain.x); x < high(grain.x, shape.x); ++x) {
        const double t = grain.thickness(static_cast<double>(y), static_cast<double>(x));
        thickness(y, x) = std::max(thickness(y, x), static_cast<float>(t));
      }
    }
  }
  return thickness;
}

double between_pixels(const Map& image, double y, double x) {
  y = std::clamp(y, 0.0, static_cast<double>(image.extent(0) - 1));
  x = std::clamp(x, 0.0, static_cast<double>(image.extent(1) - 1));
  const auto y0 = static_cast<Index>(y), x0 = static_cast<Index>(x);
  const Index y1 = std::min(y0 + 1, image.extent(0) - 1), x1 = std::min(x0 + 1, image.extent(1) - 1);
  const double fy = y - static_cast<double>(y0), fx = x - static_cast<double>(x0);
  return (1 - fy) * ((1 - fx) * image(y0, x0) + fx * image(y0, x1)) +
         fy * ((1 - fx) * image(y1, x0) + fx * image(y1, x1));
}

/// Grey values of an image, stretched evenly until it covers `shape`; where it shrinks, averaged. 1 without a file.
Map grey_map(const std::string& file, Yx<Index> shape) {
  auto map = Map::uninitialized({shape.y, shape.x});
  if (file.empty()) {
    std::fill(map.begin(), map.end(), 1.0F);
    return map;
  }
  const Map image = image::read_png_grey(file);
  const double height = static_cast<double>(image.extent(0)), width = static_cast<double>(image.extent(1));
  const double scale = std::min(height / static_cast<double>(shape.y), width / static_cast<double>(shape.x));
  const int samples = std::max(1, static_cast<int>(std::ceil(scale)));
  for (Index y = 0; y < shape.y; ++y) {
    for (Index x = 0; x < shape.x; ++x) {
      double sum = 0;
      for (int s = 0; s < samples * samples; ++s) {
        const double oy = static_cast<double>(y) + (s / samples + 0.5) / samples - static_cast<double>(shape.y) / 2;
        const double ox = static_cast<double>(x) + (s % samples + 0.5) / samples - static_cast<double>(shape.x) / 2;
        sum += between_pixels(image, height / 2 + oy * scale - 0.5, width / 2 + ox * scale - 0.5);
      }
      map(y, x) = static_cast<float>(sum / (samples * samples));
    }
  }
  return map;
}

/// Both images read, so that a bad one is known before the object is made.
void check_images(const Specimen& s) {
  if (s.amplitude_file.empty() && s.phase_file.empty()) {
    throw Error(ErrorCode::usage,
                "specimen: kind 'images' needs amplitude_file, phase_file or both: PNG files, white for no material");
  }
  for (const auto& file : {s.amplitude_file, s.phase_file}) {
    if (!file.empty()) image::read_png_grey(file);
  }
}

}  // namespace

void check_specimen(const Specimen& s) {
  if (!(s.amplitude_min > 0 && s.amplitude_min <= 1) || !std::isfinite(s.phase_min_rad) || !(s.feature_px >= 0)) {
    throw Error(ErrorCode::usage,
                fmt::format("specimen: amplitude_min = {} must be in (0, 1], phase_min_rad = {} finite "
                            "and the feature of {} px positive",
                            s.amplitude_min, s.phase_min_rad, s.feature_px));
  }
  if (s.kind == SpecimenKind::images) check_images(s);
}

Field make_specimen(const Specimen& s, Yx<Index> shape) {
  check_specimen(s);
  auto object = Field::uninitialized({shape.y, shape.x});
  if (s.kind == SpecimenKind::images) {
    const Map amplitude = grey_map(s.amplitude_file, shape), phase = grey_map(s.phase_file, shape);
    for (Index i = 0; i < object.size(); ++i) {
      object.data()[i] =
          polar(s.amplitude_min + (1 - s.amplitude_min) * amplitude.data()[i], s.phase_min_rad * (1 - phase.data()[i]));
    }
    return object;
  }
  const bool star = s.kind == SpecimenKind::siemens_star;
  const double feature_px = s.feature_px > 0 ? s.feature_px : star ? 6 : 14;
  const Map thickness = star ? siemens_star(shape, feature_px) : grains(shape, feature_px, s.seed);
  for (Index i = 0; i < object.size(); ++i) {
    const double t = thickness.data()[i];
    object.data()[i] = polar(std::pow(s.amplitude_min, t), s.phase_min_rad * t);
  }
  return object;
}

}  // namespace ptychoflow::ptycho
