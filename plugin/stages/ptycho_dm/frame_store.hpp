// Takes a rank's frames as they come, in blocks of any size, and keeps what the iteration needs of them.
#pragma once

#include <memory>
#include <vector>

#include "core/ptycho/problem.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::ptycho_dm {

/// Frames of one scan on one rank. Counts become magnitudes as they arrive; the frames themselves are not kept.
template <class T>
class FrameStore {
 public:
  /// `expected` frames will come to this rank, if that is known; 0 otherwise.
  FrameStore(ptycho::Yx<Index> frame, Index expected);

  /// [y][x], 0 where measured; holds for the frames that come after.
  void set_mask(View<const std::uint8_t, 2> mask);

  /// Adds the packet's `frames`, `frame_index` and `positions_m`.
  /// @throws Error (data) for a count that is negative or not a number, unless `negative_is_masked`
  void add(const stage::Packet& packet);

  Index size() const { return static_cast<Index>(frame_index_.size()); }
  /// Gives the magnitudes away, in `memory` (null: the processor's).
  std::shared_ptr<const typename ptycho::Problem<T>::Magnitudes> take_magnitudes(device::Memory* memory);
  const std::vector<std::int64_t>& frame_index() const { return frame_index_; }
  const std::vector<double>& positions_m() const { return positions_m_; }  ///< y, x, y, x, …
  View<const double, 2> summed_counts() const { return summed_counts_; }   ///< [y][x], zero frequency at n/2
  View<const std::uint8_t, 2> mask() const { return mask_; }
  std::size_t largest_packet_bytes() const { return largest_packet_bytes_; }

 private:
  template <class Count>
  void add_frames(View<const Count, 3> frames, bool negative_is_masked);
  void make_room(Index frames);

  ptycho::Yx<Index> frame_;
  std::shared_ptr<typename ptycho::Problem<T>::Magnitudes> magnitudes_;
  std::vector<std::int64_t> frame_index_;
  std::vector<double> positions_m_;
  device::Array<double, 2> summed_counts_;
  device::Array<std::uint8_t, 2> mask_;
  std::size_t largest_packet_bytes_ = 0;
};

}  // namespace ptychoflow::ptycho_dm
