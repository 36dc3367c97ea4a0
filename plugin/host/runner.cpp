#include "plugin/host/runner.hpp"

#include <fmt/format.h>

#include "plugin/host/signals.hpp"
#include "plugin/host/stream_check.hpp"

namespace ptychoflow::host {
namespace {

std::int64_t bytes_of(const ptychoflow_packet& packet) {
  std::int64_t bytes = 0;
  for (std::uint32_t i = 0; i < packet.tensor_count; ++i) {
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
  Json output = Json();
  double seconds = 0;
  std::int64_t packets_in = 0, packets_out = 0, bytes_in = 0, bytes_out = 0;
};

Runner::Runner(const Pipeline& pipeline, const StageLibrary& library, const HostSettings& settings, Screen& screen,
               comm::Session& session)
    : pipeline_(pipeline), session_(session), screen_(screen) {
  for (const auto& spec : pipeline.stages) {
    const std::size_t place = nodes_.size();
    nodes_.push_back(std::make_unique<Node>(Node{spec, library.load(spec.stage), place}));
  }
  verdict_ = session_.agree(std::nullopt);  // all ranks have their stages: now they can share communicators out
  if (!verdict_.ok()) return;
  for (auto& node : nodes_) {
    node->services = std::make_unique<HostServices>(
        node->spec.id, settings, screen, session.duplicate(),
        [this, place = node->place](ptychoflow_packet* packet) { return emit(place, packet); },
        [this] { return agree(); });
  }
}

Runner::~Runner() { destroy(); }

void Runner::destroy() {
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

ptychoflow_status Runner::agree() {
  const bool may_skip = moving_ && pipeline_.on_error == OnError::skip && failure_ && failure_->code == ErrorCode::data;
  verdict_ = session_.agree(failure_, may_skip ? comm::Patience::minutes : comm::Patience::seconds);
  return verdict_.ok() ? PTYCHOFLOW_OK : PTYCHOFLOW_PEER_FAILED;
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
  if (place + 1 == nodes_.size()) return PTYCHOFLOW_OK;
  Node& receiver = *nodes_[place + 1];
  ++receiver.packets_in;
  receiver.bytes_in += bytes;
  return call(receiver, "process", [&](const auto& stage, auto* self) { return stage.process(self, packet); });
} catch (const std::exception& e) {
  if (!failure_) failure_ = comm::Failure{session_.rank(), ErrorCode::other, nodes_[place]->spec.id, e.what()};
  return PTYCHOFLOW_PEER_FAILED;
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
  Json input = empty_stream();
  for (std::size_t place = 0; place < nodes_.size() && healthy(); ++place) {
    try {
      check_place(pipeline_, place, nodes_[place]->stage.consumes, input);
    } catch (const Error& e) {
      failure_ = comm::Failure{session_.rank(), e.code(), "", e.what()};
      break;
    }
    configure(place, input);
    input = nodes_[place]->output;
  }
  agree();
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
    agree();
  } while (skip_scan());
  for (auto& node : nodes_) {
    if (!healthy()) break;
    status = call(*node, "finalize", [](const auto& stage, auto* self) { return stage.finalize(self); });
    if (status == PTYCHOFLOW_DONE) fail(*node, "finalize", ErrorCode::other, "it returned DONE, which is for process");
    agree();
  }
  moving_ = false;
  screen_.end_progress();
  return verdict_;
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
  if (session_.rank() == 0) {
    screen_.log(PTYCHOFLOW_LOG_ERROR, fmt::format("scan '{}' is skipped: {}: {}", scan, first.origin, first.message));
  }
  for (auto& node : nodes_) node->scans->abandon(node->self);
  failure_.reset();
  session_.forgive();
  verdict_ = {};
  return true;
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
    figures.update({{"stage", node->spec.stage},
                    {"version", node->stage.descriptor->version},
                    {"seconds", node->seconds},
                    {"packets_in", node->packets_in},
                    {"packets_out", node->packets_out},
                    {"bytes_in", node->bytes_in},
                    {"bytes_out", node->bytes_out}});
    all[node->spec.id] = std::move(figures);
  }
  return all;
}

}  // namespace ptychoflow::host
