// Frames of the next scan, which come while this one is iterated on.
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "plugin/stages/ptycho_dm/frame_store.hpp"

namespace ptychoflow::ptycho_dm {

/// Nobody hears of a fault until the scan has its turn: it is kept until then.
class EarlyFrames {
 public:
  EarlyFrames(std::string scan, std::unique_ptr<AnyFrameStore> frames)
      : scan_(std::move(scan)), frames_(std::move(frames)) {}

  const std::string& scan() const { return scan_; }

  /// Takes the frames out of a packet, unless there is a fault.
  void take(stage::Packet& packet) noexcept {
    if (fault_) return;
    try {
      if (packet.has("mask")) frames_->set_mask(packet.at("mask").view<const std::uint8_t, 2>());
      frames_->add(packet);
    } catch (...) {
      fault_ = std::current_exception();
    }
  }

  /// Gives away what was taken. @throws what is wrong with it
  std::unique_ptr<AnyFrameStore> give() {
    if (fault_) std::rethrow_exception(fault_);
    return std::move(frames_);
  }

 private:
  std::string scan_;
  std::unique_ptr<AnyFrameStore> frames_;
  std::exception_ptr fault_;
};

}  // namespace ptychoflow::ptycho_dm
