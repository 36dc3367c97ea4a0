// The parameters of load as plain values; what each means is in schemas/stages/load.json.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "core/base/view.hpp"
#include "core/io/detector_window.hpp"
#include "core/io/scan_format.hpp"
#include "core/io/scan_list.hpp"
#include "core/ptycho/distribution.hpp"

namespace ptychoflow::load {

enum class Dark { none, from_file };

/// Of a scan that is still running.
struct Follow {
  std::optional<Index> frames;  ///< that make it complete
  double timeout_s = 60;        ///< after which no more will come
};

struct Parameters {
  std::vector<io::ScanFile> scans;       ///< at least one
  std::optional<io::ScanFormat> format;  ///< none: what the files say
  std::string links_within;              ///< folder; empty: anywhere
  std::size_t left_out = 0;              ///< scans that are done already
  std::optional<Follow> follow;
  Index first = 0;
  std::optional<Index> last;  ///< included
  Index step = 1;
  std::optional<Extents<2>> frame_size;
  std::optional<Extents<2>> center;  ///< none: automatic
  io::Padding padding = io::Padding::refuse;
  std::string positions_file;     ///< empty: the scan's own
  std::string positions_dataset;  ///< in it, if it is HDF5
  bool find_orientation = false;  ///< swap and flips are to be found out
  bool swap_xy = false;
  bool flip_x = false;
  bool flip_y = false;
  double scale = 1;
  std::optional<double> saturation;
  Dark dark = Dark::none;
  Index block_frames = 32;
  std::optional<ptycho::Sharing> sharing;  ///< none: whichever makes ranks exchange less
  std::optional<double> energy_keV;
  std::optional<double> distance_m;
  std::optional<std::array<double, 2>> detector_pixel_m;  ///< y, x
};

/// `params` has passed the schema. @throws Error (usage) for values that contradict each other
Parameters read_parameters(const nlohmann::json& params);

}  // namespace ptychoflow::load
