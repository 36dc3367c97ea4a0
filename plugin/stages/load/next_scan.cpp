#include "plugin/stages/load/next_scan.hpp"

#include <algorithm>
#include <span>

namespace ptychoflow::load {
namespace {

ScanInHand read_ahead(const std::stop_token& stop, const NextScan::Open& open, const NextScan::Send& send,
                      std::size_t block_frames) {
  ScanInHand next = open();
  while (next.ahead < next.share.size() && !stop.stop_requested()) {
    const std::size_t count = std::min(block_frames, next.share.size() - next.ahead);
    stage::Packet packet = next.scan->packet(std::span(next.share).subspan(next.ahead, count), next.ahead == 0);
    packet.metadata = next.stream.metadata;
    if (!send(packet)) break;
    next.ahead += count;
  }
  return next;
}

}  // namespace

NextScan::NextScan(std::size_t number, const Open& open, const Send& send, Index block_frames)
    : number_(number),
      scan_(std::async(std::launch::async, read_ahead, stop_.get_token(), open, send,
                       static_cast<std::size_t>(block_frames))) {}

ScanInHand NextScan::take() {
  stop_.request_stop();
  return scan_.get();
}

}  // namespace ptychoflow::load
