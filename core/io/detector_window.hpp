// Which part of each detector frame is reconstructed, and where it lies when it runs over the frame's edge.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "core/base/view.hpp"
#include "core/io/scan.hpp"

namespace ptychoflow::io {

enum class Padding { refuse, allow };

/// An output frame of size `size` whose pixel n/2, the zero frequency, is pixel `center` of the stored frame.
struct DetectorWindow {
  FrameWindow stored;  ///< the part that the stored frame has
  Extents<2> size{};   ///< of the output, y, x
  Extents<2> at{};     ///< where `stored` begins in the output

  bool padded() const { return stored.extent != size; }
};

/// @param source names the scan in messages
/// @throws Error (usage) if the window does not fit the frame and padding is refused, or does not touch it at all
DetectorWindow place_window(Extents<2> frame, Extents<2> size, Extents<2> center, Padding padding,
                            const std::string& source);

/// Nearest pixel (y, x) to the centre of mass of `mean` over the pixels of `mask` that are 0; none if there is no
/// light.
std::optional<Extents<2>> center_of_mass(View<const double, 2> mean, View<const std::uint8_t, 2> mask);

}  // namespace ptychoflow::io
