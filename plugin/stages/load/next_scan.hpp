// The scan after the one that later stages work on, read before its turn.
#pragma once

#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <stop_token>
#include <vector>

#include "plugin/stages/load/open_scan.hpp"

namespace ptychoflow::load {

/// A scan that is open, and this rank's part of it.
struct ScanInHand {
  std::unique_ptr<OpenScan> scan;
  stage::Description stream;
  std::vector<Index> share;  ///< this rank's frames; of a scan that is still running, those that it has read
  std::size_t ahead = 0;     ///< so many of them, from the first on, the next stage has
};

/// Opens a scan and sends its packets ahead, on a thread of its own.
class NextScan {
 public:
  using Open = std::function<ScanInHand()>;
  /// Returns whether the frames were taken. Once they are not, nothing more is read.
  using Send = std::function<bool(stage::Packet&)>;

  /// @param number  of the scan
  NextScan(std::size_t number, const Open& open, const Send& send, Index block_frames);

  /// Stops after the packet that is being read.
  ~NextScan() { stop_.request_stop(); }
  NextScan(const NextScan&) = delete;
  NextScan& operator=(const NextScan&) = delete;

  std::size_t number() const { return number_; }

  /// Stops likewise and gives the scan away, once. @throws Error as opening and reading it did
  ScanInHand take();

 private:
  std::size_t number_;
  std::stop_source stop_;
  std::future<ScanInHand> scan_;  ///< last: its end waits for the thread
};

}  // namespace ptychoflow::load
