// Figures of how good a collected volume is.
#pragma once

#include <string>
#include <vector>

#include "core/base/correlation_curve.hpp"
#include "core/device/thread_pool.hpp"
#include "plugin/api/stage.hpp"
#include "plugin/stages/compare_volume/collection.hpp"

namespace ptychoflow::compare_volume_stage {

struct Settings {
  FrcThreshold threshold = FrcThreshold::half_bit;
  std::string threshold_name = "half_bit";
  bool report_fsc = true;
  double mask_radius = 0.95;
};

struct Judgement {
  stage::Json figures;             ///< for the report; null where there was nothing to compare with
  std::vector<std::string> words;  ///< for the log
};

/// Forgets the halves once they are compared.
Judgement judge(Collection& collection, const Settings& settings, device::ThreadPool& threads);

/// That of a volume with which nothing came to compare it with.
stage::Json no_figures();

}  // namespace ptychoflow::compare_volume_stage
