#include "plugin/stages/ptycho_dm/frame_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "plugin/stages/ptycho_dm/to_magnitudes.hpp"

namespace ptychoflow::ptycho_dm {

template <class T>
FrameStore<T>::FrameStore(ptycho::Yx<Index> frame, Index expected, device::Memory* memory)
    : frame_(frame), memory_(memory), summed_counts_({frame.y, frame.x}), mask_({frame.y, frame.x}) {
  if (memory) {
    upload_ = memory->upload();
    frame_on_host_ = device::Array<T, 2>::uninitialized({frame.y, frame.x});
  }
  make_room(std::max<Index>(expected, 1));
}

template <class T>
void FrameStore<T>::set_mask(View<const std::uint8_t, 2> mask) {
  wait();
  if (mask.extents() != mask_.extents()) {
    throw Error(ErrorCode::data, fmt::format("the mask has {}×{} px, the frames {}×{}", mask.extent(0), mask.extent(1),
                                             frame_.y, frame_.x));
  }
  std::copy(mask.begin(), mask.end(), mask_.begin());
}

template <class T>
void FrameStore<T>::add(stage::Packet& packet) {
  wait();
  const auto shape = packet.at("frames").shape();
  const auto index = packet.at("frame_index").view<const std::int64_t, 1>();
  const auto positions = packet.at("positions_m").view<const double, 2>();
  if (shape.size() != 3 || shape[1] != frame_.y || shape[2] != frame_.x || index.extent(0) != shape[0] ||
      positions.extent(0) != shape[0] || positions.extent(1) != 2) {
    throw Error(ErrorCode::other, "frames, frame_index and positions_m of a packet do not fit together");
  }
  if (index.extent(0) == 0) return;
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
void FrameStore<T>::wait() {
  if (converted_.valid()) converted_.get();
  frames_ = {};
}

template <class T>
void FrameStore<T>::finish() {
  wait();
  if (upload_) upload_->finish();
}

template <class T>
std::shared_ptr<const typename FrameStore<T>::Magnitudes> FrameStore<T>::take_magnitudes() {
  finish();
  return std::move(magnitudes_);
}

template <class T>
void FrameStore<T>::make_room(Index frames) {
  auto larger = std::make_shared<Magnitudes>(Magnitudes::uninitialized({frames, frame_.y, frame_.x}, memory_));
  if (magnitudes_) copy_over(*larger);
  magnitudes_ = std::move(larger);
}

/// Through the processor's memory frame by frame: few scans do not say how many frames they have.
template <class T>
void FrameStore<T>::copy_over(Magnitudes& larger) {
  if (!memory_) {
    std::copy_n(magnitudes_->begin(), size() * frame_.y * frame_.x, larger.begin());
    return;
  }
  upload_->finish();
  for (Index f = 0; f < size(); ++f) {
    memory_->copy_out(frame_on_host_.data(), (*magnitudes_)[f].data(), frame_on_host_.bytes());
    upload_->copy_in(larger[f].data(), frame_on_host_.data(), frame_on_host_.bytes());
  }
}

template <class T>
void FrameStore<T>::convert(Index first, bool negative_is_masked) {
  for (Index f = 0; f < frames_.shape()[0]; ++f) {
    const View<T, 2> place = magnitudes_->view()[first + f];
    to_magnitudes(frames_, f, std::as_const(mask_).view(), negative_is_masked, upload_ ? frame_on_host_.view() : place,
                  summed_counts_.view());
    if (upload_) upload_->copy_in(place.data(), frame_on_host_.data(), frame_on_host_.bytes());
  }
}

template class FrameStore<float>;
template class FrameStore<double>;

}  // namespace ptychoflow::ptycho_dm
