// The life of a pipeline's stages: create, configure, drive the source, finalize, destroy.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/comm/session.hpp"
#include "plugin/host/host_services.hpp"
#include "plugin/host/pipeline.hpp"
#include "plugin/host/stage_library.hpp"

namespace ptychoflow::host {

/// Runs one pipeline, once. All ranks must make the same calls; each call ends by an agreement of all ranks, so that
/// after a failure anywhere no rank goes on. With `ranks_per_scan` groups of ranks go through the scans side by side; a
/// stage that gathers scans and those after it have all ranks again, and the groups meet before the first finalize.
/// Instances are destroyed with the runner, last stage first.
class Runner {
 public:
  /// Loads the stages. Arguments must outlive it.
  /// @throws Error as StageLibrary::load does, and (usage) if ranks_per_scan does not divide the ranks
  Runner(const Pipeline& pipeline, const StageLibrary& library, const HostSettings& settings, Screen& screen,
         comm::Session& session);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Creates and configures every stage. Collective.
  comm::Verdict configure();

  /// Moves the data: the source until it is done, then every finalize. Collective; after a good `configure`.
  comm::Verdict run();

  /// Destroys the instances; the figures stay.
  void destroy();

  /// What each stage declared as its output, in order.
  std::vector<Json> streams() const;

  /// Scans that were left out since their data are bad: objects with `scan`, `stage`, `rank` and `message`.
  const Json& skipped_scans() const { return skipped_scans_; }

  /// By stage id: seconds in its own callbacks, packets and bytes in and out, and what the stage itself reported.
  Json figures() const;

 private:
  struct Node;
  using Clock = std::chrono::steady_clock;

  ptychoflow_status emit(std::size_t place, ptychoflow_packet* packet);
  std::size_t place_after(std::size_t place, const ptychoflow_packet& packet) const;
  ptychoflow_status agree(comm::Team& team);
  ptychoflow_status agree_for(const Node& node);
  std::set<std::string> consumed_after(std::size_t place) const;
  void configure(std::size_t place, const Json& input);
  void fail(const Node& node, const char* callback, ErrorCode code, const std::string& message);
  void charge(Node* next);
  bool skip_scan();
  void allow_ahead();
  void close_ahead();
  void share_out();
  void meet_gathering_stages();
  void meet_other_groups();
  void collect_figures();
  template <class F>
  ptychoflow_status call(Node& node, const char* callback, F&& function);
  bool healthy() const { return !failure_ && verdict_.ok(); }

  const Pipeline& pipeline_;
  comm::Session& session_;
  Screen& screen_;
  std::unique_ptr<comm::Team> group_;  // with `ranks_per_scan`: those that work on this rank's scans
  ptychoflow_groups groups_{sizeof(groups_), 0, 1};
  comm::Team* scan_team_;  // the group, or everyone
  std::vector<std::unique_ptr<Node>> nodes_;
  std::optional<comm::Failure> failure_;  // of this rank: the first, which is the innermost
  comm::Verdict verdict_;                 // of the last agreement
  Json skipped_scans_ = Json::array();
  std::mutex ahead_mutex_;        // of the two that follow
  bool ahead_is_open_ = false;    // the source may send packets to the next stage before their turn
  std::int64_t bytes_ahead_ = 0;  // that went that way
  bool moving_ = false;           // process or finalize is running, so that stages may emit
  bool scans_done_ = false;       // all groups have come together
  Node* charged_ = nullptr;       // whose time it is
  Clock::time_point charged_since_;
};

}  // namespace ptychoflow::host
