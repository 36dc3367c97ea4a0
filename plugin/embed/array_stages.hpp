// Stages at both ends of a pipeline that another program runs on its arrays: frames in its memory go in as they lie
// there, and what comes out at the end is kept for it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "plugin/api/stage.hpp"

namespace ptychoflow::embed {

/// An array of the caller's, row-major, which outlives the run.
struct LentArray {
  void* data = nullptr;
  DLDataType type{};
  std::vector<std::int64_t> shape;
};

/// What stage `arrays` sends, in blocks: docs/STREAM.md has the names, units and types. Of several ranks each sends its
/// own part of the frames.
struct Scan {
  LentArray frames;                              ///< [frame][y][x]
  LentArray positions_m;                         ///< [frame][y, x], float64
  std::optional<LentArray> mask, initial_probe;  ///< [y][x], uint8; [mode][y][x], complex
  stage::Json metadata = stage::Json::object();  ///< wavelength_m, distance_m, detector_pixel_m, …
};

/// The scan of the run under way, and what its last packet held. One run at a time.
struct Exchange {
  Scan scan;
  stage::Packet result;
};

/// While it lives, the stages below work with this exchange.
class Exchanging {
 public:
  explicit Exchanging(Exchange& exchange);
  ~Exchanging();
  Exchanging(const Exchanging&) = delete;
  Exchanging& operator=(const Exchanging&) = delete;
};

/// The source, `arrays`, and the sink, `result`.
const ptychoflow_stage_descriptor* arrays_stage();
const ptychoflow_stage_descriptor* result_stage();

}  // namespace ptychoflow::embed
