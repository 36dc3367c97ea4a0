// The result file: what a reconstruction ends in, one HDF5 file a scan, laid out for CXI readers.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/complex.hpp"
#include "core/base/view.hpp"
#include "core/io/atomic_file.hpp"

namespace ptychoflow::io {

/// Level of gzip where nothing else is said.
inline constexpr int default_deflate = 4;

/// `[mode][y][x]`, in the precision it was computed with.
using ModeStack = std::variant<View<const Complex<float>, 3>, View<const Complex<double>, 3>>;

/// An object that comes in rows, so that nobody needs it whole.
struct ObjectRows {
  Extents<3> extents{};  ///< (M_O, H, W)
  bool is_double = false;

  /// Gives rows [first, first + count) of a mode, or of the coverage (mode M_O, float). They are asked for from first
  /// to last, at most `rows_at_a_time` at once: all modes, then the coverage.
  std::function<void(Index mode, Index first, Index count, void* to)> read;
};

/// How many rows of so many bytes are written at once.
Index rows_at_a_time(Index row_bytes);

/// Contents of a result file. Pairs are y, x. Empty views, vectors and texts, and zero numbers, are left out of the
/// file; `object` and `probe` are required.
struct ResultFile {
  std::string title;
  std::string start_time;  ///< ISO 8601, UTC
  std::string end_time;

  ModeStack object;                             ///< (M_O, H, W)
  std::array<double, 2> object_pixel_size_m{};  ///< always written
  std::array<double, 2> object_origin_m{};      ///< scan coordinate of pixel [0][0]; always written
  View<const float, 2> object_coverage;         ///< (H, W), light that each pixel got, relative to its maximum
  std::optional<ObjectRows> object_rows;        ///< in place of these two

  ModeStack probe;                             ///< (M_P, ny, nx), orthogonal modes by falling occupancy
  std::array<double, 2> probe_pixel_size_m{};  ///< always written
  std::vector<double> probe_occupancy;         ///< (M_P)

  View<const std::int32_t, 2> view_offset_px;  ///< (N, 2), first pixel of each window in `object`
  View<const double, 2> view_position_m;       ///< (N, 2)

  std::optional<double> rotation_deg;  ///< of the sample, if it is known
  double energy_J = 0;
  double distance_m = 0;
  std::array<double, 2> detector_pixel_m{};

  struct Process {
    std::string program;
    std::string version;
    std::string command;
    std::string backend;
    std::int64_t ranks = 0;
    std::int64_t threads = 0;
    std::string pipeline;  ///< the resolved pipeline, JSON
  } process;

  struct History {
    std::vector<std::int64_t> iteration;   ///< (I), from 1
    View<const double, 2> object_change;   ///< (I, M_O)
    View<const double, 2> probe_change;    ///< (I, M_P)
    std::vector<double> exit_wave_change;  ///< (I)
    std::vector<double> fourier_error;     ///< (I)
    std::vector<double> seconds;           ///< (I)
  } history;

  /// Keeps alive what the views of a result that was read point to; empty in one that is to be written.
  std::shared_ptr<const void> storage;
};

/// Writes `result` to `file` by way of a temporary name.
/// @throws Error (usage, resource) as AtomicFile does; (resource) if the disk is full
void write_result(const std::filesystem::path& file, const ResultFile& result, Overwrite overwrite);

/// Reads a result file back, of this program or of another version of it; what the file lacks stays empty.
/// @throws Error (data) if it is missing, damaged or not a result file
ResultFile read_result(const std::filesystem::path& file);

/// What a result file holds, without its values.
struct ResultKinds {
  bool object_is_double = false;  ///< complex128 in place of complex64
  bool probe_is_double = false;
  bool has_coverage = false;
};

/// @throws Error (data) as `read_result` does
ResultKinds read_result_kinds(const std::filesystem::path& file);

}  // namespace ptychoflow::io
