// The scans that a run simulates: one, or one for each angle of a tomogram.
#pragma once

#include <optional>
#include <string>

#include "core/ptycho/phantom.hpp"
#include "core/ptycho/simulator.hpp"
#include "plugin/stages/simulate/parameters.hpp"

namespace ptychoflow::stage {

class Series {
 public:
  /// Plans the first scan and makes the phantom, if there is one.
  /// @throws Error (usage) as SimulationPlan and make_phantom do, and if the scan's field is too narrow for the pillar
  explicit Series(SimulateParameters parameters);

  bool is_tomogram() const { return parameters_.tomogram.has_value(); }
  const std::string& name() const { return parameters_.name; }
  Index scan_count() const;
  std::string scan_name(Index scan) const;
  double rotation_deg(Index scan) const;

  /// By how much the specimen is elsewhere than the scan's positions say, object pixels.
  ptycho::Yx<double> shift_px(Index scan) const;

  /// A plan of its own jitter and noise for each scan, on the same detector. All of a series have one object shape.
  ptycho::SimulationPlan plan(Index scan);

  /// @param plan  of this scan
  ptycho::Simulator simulator(ptycho::SimulationPlan plan, Index scan, device::ThreadPool& pool) const;

  /// Of a tomogram: z, y, x of its truth_volume. All are odd: the middle voxel is at the rotation axis (y, x) and at
  /// the middle of the scan's field (z).
  Extents<3> volume_shape() const;
  device::Array<float, 3> volume(device::ThreadPool& pool) const;

  /// For the run's report.
  Json figures() const;

 private:
  ptycho::SimulationSettings settings_of(Index scan) const;
  ptycho::Yx<double> greatest_shift_m() const;
  void make_pillar(const ptycho::SimulationPlan& plan);

  SimulateParameters parameters_;
  std::optional<ptycho::SimulationPlan> first_;  ///< until it is asked for
  ptycho::Yx<double> pixel_m_;
  ptycho::PhantomSettings pillar_;
  ptycho::Phantom phantom_;
};

}  // namespace ptychoflow::stage
