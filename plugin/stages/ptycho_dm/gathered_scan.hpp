// What all ranks together know of a scan.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/comm/communicator.hpp"
#include "core/ptycho/initial_guess.hpp"
#include "core/ptycho/problem.hpp"
#include "plugin/api/stage.hpp"
#include "plugin/stages/ptycho_dm/frame_store.hpp"

namespace ptychoflow::ptycho_dm {

/// Puts together what the ranks have: positions in scan order, the mean frame, and from them the problem. Calls are
/// collective.
template <class T>
class GatheredScan {
 public:
  using Magnitudes = typename ptycho::Problem<T>::Magnitudes;

  GatheredScan(ptycho::Yx<Index> frame, comm::Communicator ranks) : frame_(frame), ranks_(std::move(ranks)) {}

  /// [mode][y][x], if the scan brings one.
  void set_initial_probe(const stage::Tensor& probe);

  /// Windows keep their places to each other from now on, whatever views come.
  void anchor() { is_anchored_ = true; }

  /// @param frames      of this rank, once all are converted
  /// @param magnitudes  theirs
  /// @param metadata    of the scan
  /// @throws Error (data) if all frames are zero; (other) unless frames are numbered from 0, each once
  ptycho::Problem<T> gather(const FrameStore<T>& frames, std::shared_ptr<const Magnitudes> magnitudes,
                            const stage::Json& metadata);

  /// Which rows of the object each rank holds follows from its views.
  ptycho::Distribution distribution_of(const ptycho::Layout& layout, const std::vector<ptycho::LocalView>& views) const;

  // Of the last `gather`.
  const ptycho::ScanLight& light() const { return light_; }
  const std::vector<ptycho::Yx<double>>& positions_m() const { return positions_m_; }  ///< in scan order

 private:
  void gather_positions(const FrameStore<T>& frames);
  void gather_light(const FrameStore<T>& frames, double wavelength_m);

  ptycho::Yx<Index> frame_;
  comm::Communicator ranks_;
  bool is_anchored_ = false;
  ptycho::ScanLight light_;
  std::vector<ptycho::Yx<double>> positions_m_;
};

}  // namespace ptychoflow::ptycho_dm
