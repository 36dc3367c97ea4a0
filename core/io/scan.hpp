// A scan in a file, whatever its format.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/complex.hpp"
#include "core/base/view.hpp"
#include "core/device/array.hpp"
#include "core/io/opening.hpp"
#include "core/io/scan_format.hpp"

namespace ptychoflow::io {

/// What a file says about its scan, without the frames.
struct ScanHeader {
  ScanFormat format{};
  std::string file;
  std::string frames_path;
  Index frame_count = 0;
  Extents<2> frame_shape{};         ///< y, x
  std::string frame_type;           ///< "uint16", "float32", …
  bool is_growing = false;          ///< more frames may come: only if the file was opened for that
  bool negative_is_masked = false;  ///< negative counts mark pixels that were not measured in that frame

  std::string translation_path;                      ///< empty: the file has no positions
  std::vector<std::array<double, 2>> translation_m;  ///< one a frame, x, y

  // Empty if the file does not say; as stored, not judged.
  std::optional<double> energy_J;    ///< photon energy, of `energy`, else of `wavelength`
  std::optional<double> distance_m;  ///< sample to detector
  std::optional<double> pixel_y_m;   ///< of the detector; one given stands for both
  std::optional<double> pixel_x_m;

  bool has_dark = false;
  Extents<3> initial_probe{};      ///< mode, y, x; 0 if there is none
  std::string initial_probe_type;  ///< complex64 or complex128

  /// What a simulated scan was made from; all three or nothing.
  bool has_truth = false;
  Extents<3> truth_object{};
  Extents<3> truth_probe{};
  std::string truth_object_type;
  std::string truth_probe_type;
};

/// Pixels [y, y + extent) of a frame, all within it.
struct FrameWindow {
  Index y = 0;
  Index x = 0;
  Extents<2> extent{};
};

/// Modes in the precision of the file.
using StoredModes = std::variant<device::Array<Complex<float>, 3>, device::Array<Complex<double>, 3>>;

/// Whether a scan can be read on one thread while another reads or writes other files: not every HDF5 is built for it.
bool can_read_beside_others();

/// A scan's file open for reading. Plain and read-only, so every rank opens its own.
class Scan {
 public:
  /// Opens the file and reads all but frames, mask and modes.
  /// @param format  none: what the file itself says
  /// @param opening  of a file that may be growing, as many frames count as have positions, and the other way round
  /// @throws Error (data) if the file is missing, not HDF5, truncated, or not of the format or of any, if a dataset is
  ///         missing or of the wrong rank or type, or if frames and positions differ in number
  explicit Scan(const std::filesystem::path& path, std::optional<ScanFormat> format = {}, const Opening& opening = {});
  ~Scan();
  Scan(Scan&&) noexcept;

  const ScanHeader& header() const;

  /// Frames first, first + step, …, `count` of them, cut to `window`, as T into `out` (count, window y, window x).
  /// @throws Error (data) if the file is damaged, (resource) if a compression plugin is missing
  template <class T>
  void read_frames(Index first, Index count, Index step, const FrameWindow& window, T* out) const;

  /// (y, x): 0 where measured, 1 where not. All 0 if the file does not say.
  device::Array<std::uint8_t, 2> mask() const;

  /// (y, x): the dark frame, averaged if there are several.
  device::Array<double, 2> dark() const;

  StoredModes initial_probe() const;
  StoredModes truth_object() const;
  StoredModes truth_probe() const;

  /// (frame_count, 2): y, x of each window's first pixel in the true object.
  device::Array<std::int32_t, 2> truth_offset_px() const;

 private:
  struct File;
  std::unique_ptr<File> file_;
};

}  // namespace ptychoflow::io
