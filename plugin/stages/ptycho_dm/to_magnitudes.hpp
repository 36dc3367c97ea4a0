// What happens to every pixel that is read: counts become magnitudes, and add up to the mean frame.
#pragma once

#include <cstdint>

#include "core/base/view.hpp"
#include "plugin/api/tensor.hpp"

namespace ptychoflow::ptycho_dm {

/// Converts one frame of a packet. All are [y][x] but for
/// @param frames      counts: [frame][y][x], zero frequency at pixel n/2, of a type in core/io/frame_types.hpp
/// @param f           which of them
/// @param mask        0 where measured
/// @param negative_is_masked  a negative count was not measured either
/// @param magnitudes  is set to √count with the zero frequency in the corner, -1 where nothing was measured
/// @param sum         the measured counts are added to it, to a millionth: the sum does not depend on the order of
/// frames
/// @throws Error (data) for a measured count that is negative, infinite or not a number
template <class T>
void to_magnitudes(const stage::Tensor& frames, Index f, View<const std::uint8_t, 2> mask, bool negative_is_masked,
                   View<T, 2> magnitudes, View<double, 2> sum);

}  // namespace ptychoflow::ptycho_dm
