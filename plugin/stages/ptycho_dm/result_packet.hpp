// A reconstruction's result as tensors and metadata; names as in docs/STREAM.md.
#pragma once

#include "core/ptycho/reconstruction.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::ptycho_dm {

/// @param positions_m  in scan order
template <class T>
void fill_packet(stage::Packet& packet, const ptycho::Result<T>& result, const ptycho::Layout& layout,
                 const std::vector<ptycho::Yx<double>>& positions_m);

/// Declares what fill_packet sets.
void declare_result(stage::Description& output, const char* complex_type, Index probe_modes_or_0, Index object_modes,
                    ptycho::Yx<Index> frame, const stage::Json& frame_count);

}  // namespace ptychoflow::ptycho_dm
