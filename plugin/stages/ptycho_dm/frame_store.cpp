#include "plugin/stages/ptycho_dm/frame_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/device/on_host.hpp"
#include "plugin/stages/ptycho_dm/to_magnitudes.hpp"

namespace ptychoflow::ptycho_dm {

template <class T>
FrameStore<T>::FrameStore(ptycho::Yx<Index> frame, Index expected)
    : frame_(frame), summed_counts_({frame.y, frame.x}), mask_({frame.y, frame.x}) {
  make_room(std::max<Index>(expected, 1));
}

template <class T>
void FrameStore<T>::set_mask(View<const std::uint8_t, 2> mask) {
  finish();
  if (mask.extents() != mask_.extents()) {
    throw Error(ErrorCode::data, fmt::format("the mask has {}×{} px, the frames {}×{}", mask.extent(0), mask.extent(1),
                                             frame_.y, frame_.x));
  }
  std::copy(mask.begin(), mask.end(), mask_.begin());
}

template <class T>
void FrameStore<T>::add(stage::Packet& packet) {
  finish();
  const auto shape = packet.at("frames").shape();
  const auto index = packet.at("frame_index").view<const std::int64_t, 1>();
  const auto positions = packet.at("positions_m").view<const double, 2>();
  if (shape.size() != 3 || shape[1] != frame_.y || shape[2] != frame_.x || index.extent(0) != shape[0] ||
      positions.extent(0) != shape[0] || positions.extent(1) != 2) {
    throw Error(ErrorCode::other, "frames, frame_index and positions_m of a packet do not fit together");
  }
  const Index first = size(), after = first + index.extent(0);
  if (after > magnitudes_->extent(0)) make_room(std::max(after, 2 * first));
  frame_index_.insert(frame_index_.end(), index.begin(), index.end());
  positions_m_.insert(positions_m_.end(), positions.begin(), positions.end());

  frames_ = packet.take("frames");
  const auto bytes = static_cast<std::size_t>(shape[0] * shape[1] * shape[2]) * frames_.dtype().bits / 8;
  frames_in_flight_bytes_ = std::max(frames_in_flight_bytes_, last_packet_bytes_ + bytes);
  last_packet_bytes_ = bytes;
  const bool negative_is_masked = packet.metadata.value("negative_is_masked", false);
  converted_ = std::async(std::launch::async, [=, this] { convert(first, negative_is_masked); });
}

template <class T>
void FrameStore<T>::finish() {
  if (converted_.valid()) converted_.get();
  frames_ = {};
}

template <class T>
std::shared_ptr<const typename FrameStore<T>::Magnitudes> FrameStore<T>::take_magnitudes(device::Memory* memory) {
  finish();
  auto taken = std::exchange(magnitudes_, nullptr);
  if (taken) *taken = device::moved_to(memory, std::move(*taken));
  return taken;
}

template <class T>
void FrameStore<T>::make_room(Index frames) {
  auto larger = std::make_shared<Magnitudes>(Magnitudes::uninitialized({frames, frame_.y, frame_.x}));
  if (magnitudes_) std::copy_n(magnitudes_->begin(), size() * frame_.y * frame_.x, larger->begin());
  magnitudes_ = std::move(larger);
}

template <class T>
void FrameStore<T>::convert(Index first, bool negative_is_masked) {
  for (Index f = 0; f < frames_.shape()[0]; ++f) {
    to_magnitudes(frames_, f, std::as_const(mask_).view(), negative_is_masked, magnitudes_->view()[first + f],
                  summed_counts_.view());
  }
}

template class FrameStore<float>;
template class FrameStore<double>;

}  // namespace ptychoflow::ptycho_dm
