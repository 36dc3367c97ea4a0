// A reconstruction's result as tensors and metadata; names as in docs/STREAM.md.
#pragma once

#include <optional>
#include <vector>

#include "core/ptycho/reconstruction.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::ptycho_dm {

/// @param result       whose object and coverage are taken
/// @param positions_m  in scan order
/// @param rows         of the object on this rank, if the root does not have it whole
template <class T>
void fill_packet(stage::Packet& packet, ptycho::Result<T>& result, const ptycho::Layout& layout,
                 const std::vector<ptycho::Yx<double>>& positions_m, std::optional<device::Share> rows = std::nullopt);

/// Declares what fill_packet sets.
void declare_result(stage::Description& output, const char* complex_type, Index probe_modes_or_0, Index object_modes,
                    ptycho::Yx<Index> frame, const stage::Json& frame_count, bool object_is_whole);

}  // namespace ptychoflow::ptycho_dm
