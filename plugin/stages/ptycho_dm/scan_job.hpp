// One scan in one precision: its frames as they come, then its reconstruction.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/comm/communicator.hpp"
#include "core/ptycho/engine.hpp"
#include "core/ptycho/gpu.hpp"
#include "core/ptycho/memory_plan.hpp"
#include "core/ptycho/reconstruction.hpp"
#include "plugin/api/stage.hpp"
#include "plugin/stages/ptycho_dm/frame_store.hpp"
#include "plugin/stages/ptycho_dm/parameters.hpp"

namespace ptychoflow::ptycho_dm {

/// What the job needs of its stage.
struct Services {
  comm::Communicator ranks;
  int threads = 1;
  ptycho::Gpu* gpu = nullptr;             ///< null: compute on the CPU
  std::unique_ptr<AnyFrameStore> frames;  ///< in the precision of the parameters, with those that have come already
  ptycho::MemoryPlan plan;                ///< of a rank that computes on the CPU
  device::Scratch* scratch = nullptr;
  std::function<void(const std::string&)> info;
  std::function<void(const std::string&)> warn;
  std::function<void(Index done, Index total, const std::string& text)> progress;
  std::function<bool()> should_stop;
};

class ScanJob {
 public:
  virtual ~ScanJob() = default;

  /// Takes a packet's frames, unless they have come already, and mask and starting probe if it has them.
  virtual void add(stage::Packet& packet) = 0;

  /// While frames are still coming (`live`): iterates on the views that are there, once they are enough. Returns
  /// whether the packet, which has the scan's metadata, holds a preview now. Collective.
  virtual bool advance(stage::Packet& packet) = 0;

  /// Once all frames are here: sets the result's tensors and metadata, and figures for the report. Collective.
  virtual void reconstruct(stage::Packet& result, stage::Json& figures) = 0;

  /// Once the result is safe: removes what was kept in case it never came. Collective.
  virtual void clean_up() = 0;
};

/// @param frame  pixels of a frame
std::unique_ptr<ScanJob> make_scan_job(const Parameters& parameters, ptycho::Yx<Index> frame, Services services);

}  // namespace ptychoflow::ptycho_dm
