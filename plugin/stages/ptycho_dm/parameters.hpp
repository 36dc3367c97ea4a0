// The stage's parameters as plain structs. schemas/stages/ptycho_dm.json has already refused what is malformed.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/ptycho/checkpoint.hpp"
#include "core/ptycho/gpu.hpp"
#include "core/ptycho/initial_guess.hpp"
#include "core/ptycho/settings.hpp"

namespace ptychoflow::ptycho_dm {

enum class Precision { single, twofold };
enum class HalfScans { skip, reconstruct };
enum class WholeObject { if_asked_for, always, never };

/// Of a scan that is still running.
struct Live {
  Index start_after = 0;  ///< views
  Index every = 0;        ///< iterations, after which new views are taken in
};

struct Parameters {
  ptycho::Settings settings;
  ptycho::GuessSettings guess;
  bool find_defocus = false;         ///< of a probe from data
  bool probe_given = false;          ///< initial_probe was named
  bool carry_probe = false;          ///< each scan starts from the probe of the one before
  std::optional<Index> probe_modes;  ///< none: auto
  Index object_modes = 1;
  Index max_probe_modes = 8;
  Index trial_iterations = 80;
  Precision precision = Precision::single;
  HalfScans half_scans = HalfScans::skip;
  WholeObject whole_object = WholeObject::if_asked_for;  ///< on the root, at the end
  std::optional<double> probe_support_m;
  ptycho::GpuOptions gpu;
  std::optional<std::uint64_t> host_bytes, device_bytes;  ///< none: what there is
  ptycho::CheckpointSettings checkpoint;                  ///< `every` 0: none
  std::optional<Live> live;
  ptycho::Identity identity;  ///< those parameters that a checkpoint must have been made with
  std::string scratch;        ///< folder; empty: none

  /// Bytes of a real number.
  Index real_bytes() const { return precision == Precision::twofold ? 8 : 4; }
};

/// @throws Error (usage) where values contradict each other
Parameters parse_parameters(const nlohmann::json& params);

}  // namespace ptychoflow::ptycho_dm
