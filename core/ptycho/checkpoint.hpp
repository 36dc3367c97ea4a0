// A reconstruction that goes on where it was when its program was killed, on as many ranks or on others.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/ptycho/aligned_mean.hpp"
#include "core/ptycho/checkpoint_files.hpp"
#include "core/ptycho/engine.hpp"

namespace ptychoflow::io {
class InputFile;
class OutputFile;
}  // namespace ptychoflow::io

namespace ptychoflow::ptycho {

enum class StoredExitWaves {
  none,  ///< they start again from PO: small files, but the iteration needs some steps to be where it was
  all,   ///< the iteration goes on as if nothing had been
};

struct CheckpointSettings {
  Index every = 0;  ///< iterations
  std::filesystem::path file;
  StoredExitWaves exit_waves = StoredExitWaves::all;
};

/// What a checkpoint must have been made of to be gone on with: names and values, such as {"beta", "0.8"}.
using Identity = std::vector<std::pair<std::string, std::string>>;

/// What there is between two iterations.
template <class T>
struct Progress {
  Engine<T>& engine;
  State<T>& state;
  std::vector<IterationFigures>& history;
  AlignedMean<T>& mean_object;
  AlignedMean<T>& mean_probe;
};

/// Saves and restores. All calls are collective.
template <class T>
class Checkpoints {
 public:
  /// Looks for the newest whole checkpoint.
  /// @param identity  the same on all ranks
  /// @throws Error (usage) if it is of another scan, other parameters or another version: with what differs
  /// @throws Error (data) if there are checkpoints and none is whole
  Checkpoints(CheckpointSettings settings, Identity identity, const Problem<T>& problem, Kernels<T>& kernels,
              comm::Communicator ranks, const std::function<void(const std::string&)>& warn);

  /// Iterations that the checkpoint has behind it; 0: there is none.
  Index found_iteration() const { return found_ ? found_->iteration : 0; }

  /// Probe modes that it has.
  Index found_probe_modes() const { return probe_modes_; }

  /// Probe and object of the checkpoint, in place of those of `state`: before its engine is made.
  void restore_fields(State<T>& state) const;

  /// All the rest: once it is.
  void restore(Progress<T> progress) const;

  /// Whether it is time to save after `iteration`.
  bool due(Index iteration) const { return iteration % settings_.every == 0; }

  void save(Index iteration, Progress<T> progress) const;

 private:
  void check_identity(const io::InputFile& part) const;
  void write_part(const std::filesystem::path& part, Index iteration, Progress<T>& progress) const;
  void write_exit_waves(io::OutputFile& file, Progress<T>& progress) const;
  void read_exit_waves(Progress<T>& progress) const;
  template <class V>
  void read_rows(const char* dataset, View<V, 3> rows) const;

  CheckpointSettings settings_;
  Identity identity_;
  const Problem<T>& problem_;
  Kernels<T>& kernels_;
  comm::Communicator ranks_;
  CheckpointFiles files_;
  std::optional<Generation> found_;
  Index probe_modes_ = 0;
};

}  // namespace ptychoflow::ptycho
