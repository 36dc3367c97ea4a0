#include "plugin/stages/ptycho_dm/frame_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/device/on_host.hpp"

namespace ptychoflow::ptycho_dm {

template <class T>
FrameStore<T>::FrameStore(ptycho::Yx<Index> frame, Index expected)
    : frame_(frame), summed_counts_({frame.y, frame.x}), mask_({frame.y, frame.x}) {
  make_room(std::max<Index>(expected, 1));
}

template <class T>
void FrameStore<T>::set_mask(View<const std::uint8_t, 2> mask) {
  if (mask.extents() != mask_.extents()) {
    throw Error(ErrorCode::data, fmt::format("the mask has {}×{} px, the frames {}×{}", mask.extent(0), mask.extent(1),
                                             frame_.y, frame_.x));
  }
  std::copy(mask.begin(), mask.end(), mask_.begin());
}

template <class T>
std::shared_ptr<const typename ptycho::Problem<T>::Magnitudes> FrameStore<T>::take_magnitudes(device::Memory* memory) {
  auto taken = std::exchange(magnitudes_, nullptr);
  if (taken) *taken = device::moved_to(memory, std::move(*taken));
  return taken;
}

template <class T>
void FrameStore<T>::make_room(Index frames) {
  using Magnitudes = typename ptycho::Problem<T>::Magnitudes;
  if (magnitudes_ && magnitudes_->extent(0) >= frames) return;
  auto larger = std::make_shared<Magnitudes>(Magnitudes::uninitialized({frames, frame_.y, frame_.x}));
  if (magnitudes_) std::copy_n(magnitudes_->begin(), size() * frame_.y * frame_.x, larger->begin());
  magnitudes_ = std::move(larger);
}

template <class T>
void FrameStore<T>::add(const stage::Packet& packet) {
  const stage::Tensor& frames = packet.at("frames");
  const auto index = packet.at("frame_index").view<const std::int64_t, 1>();
  const auto positions = packet.at("positions_m").view<const double, 2>();
  const bool negative_is_masked = packet.metadata.value("negative_is_masked", false);
  const auto shape = frames.shape();
  if (shape.size() != 3 || shape[1] != frame_.y || shape[2] != frame_.x || index.extent(0) != shape[0] ||
      positions.extent(0) != shape[0] || positions.extent(1) != 2) {
    throw Error(ErrorCode::other, "frames, frame_index and positions_m of a packet do not fit together");
  }
  if (size() + shape[0] > magnitudes_->extent(0)) make_room(std::max(size() + Index{shape[0]}, 2 * size()));

  const auto take = [&]<class Count>(Count) {
    if (!frames.holds<Count>()) return false;
    add_frames(frames.view<const Count, 3>(), negative_is_masked);
    return true;
  };
  const bool taken = take(std::uint16_t{}) || take(std::uint32_t{}) || take(std::uint8_t{}) || take(std::int32_t{}) ||
                     take(float{}) || take(double{});
  if (!taken)
    throw Error(ErrorCode::other, "frames of type " + stage::type_name(frames.dtype()) + " are not understood");
  frame_index_.insert(frame_index_.end(), index.begin(), index.end());
  positions_m_.insert(positions_m_.end(), positions.begin(), positions.end());
  const auto bytes = static_cast<std::size_t>(shape[0] * shape[1] * shape[2]) * frames.dtype().bits / 8;
  largest_packet_bytes_ = std::max(largest_packet_bytes_, bytes);
}

template <class T>
template <class Count>
void FrameStore<T>::add_frames(View<const Count, 3> frames, bool negative_is_masked) {
  for (Index f = 0; f < frames.extent(0); ++f) {
    for (Index y = 0; y < frame_.y; ++y) {
      // The zero frequency moves from pixel n/2 to the corner, where transforms have it.
      const Index to_y = (y + frame_.y - frame_.y / 2) % frame_.y;
      T* row = &(*magnitudes_)(size() + f, to_y, 0);
      for (Index x = 0; x < frame_.x; ++x) {
        const Count count = frames(f, y, x);
        const Index to_x = (x + frame_.x - frame_.x / 2) % frame_.x;
        const bool measured = mask_(y, x) == 0 && (!negative_is_masked || count >= Count(0));
        if (!measured) {
          row[to_x] = T(-1);
          continue;
        }
        if (!(count >= Count(0)) || !std::isfinite(static_cast<double>(count))) {
          throw Error(ErrorCode::data,
                      fmt::format("a frame has {} counts at pixel y {}, x {}: mask such pixels", count, y, x));
        }
        row[to_x] = std::sqrt(static_cast<T>(count));
        summed_counts_(y, x) += static_cast<double>(count);
      }
    }
  }
}

template class FrameStore<float>;
template class FrameStore<double>;

}  // namespace ptychoflow::ptycho_dm
