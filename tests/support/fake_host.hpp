// A host that drives one stage through its C table, as the real one does, and keeps what it says and sends.
#pragma once

#include <dlfcn.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/api/stage.hpp"

namespace ptychoflow::test {

/// Keeps every packet and line of log. Must outlive the stages that use it and stay where it is.
class FakeHost {
 public:
  explicit FakeHost(int rank = 0, int rank_count = 1, void* mpi_communicator = nullptr)
      : mpi_communicator_(mpi_communicator) {
    table_ = {.struct_size = sizeof(ptychoflow_host),
              .abi_version = PTYCHOFLOW_ABI_VERSION,
              .context = this,
              .rank = rank,
              .rank_count = rank_count,
              .threads = 1,
              .backend = "cpu",
              .command = "test",
              .pipeline = "{}",
              .emit = emit,
              .log = log,
              .progress = [](auto*, auto*) {},
              .should_stop = [](auto* host) { return of(host).stop ? 1 : 0; },
              .report = [](auto* host, const char* json) { of(host).figures.merge_patch(stage::Json::parse(json)); },
              .agree = agree,
              .mpi_communicator = [](auto* host) { return of(host).mpi_communicator_; },
              .extension = extension};
  }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  const ptychoflow_host* table() const { return &table_; }

  /// The log's lines, one below the other.
  std::string log_text() const {
    std::string all;
    for (const auto& line : lines) all += line + "\n";
    return all;
  }

  std::vector<stage::Packet> packets;
  std::vector<std::string> lines;
  stage::Json figures = stage::Json::object();    ///< merged from `report`
  ptychoflow_status emit_answer = PTYCHOFLOW_OK;  ///< what the stage downstream answers
  ptychoflow_status (*agree_answer)() = nullptr;  ///< asked by `agree`; OK without it
  bool stop = false;                              ///< the user wants to stop
  std::function<void(stage::Packet&)> ahead;      ///< takes what it likes out of packets that come ahead; may be empty

 private:
  static FakeHost& of(const ptychoflow_host* host) { return *static_cast<FakeHost*>(host->context); }

  static ptychoflow_status emit(const ptychoflow_host* host, ptychoflow_packet* packet) {
    of(host).packets.push_back(stage::taken_over(*packet));
    return of(host).emit_answer;
  }
  static const void* extension(const ptychoflow_host* host, const char* id) {
    static const ptychoflow_ahead ahead{.struct_size = sizeof(ahead),
                                        .send = [](const ptychoflow_host* from, ptychoflow_packet* c) {
                                          stage::Packet packet = stage::taken_over(*c);
                                          of(from).ahead(packet);
                                          for (std::uint32_t i = 0; i < c->tensor_count; ++i)
                                            c->tensors[i].array = packet.take(c->tensors[i].name).release();
                                        }};
    return std::string_view(id) == PTYCHOFLOW_AHEAD && of(host).ahead ? &ahead : nullptr;
  }
  static void log(const ptychoflow_host* host, ptychoflow_log_level, const char* text) {
    of(host).lines.push_back(text);
  }
  static ptychoflow_status agree(const ptychoflow_host* host) {
    return of(host).agree_answer ? of(host).agree_answer() : PTYCHOFLOW_OK;
  }

  ptychoflow_host table_{};
  void* mpi_communicator_;
};

/// One instance of a stage, from its shared object. A status other than OK becomes an Error with the stage's own text.
class LoadedStage {
 public:
  LoadedStage(const char* module, FakeHost& host) {
    void* library = dlopen(module, RTLD_NOW | RTLD_LOCAL);  // stays open: leak checkers name what they can still see
    if (!library) throw Error(ErrorCode::resource, dlerror());
    const auto entry = reinterpret_cast<ptychoflow_stage_entry>(dlsym(library, PTYCHOFLOW_STAGE_SYMBOL));
    if (!entry) throw Error(ErrorCode::resource, dlerror());
    descriptor_ = entry();
    instance_ = descriptor_->create(host.table());
    expect(instance_ != nullptr, "create made no instance");
  }
  ~LoadedStage() { descriptor_->destroy(instance_); }
  LoadedStage(const LoadedStage&) = delete;
  LoadedStage& operator=(const LoadedStage&) = delete;

  const ptychoflow_stage_descriptor& descriptor() const { return *descriptor_; }

  stage::Description configure(const stage::Json& params, const stage::Description& input = {}) {
    const std::string in = stage::Json{{"tensors", input.tensors}, {"metadata", input.metadata}}.dump();
    const char* out = nullptr;
    check(descriptor_->configure(instance_, params.dump().c_str(), in.c_str(), &out));
    const auto declared = stage::Json::parse(out);
    return {declared["tensors"], declared["metadata"]};
  }

  /// Asks a source for its next packets; false when there is no more.
  bool produce() {
    const auto status = descriptor_->process(instance_, nullptr);
    if (status == PTYCHOFLOW_DONE) return false;
    check(status);
    return true;
  }

  void process(stage::Packet packet) {
    const std::string metadata = packet.metadata.dump();
    std::vector<ptychoflow_tensor> slots;
    for (auto& [name, tensor] : packet.tensors) slots.push_back({name.c_str(), tensor.release()});
    ptychoflow_packet c{sizeof(c), static_cast<std::uint32_t>(slots.size()), slots.data(), metadata.c_str()};
    const auto status = descriptor_->process(instance_, &c);
    for (auto& slot : slots) stage::Tensor{slot.array};
    check(status);
  }

  void finalize() { check(descriptor_->finalize(instance_)); }

  std::string current_scan() { return scans().current(instance_); }
  void abandon_scan() { scans().abandon(instance_); }

 private:
  const ptychoflow_scans& scans() const {
    return *static_cast<const ptychoflow_scans*>(descriptor_->extension(instance_, PTYCHOFLOW_SCANS));
  }

  void check(ptychoflow_status status) const {
    if (status != PTYCHOFLOW_OK) {
      throw Error(static_cast<ErrorCode>(status), descriptor_->last_error(instance_));
    }
  }

  const ptychoflow_stage_descriptor* descriptor_ = nullptr;
  ptychoflow_instance* instance_ = nullptr;
};

}  // namespace ptychoflow::test
