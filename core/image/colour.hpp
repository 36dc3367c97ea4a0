// Colours for data: perceptually even maps, built in Oklab (B. Ottosson, "A perceptual color space for image
// processing", 2020).
#pragma once

#include <cstdint>

namespace ptychoflow::image {

struct Rgb {
  std::uint8_t r = 0, g = 0, b = 0;
  friend constexpr bool operator==(Rgb, Rgb) = default;
};

inline constexpr Rgb white{255, 255, 255};
inline constexpr Rgb black{0, 0, 0};

enum class ColourMap {
  gray,        ///< black to white, even in sRGB steps
  sequential,  ///< dark violet over red to pale yellow, even steps of perceived lightness
  cyclic,      ///< the hues of `complex_colour` at full brightness; both ends meet
};

/// Colour of `t` in [0, 1]; values outside are clamped.
Rgb map_colour(ColourMap map, double t);

/// Phase as hue, magnitude as perceived lightness: all phases of one `brightness` in [0, 1] (clamped) look equally
/// light, and 0 is black. Phase 0 is red, π/2 yellow-green, π teal, −π/2 violet.
Rgb complex_colour(double phase_rad, double brightness);

/// sRGB of a colour in Oklab's cylinder: lightness 0…1, chroma, hue. Out of gamut is clipped.
Rgb oklch(double lightness, double chroma, double hue_rad);

/// Oklab lightness, 0 (black) … 1 (white).
double lightness(Rgb colour);

}  // namespace ptychoflow::image
