// Numbers for axes: round steps, ticks, scale bars, ranges.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace ptychoflow::image {

/// Smallest and largest value shown.
struct Range {
  double low = 0, high = 1;
  double width() const { return high - low; }
  /// 0 at `low`, 1 at `high`.
  double fraction(double value) const { return (value - low) / width(); }
};

/// A place on an axis and what is written there.
struct Tick {
  double value = 0;
  std::string label;
};

/// Round multiples of 1, 2 or 5 × 10ⁿ inside `range`, at most `count` of them (at least two where that is possible).
/// @throws Error (other) if the range is empty or not finite
std::vector<Tick> linear_ticks(Range range, int count);

/// Powers of ten inside `range`, at most `count` of them, labelled for `draw_text` ("10^−3"). `range` is positive.
std::vector<Tick> decade_ticks(Range range, int count);

/// A bar of a round length: 1, 2 or 5 × 10ⁿ metres, at most `share` of a field of `width_m`.
struct ScaleBar {
  double length_m = 0;
  std::string label;  ///< "500 nm", "2 µm"
};
ScaleBar scale_bar(double width_m, double share = 0.3);

/// A length with three significant digits and the unit that suits it, pm to m: "8.04 nm".
std::string length_text(double length_m);

/// The range that leaves out `share` of the finite `values` at either end, never of zero width.
/// Without finite values it is 0…1.
Range robust_range(std::span<const float> values, double share);

}  // namespace ptychoflow::image
