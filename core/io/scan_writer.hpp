// Writes a scan as a CXI 1.6 file that `Scan` and other programs read.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "core/base/view.hpp"
#include "core/io/result_file.hpp"

namespace ptychoflow::io {

/// What is known of a scan before its frames.
struct ScanLayout {
  std::string title;
  std::string frame_type;  ///< "uint16", …
  Index frame_count = 0;
  Extents<2> frame{};  ///< y, x
  double energy_J = 0;
  double distance_m = 0;
  std::array<double, 2> detector_pixel_m{};  ///< y, x
  bool negative_is_masked = false;
  int deflate = default_deflate;  ///< 0 (none) to 9
};

/// A scan file being written, usually at AtomicFile's temporary name. Rows may come in any order and from several
/// processes, one after the other. All calls throw Error (resource) if the disk is full or otherwise refuses.
class ScanWriter {
 public:
  /// Makes the file, with room for all frames and positions.
  static ScanWriter create(const std::filesystem::path& file, const ScanLayout& layout);
  /// Opens one that `create` made and `close` closed, to go on.
  static ScanWriter reopen(const std::filesystem::path& file);
  ~ScanWriter();
  ScanWriter(ScanWriter&&) noexcept;

  /// Frames `first` … of the scan: counts (frame, y, x).
  template <class T>
  void write_frames(Index first, View<const T, 3> frames);

  /// Positions (frame, 2), y, x, of frames `first` … .
  void write_positions(Index first, View<const double, 2> positions_m);

  /// (y, x), 0 where measured, 1 where not.
  void write_mask(View<const std::uint8_t, 2> mask);

  void write_initial_probe(const ModeStack& probe);

  /// What a simulated scan was made from. `offset_px` (frame_count, 2): y, x of each window's first pixel in `object`.
  void write_truth(const ModeStack& object, const ModeStack& probe, View<const std::int32_t, 2> offset_px);

  /// Writes all to the file system and closes. Call it, or the file is not whole.
  void close();

 private:
  struct File;
  explicit ScanWriter(std::unique_ptr<File> file);
  std::unique_ptr<File> file_;
};

}  // namespace ptychoflow::io
