#include "plugin/host/runner.hpp"

#include <fmt/format.h>

#include "plugin/host/signals.hpp"
#include "plugin/host/stream_check.hpp"

namespace ptychoflow::host {
namespace {

std::int64_t bytes_of(const ptychoflow_packet& packet) {
  std::int64_t bytes = 0;
  for (std::uint32_t i = 0; i < packet.tensor_count; ++i) {
    if (!packet.tensors[i].array) continue;
    const DLTensor& tensor = packet.tensors[i].array->dl_tensor;
    std::int64_t elements = 1;
    for (int axis = 0; axis < tensor.ndim; ++axis) elements *= tensor.shape[axis];
    bytes += elements * tensor.dtype.bits * tensor.dtype.lanes / 8;
  }
  return bytes;
}

/// Empty if all is well: what the next stage would otherwise trip over.
std::string fault_of(const ptychoflow_packet* packet) {
  if (!packet) return "it emitted no packet but NULL";
  if (packet->struct_size != sizeof(ptychoflow_packet)) return "it emitted a packet whose struct_size is wrong";
  if (!packet->metadata) return "it emitted a packet without metadata";
  if (packet->tensor_count > 0 && !packet->tensors) return "it emitted a packet without its tensors";
  for (std::uint32_t i = 0; i < packet->tensor_count; ++i) {
    if (!packet->tensors[i].name) return "it emitted a tensor without a name";
    if (!packet->tensors[i].array)
      return fmt::format("it emitted tensor `{}` without its array", packet->tensors[i].name);
  }
  return {};
}

bool is_error(int status) { return status >= PTYCHOFLOW_ERROR_OTHER && status <= PTYCHOFLOW_ERROR_RESOURCE; }

}  // namespace

struct Runner::Node {
  const StageSpec& spec;
  const LoadedStage& stage;
  std::size_t place;
  std::unique_ptr<HostServices> services{};
  ptychoflow_instance* self = nullptr;
  const ptychoflow_scans* scans = nullptr;  ///< if it can leave a scan
  bool gathered = false;                    ///< it gathers scans, or follows one that does
  Json output = Json();
  double seconds = 0;
  std::int64_t packets_in = 0, packets_out = 0, bytes_in = 0, bytes_out = 0;
};

Runner::Runner(const Pipeline& pipeline, const StageLibrary& library, const HostSettings& settings, Screen& screen,
               comm::Session& session)
    : pipeline_(pipeline), session_(session), screen_(screen), scan_team_(&session.everyone()) {
  for (const auto& spec : pipeline.stages) {
    const std::size_t place = nodes_.size();
    nodes_.push_back(std::make_unique<Node>(Node{spec, library.load(spec.stage), place}));
  }
  verdict_ = session_.everyone().agree(std::nullopt);  // all have their stages: now they can share communicators out
  if (!verdict_.ok()) return;
  share_out();
  for (auto& node : nodes_) {
    node->services = std::make_unique<HostServices>(
        node->spec.id, settings, screen, groups_,
        [this, place = node->place](ptychoflow_packet* packet) { return emit(place, packet); },
        [this, node = node.get()] { return agree_for(*node); });
    node->services->work_with(*scan_team_);
  }
}

/// Makes groups of ranks, if the pipeline asks for several.
void Runner::share_out() {
  const int ranks = session_.size(), each = pipeline_.ranks_per_scan.value_or(ranks);
  if (each >= ranks) return;
  if (ranks % each != 0) {
    throw Error(ErrorCode::usage, fmt::format("{}: /ranks_per_scan: {} does not divide the {} ranks of this run into "
                                              "groups of one size: choose another number of one of them",
                                              pipeline_.file, each, ranks));
  }
  group_ = session_.everyone().split(each);
  scan_team_ = group_.get();
  groups_.group = session_.rank() / each;
  groups_.group_count = ranks / each;
}

/// Gives all ranks to the first stage that gathers scans, and to those that follow.
void Runner::meet_gathering_stages() {
  bool gathered = false;
  for (auto& node : nodes_) {
    gathered = gathered || node->stage.descriptor->extension(node->self, PTYCHOFLOW_GATHERS);
    node->gathered = gathered;
    if (gathered) node->services->work_with(session_.everyone());
  }
}

Runner::~Runner() { destroy(); }

void Runner::destroy() {
  close_ahead();
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    if (!(*node)->self) continue;
    const StageCall call((*node)->spec.id.c_str(), (*node)->stage.file.c_str(), "destroy");
    (*node)->stage.descriptor->destroy(std::exchange((*node)->self, nullptr));
  }
}

/// Time runs for one stage at a time: what follows is `next`'s.
void Runner::charge(Node* next) {
  const auto now = Clock::now();
  if (charged_) charged_->seconds += std::chrono::duration<double>(now - charged_since_).count();
  charged_ = next;
  charged_since_ = now;
}

void Runner::fail(const Node& node, const char* callback, ErrorCode code, const std::string& message) {
  if (failure_) return;  // what follows from a failure is not news
  failure_ =
      comm::Failure{session_.rank(), code, node.spec.id,
                    fmt::format("{}\n  (stage '{}' in {}: {})", message, node.spec.stage, callback, node.stage.file)};
}

/// Calls one callback of a stage and records its failure. Returns its status, an error if it failed in any way.
template <class F>
ptychoflow_status Runner::call(Node& node, const char* callback, F&& function) {
  Node* const caller = charged_;
  charge(&node);
  ptychoflow_status status = PTYCHOFLOW_OK;
  {
    const StageCall blame(node.spec.id.c_str(), node.stage.file.c_str(), callback);
    status = function(*node.stage.descriptor, node.self);
    if (is_error(status) && healthy()) {
      const char* text = node.stage.descriptor->last_error(node.self);
      fail(node, callback, static_cast<ErrorCode>(status), text && *text ? text : "it failed without saying why");
    }
  }
  charge(caller);
  if (!healthy()) return PTYCHOFLOW_PEER_FAILED;
  const bool source_may_end = status == PTYCHOFLOW_DONE && moving_ && node.place == 0;
  if (status != PTYCHOFLOW_OK && !source_may_end) {
    fail(node, callback, ErrorCode::other,
         status == PTYCHOFLOW_PEER_FAILED
             ? "it says that another rank failed, but none did"
             : fmt::format("it returned {}, which is no status of {}", int{status}, callback));
    return PTYCHOFLOW_PEER_FAILED;
  }
  return status;
}

ptychoflow_status Runner::agree(comm::Team& team) {
  const bool may_skip = moving_ && pipeline_.on_error == OnError::skip && failure_ && failure_->code == ErrorCode::data;
  verdict_ = team.agree(failure_, may_skip ? comm::Patience::minutes : comm::Patience::seconds);
  return verdict_.ok() ? PTYCHOFLOW_OK : PTYCHOFLOW_PEER_FAILED;
}

ptychoflow_status Runner::agree_for(const Node& node) {
  if (!group_ || !node.gathered) return agree(*scan_team_);
  if (moving_ && !scans_done_) {
    fail(node, "process", ErrorCode::other, "it gathers scans, and yet waits for all ranks before finalize");
    return PTYCHOFLOW_PEER_FAILED;
  }
  return agree(session_.everyone());
}

/// Where a packet goes from `place`: to the next stage, or if it is a preview to the next that takes such.
std::size_t Runner::place_after(std::size_t place, const ptychoflow_packet& packet) const {
  std::size_t next = place + 1;
  if (!std::strstr(packet.metadata, "\"preview\"") || !Json::parse(packet.metadata).value("preview", false))
    return next;
  while (next < nodes_.size() && !nodes_[next]->stage.descriptor->extension(nodes_[next]->self, PTYCHOFLOW_PREVIEWS)) {
    ++next;
  }
  return next;
}

/// The emit of the stage at `place`. Called from within a stage, so that nothing may be thrown.
ptychoflow_status Runner::emit(std::size_t place, ptychoflow_packet* packet) try {
  if (!healthy()) return PTYCHOFLOW_PEER_FAILED;
  Node& sender = *nodes_[place];
  std::string fault = fault_of(packet);
  if (!moving_) fault = "it emitted a packet before process";
  if (!fault.empty()) {
    fail(sender, "emit", ErrorCode::other, fault);
    return PTYCHOFLOW_PEER_FAILED;
  }
  const std::int64_t bytes = bytes_of(*packet);
  ++sender.packets_out;
  sender.bytes_out += bytes;
  const std::size_t next = place_after(place, *packet);
  if (next == nodes_.size()) return PTYCHOFLOW_OK;
  Node& receiver = *nodes_[next];
  ++receiver.packets_in;
  receiver.bytes_in += bytes;
  return call(receiver, "process", [&](const auto& stage, auto* self) { return stage.process(self, packet); });
} catch (const std::exception& e) {
  if (!failure_) failure_ = comm::Failure{session_.rank(), ErrorCode::other, nodes_[place]->spec.id, e.what()};
  return PTYCHOFLOW_PEER_FAILED;
}

/// Lets the source send packets ahead, if the stage after it takes such.
void Runner::allow_ahead() {
  if (nodes_.size() < 2) return;
  const Node& next = *nodes_[1];
  const auto* takes =
      static_cast<const ptychoflow_takes_ahead*>(next.stage.descriptor->extension(next.self, PTYCHOFLOW_TAKES_AHEAD));
  if (!takes) return;
  ahead_is_open_ = true;
  nodes_[0]->services->allow_ahead([this, takes, receiver = next.self](ptychoflow_packet* packet) {
    const std::scoped_lock lock(ahead_mutex_);
    if (!ahead_is_open_) return;
    const std::int64_t before = bytes_of(*packet);
    takes->take(receiver, packet);
    bytes_ahead_ += before - bytes_of(*packet);
  });
}

/// Returns once nothing is on its way.
void Runner::close_ahead() {
  const std::scoped_lock lock(ahead_mutex_);
  ahead_is_open_ = false;
}

/// Names of tensors that stages after this one take.
std::set<std::string> Runner::consumed_after(std::size_t place) const {
  std::set<std::string> names;
  while (++place < nodes_.size()) {
    const auto& consumes = nodes_[place]->stage.consumes;
    names.insert(consumes.begin(), consumes.end());
  }
  return names;
}

void Runner::configure(std::size_t place, const Json& input) {
  Node& node = *nodes_[place];
  const std::string params = node.spec.params.dump(), description = input.dump();
  const char* output = nullptr;
  const auto status = call(node, "configure", [&](const auto& stage, auto* self) {
    return stage.configure(self, params.c_str(), description.c_str(), &output);
  });
  if (status != PTYCHOFLOW_OK) return;
  try {
    node.output = parse_stream(output);
    node.output["metadata"].erase("consumed_later");
  } catch (const Error& e) {
    fail(node, "configure", e.code(), e.what());
  }
}

comm::Verdict Runner::configure() {
  for (auto& node : nodes_) {
    if (!healthy()) break;
    call(*node, "create", [&](const auto& stage, auto*) {
      node->self = stage.create(node->services->table());
      return PTYCHOFLOW_OK;
    });
    if (!node->self) fail(*node, "create", ErrorCode::resource, "it could not be created (create returned NULL)");
    if (healthy()) {
      node->scans =
          static_cast<const ptychoflow_scans*>(node->stage.descriptor->extension(node->self, PTYCHOFLOW_SCANS));
    }
    if (healthy() && !node->scans && pipeline_.on_error == OnError::skip) {
      fail(*node, "create", ErrorCode::usage, "on_error: skip, but this stage cannot leave a scan: set on_error: stop");
    }
  }
  if (group_ && agree(session_.everyone()) == PTYCHOFLOW_OK) meet_gathering_stages();
  Json input = empty_stream();
  for (std::size_t place = 0; place < nodes_.size() && healthy(); ++place) {
    try {
      check_place(pipeline_, place, nodes_[place]->stage.consumes, input);
    } catch (const Error& e) {
      failure_ = comm::Failure{session_.rank(), e.code(), "", e.what()};
      break;
    }
    input["metadata"]["consumed_later"] = consumed_after(place);
    configure(place, input);
    input = nodes_[place]->output;
  }
  if (group_ && healthy() && !nodes_[0]->services->asked_for_group()) {
    fail(*nodes_[0], "configure", ErrorCode::usage,
         "ranks_per_scan: this source does not share its scans out among groups of ranks: leave ranks_per_scan out");
  }
  if (agree(session_.everyone()) == PTYCHOFLOW_OK) allow_ahead();
  return verdict_;
}

comm::Verdict Runner::run() {
  moving_ = true;
  ptychoflow_status status = PTYCHOFLOW_OK;
  do {
    status = PTYCHOFLOW_OK;
    while (status == PTYCHOFLOW_OK && healthy()) {
      status = call(*nodes_[0], "process", [](const auto& stage, auto* self) { return stage.process(self, nullptr); });
    }
    agree(*scan_team_);
  } while (skip_scan());
  scans_done_ = true;
  if (group_ && !verdict_.abandoned) meet_other_groups();
  for (auto& node : nodes_) {
    if (!healthy()) break;
    status = call(*node, "finalize", [](const auto& stage, auto* self) { return stage.finalize(self); });
    if (status == PTYCHOFLOW_DONE) fail(*node, "finalize", ErrorCode::other, "it returned DONE, which is for process");
    agree(session_.everyone());
  }
  moving_ = false;
  close_ahead();
  if (group_ && healthy()) collect_figures();
  screen_.end_progress();
  return verdict_;
}

/// Waits for those that still have scans; of a group that failed one rank speaks, and ends them.
void Runner::meet_other_groups() {
  if (!verdict_.ok() && verdict_.failures.front().rank != session_.rank()) failure_.reset();
  agree(session_.everyone());
}

/// After an agreement: leaves the scan under way, if that is all there is to its failure.
bool Runner::skip_scan() {
  if (verdict_.ok() || verdict_.abandoned || pipeline_.on_error == OnError::stop) return false;
  for (const auto& failure : verdict_.failures) {
    if (failure.code != ErrorCode::data) return false;
  }
  const auto& first = verdict_.failures.front();
  const std::string scan = nodes_[0]->scans->current(nodes_[0]->self);
  skipped_scans_.push_back({{"scan", scan}, {"stage", first.origin}, {"rank", first.rank}, {"message", first.message}});
  if (scan_team_->rank() == 0) {
    screen_.log(PTYCHOFLOW_LOG_ERROR, fmt::format("scan '{}' is skipped: {}: {}", scan, first.origin, first.message));
  }
  for (auto& node : nodes_) node->scans->abandon(node->self);
  failure_.reset();
  scan_team_->forgive();
  verdict_ = {};
  return true;
}

/// What groups have to report of their scans: every rank learns which were skipped, and rank 0 the figures. Collective.
void Runner::collect_figures() {
  Json mine = {{"skipped_scans", skipped_scans_}, {"stages", Json::object()}};
  for (const auto& node : nodes_) {
    if (!node->gathered) mine["stages"][node->spec.id] = node->services->reported();
  }
  const auto texts = session_.everyone().gather(scan_team_->rank() == 0 ? mine.dump() : "");
  skipped_scans_ = Json::array();
  for (std::size_t rank = 0; rank < texts.size(); ++rank) {
    if (texts[rank].empty()) continue;
    const Json theirs = Json::parse(texts[rank]);
    for (const Json& scan : theirs["skipped_scans"]) skipped_scans_.push_back(scan);
    if (session_.rank() != 0 || rank == 0) continue;
    for (auto& node : nodes_) {
      if (!node->gathered) node->services->add_figures_of_group(theirs["stages"][node->spec.id]);
    }
  }
}

std::vector<Json> Runner::streams() const {
  std::vector<Json> streams;
  for (const auto& node : nodes_) streams.push_back(node->output);
  return streams;
}

Json Runner::figures() const {
  Json all = Json::object();
  for (const auto& node : nodes_) {
    Json figures = node->services ? node->services->reported() : Json::object();
    const std::int64_t out_ahead = node->place == 0 ? bytes_ahead_ : 0;
    const std::int64_t in_ahead = node->place == 1 ? bytes_ahead_ : 0;
    figures.update({{"stage", node->spec.stage},
                    {"version", node->stage.descriptor->version},
                    {"seconds", node->seconds},
                    {"packets_in", node->packets_in},
                    {"packets_out", node->packets_out},
                    {"bytes_in", node->bytes_in + in_ahead},
                    {"bytes_out", node->bytes_out + out_ahead}});
    all[node->spec.id] = std::move(figures);
  }
  return all;
}

}  // namespace ptychoflow::host
