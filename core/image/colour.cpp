#include "core/image/colour.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/units.hpp"

namespace ptychoflow::image {
namespace {

std::uint8_t encoded(double linear) {
  const double c = std::clamp(linear, 0.0, 1.0);
  const double s = c <= 0.0031308 ? 12.92 * c : 1.055 * std::pow(c, 1 / 2.4) - 0.055;
  return static_cast<std::uint8_t>(std::lround(255 * s));
}

double decoded(std::uint8_t value) {
  const double s = value / 255.0;
  return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4);
}

double cube(double v) { return v * v * v; }

// The largest chroma that every hue has in sRGB at this lightness is a little above 0.12, near its
// peak over lightness.
constexpr double full_lightness = 0.745;
constexpr double full_chroma = 0.124;
constexpr double hue_of_phase_zero_rad = 25 * pi / 180;  // red

}  // namespace

Rgb oklch(double lightness, double chroma, double hue_rad) {
  const double a = chroma * std::cos(hue_rad), b = chroma * std::sin(hue_rad);
  const double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
  const double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
  const double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
  return {encoded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
          encoded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
          encoded(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

double lightness(Rgb c) {
  const double r = decoded(c.r), g = decoded(c.g), b = decoded(c.b);
  return 0.2104542553 * std::cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) +
         0.7936177850 * std::cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) -
         0.0040720468 * std::cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
}

Rgb complex_colour(double phase_rad, double brightness) {
  const double b = std::clamp(brightness, 0.0, 1.0);
  // Lightness and chroma shrink together: the colour keeps its hue and its place in the gamut.
  return oklch(full_lightness * b, full_chroma * b, phase_rad + hue_of_phase_zero_rad);
}

Rgb map_colour(ColourMap map, double t) {
  t = std::clamp(t, 0.0, 1.0);
  switch (map) {
    case ColourMap::sequential: {
      // Lightness rises evenly while the hue turns from violet through red to yellow; the chroma bends inwards at both
      // ends, where sRGB is narrow.
      const double hue_rad = (-70 + 170 * t) * pi / 180;
      return oklch(0.10 + 0.86 * t, 0.17 * std::pow(std::sin(pi * (0.06 + 0.82 * t)), 0.8), hue_rad);
    }
    case ColourMap::cyclic:
      return complex_colour(2 * pi * (t - 0.5), 1);
    case ColourMap::gray:
      break;
  }
  const auto level = static_cast<std::uint8_t>(std::lround(255 * t));
  return {level, level, level};
}

}  // namespace ptychoflow::image
