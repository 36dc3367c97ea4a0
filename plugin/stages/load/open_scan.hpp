// A scan whose file is open: what is the same for all its packets, and what goes into each.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/device/thread_pool.hpp"
#include "core/io/position_table.hpp"
#include "core/io/scan.hpp"
#include "core/io/scan_checks.hpp"
#include "core/ptycho/orientation.hpp"
#include "plugin/api/stage.hpp"
#include "plugin/stages/load/follower.hpp"
#include "plugin/stages/load/frame_reader.hpp"
#include "plugin/stages/load/parameters.hpp"

namespace ptychoflow::load {

/// Where the parameters name a file for them.
std::optional<io::PositionTable> table_of_positions(const Parameters& params);

/// Frames of the scan that is being written, as far as they have positions.
/// @throws Error (data) if it cannot be read now
Found find_frames(const Parameters& params);

class OpenScan {
 public:
  struct Place {
    int rank = 0, rank_count = 1;
  };
  using Say = std::function<void(const std::string&)>;

  /// Opens the file and finds its window. `params` must outlive it; what may change in them is the orientation.
  /// @param info, warn  take what the user should know
  /// @throws Error (data or usage)
  OpenScan(const Parameters& params, const io::ScanFile& file, Place place, const Say& info, const Say& warn);
  OpenScan(const OpenScan&) = delete;
  OpenScan& operator=(const OpenScan&) = delete;

  /// Where the views are, by the present orientation.
  void place_views();

  /// Tries the eight orientations; see settle_orientation.
  std::vector<ptycho::OrientationTrial> try_orientations(device::ThreadPool& threads);

  /// Decides which of the selected frames this rank reads: their numbers, rising.
  std::vector<Index> share_out();

  /// The stream that it gives.
  stage::Description describe() const;

  /// Some of the selected frames, with what else they need; the first packet has what there is once a scan.
  stage::Packet packet(std::span<const Index> numbers, bool is_first);

  /// The same for frames that the next stage has already.
  stage::Packet packet_without_frames(std::span<const Index> numbers, bool is_first) const;

  /// @param read  all that this rank has read
  /// @throws Error (data) if nothing that was read was above 0
  void require_light(std::span<const Index> read) const;

  const io::ScanHeader& header() const { return header_; }

  // Of a scan that is being written. HDF5 sees nothing new in a file that it has open.
  void close() { scan_.reset(); }
  void open_again(Index frames);

 private:
  void select_frames();
  void add_places(stage::Packet& packet, std::span<const Index> numbers) const;
  void add_once(stage::Packet& packet) const;
  Index in_file(Index selected) const { return params_.first + selected * params_.step; }

  const Parameters& params_;
  const io::ScanFile& file_;
  Place place_;
  std::optional<io::Scan> scan_;
  io::ScanHeader header_;
  std::optional<FrameReader> reader_;
  io::ScanGeometry geometry_;
  std::vector<std::array<double, 2>> positions_;  ///< y, x, of the selected frames
  bool pass_probe_ = false, pass_truth_ = false;
  Index frame_count_ = 0;               ///< selected, on all ranks
  std::optional<Index> share_;          ///< frames of this rank, once that is known
  std::array<Index, 2> object_here_{};  ///< pixels y, x of the object that they touch
};

}  // namespace ptychoflow::load
