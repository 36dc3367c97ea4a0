// Takes a rank's frames as they come, in blocks of any size, and keeps what the iteration needs of them.
#pragma once

#include <future>
#include <memory>
#include <vector>

#include "core/ptycho/problem.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::ptycho_dm {

/// A store in either precision.
class AnyFrameStore {
 public:
  virtual ~AnyFrameStore() = default;

  /// [y][x], 0 where measured; holds for the frames that come after.
  virtual void set_mask(View<const std::uint8_t, 2> mask) = 0;

  /// Takes `frames` out of the packet, and adds them and its `frame_index` and `positions_m`, once the packet before is
  /// converted.
  /// @throws Error (data) for a count that is negative or not a number, unless `negative_is_masked`
  virtual void add(stage::Packet& packet) = 0;
};

/// Frames of one scan on one rank. Counts become magnitudes on a thread of the store's own, while the caller sees to
/// the next packet; the frames themselves are not kept. An error that this thread meets is thrown by the next call.
template <class T>
class FrameStore final : public AnyFrameStore {
 public:
  using Magnitudes = typename ptycho::Problem<T>::Magnitudes;

  /// `expected` frames will come to this rank, if that is known; 0 otherwise. Magnitudes go to `memory` (null: the
  /// processor's) as they are made.
  FrameStore(ptycho::Yx<Index> frame, Index expected, device::Memory* memory);

  void set_mask(View<const std::uint8_t, 2> mask) override;
  void add(stage::Packet& packet) override;

  /// Waits until all frames are converted and all magnitudes in their memory.
  void finish();

  /// Gives the magnitudes away, once they are all there.
  std::shared_ptr<const Magnitudes> take_magnitudes();

  device::Memory* memory() const { return memory_; }

  // These hold once `finish` has returned.
  std::shared_ptr<const Magnitudes> magnitudes() const { return magnitudes_; }
  const std::vector<std::int64_t>& frame_index() const { return frame_index_; }
  const std::vector<double>& positions_m() const { return positions_m_; }  ///< y, x, y, x, …
  View<const double, 2> summed_counts() const { return summed_counts_; }   ///< [y][x], zero frequency at n/2
  View<const std::uint8_t, 2> mask() const { return mask_; }
  /// The most that packets held at a time: one that is converted and the next.
  std::size_t frames_in_flight_bytes() const { return frames_in_flight_bytes_; }

 private:
  Index size() const { return static_cast<Index>(frame_index_.size()); }
  void wait();
  void make_room(Index frames);
  void copy_over(Magnitudes& larger);
  void convert(Index first, bool negative_is_masked);

  ptycho::Yx<Index> frame_;
  device::Memory* memory_;
  std::shared_ptr<Magnitudes> magnitudes_;
  std::unique_ptr<device::Upload> upload_;  ///< null if `memory_` is
  device::Array<T, 2> frame_on_host_;       ///< on its way from or to `memory_`
  std::vector<std::int64_t> frame_index_;
  std::vector<double> positions_m_;
  device::Array<double, 2> summed_counts_;
  device::Array<std::uint8_t, 2> mask_;
  std::size_t last_packet_bytes_ = 0, frames_in_flight_bytes_ = 0;
  stage::Tensor frames_;         ///< that are being converted
  std::future<void> converted_;  ///< last, so that its thread has ended before what it uses is destroyed
};

}  // namespace ptychoflow::ptycho_dm
