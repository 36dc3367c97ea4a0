// What a format says of its file. Each has a file of its own, format_*.cpp; scan.cpp does what they have in common.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/io/hdf5.hpp"
#include "core/io/scan.hpp"

namespace ptychoflow::io {

/// A dataset of frames (frame, y, x), or of a raster of them (row, column, y, x), and which frames of the scan they
/// are.
struct FramePart {
  Dataset data;
  Index first = 0;
  Index count = 0;
};

struct ScanContent {
  ScanHeader header;
  std::vector<FramePart> parts;  ///< in the order of the frames

  /// Frames are roots of counts, with the centre in the corner, turned and mirrored (format_hxn.cpp).
  bool hxn_amplitudes = false;

  std::function<device::Array<std::uint8_t, 2>()> mask;  ///< empty: all pixels are measured
  std::function<std::vector<double>()> dark;             ///< one frame or several; empty: none
  std::string probe_path, truth_path;                    ///< of a starting probe; of the group of a simulation's truth
};

// @throws Error (data) as Scan does
ScanContent read_cxi(const InputFile& file);
ScanContent read_nexus(const InputFile& file);
ScanContent read_hxn(const InputFile& file);
ScanContent read_ptyd(const InputFile& file);
ScanContent read_eiger(const InputFile& file);

// What formats share.

/// The first of `paths` that there is. @throws Error (data) listing them all
std::string find_dataset(const InputFile& file, const std::vector<std::string>& paths, const char* what);

/// The number at `path`, if there is one, times what its attribute `units` (m, mm, um, J, eV, keV, …) stands for in SI
/// units. @throws Error (data) if it is no number, or its unit is not known
std::optional<double> find_number(const InputFile& file, const std::string& path);

/// Makes the dataset the scan's next part, and its frames count. @throws Error (data) if it holds no frames, or others
/// than the parts before it
void add_frames(ScanContent& content, Dataset data);

/// Positions of all frames, of (N, 2 or 3) or the other way round, x first. @throws Error (data) unless there is one
/// for each frame
void set_translation(ScanHeader& header, const Dataset& data);

/// x and y of all frames in datasets of their own, times `scale`. @throws Error (data) as above
void set_translation(ScanHeader& header, const Dataset& x, const Dataset& y, double scale_x, double scale_y);

/// A mask of the frames' shape, where pixels for which `bad` holds are not measured. @throws Error (data) if it has
/// another shape
void set_mask(ScanContent& content, const Dataset& data, const std::function<bool(std::int64_t)>& bad);

/// Dark frames. @throws Error (data) if they have another shape than frames
void set_dark(ScanContent& content, const Dataset& data);

/// Extents of a stack of modes; a lone (y, x) is one mode. @throws Error (data) for another rank or type
Extents<3> mode_extents(const Dataset& data);

}  // namespace ptychoflow::io
