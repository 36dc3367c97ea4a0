// Write a stage as a C++ class; this header turns it into the C table of stage.h, with the one exception firewall.
//
//     class Twice : public ptychoflow::stage::Stage {
//       Description configure(const Json& params, const Description& input) override { return input; }
//       void process(Packet& packet) override { ...; emit(packet); }
//     };
//     PTYCHOFLOW_STAGE(Twice, .name = "twice", .summary = "...", .parameters_schema = R"({...})", .consumes =
//     {"frames"})
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "plugin/api/stage.h"
#include "plugin/api/tensor.hpp"

namespace ptychoflow::stage {

using Json = nlohmann::json;

/// What a stream carries, known before data moves: tensors by name (dtype, shape with null for a varying extent, axes,
/// unit) and metadata that holds for every packet. See `configure` in stage.h.
struct Description {
  Json tensors = Json::object();
  Json metadata = Json::object();

  bool has(const std::string& tensor) const { return tensors.contains(tensor); }

  /// Declares a tensor. `shape` has null for an extent that varies; `axes` names them, as in "frame:y:x".
  void add(const std::string& name, const std::string& dtype, Json shape, const std::string& axes,
           const std::string& unit) {
    tensors[name] = {{"dtype", dtype}, {"shape", std::move(shape)}, {"axes", axes}, {"unit", unit}};
  }
};

/// Tensors by name with JSON metadata: what flows between stages.
struct Packet {
  std::map<std::string, Tensor> tensors;
  Json metadata = Json::object();

  bool has(const std::string& name) const { return tensors.count(name) != 0; }

  /// @throws Error (other) if there is no such tensor
  const Tensor& at(const std::string& name) const {
    const auto found = tensors.find(name);
    if (found == tensors.end())
      throw Error(ErrorCode::other, "a packet without the declared tensor '" + name + "' arrived");
    return found->second;
  }

  /// Takes a tensor out; an empty one if there is none.
  Tensor take(const std::string& name) {
    auto node = tensors.extract(name);
    return node ? std::move(node.mapped()) : Tensor();
  }

  bool ends_scan() const { return metadata.value("ends_scan", false); }
};

/// Ranks that work on the same scan: this one takes scans `number`, `number + count`, and so on.
struct Group {
  std::size_t number = 0;
  std::size_t count = 1;
};

/// Thrown to unwind after another rank, or a stage downstream, has failed and said why. Carries no message of its own.
struct FailedElsewhere {
  ptychoflow_status status;
};

/// Base of a stage. Callbacks run on the main thread; see stage.h for the life cycle. What they throw becomes the
/// status and the message of the C call.
class Stage {
 public:
  virtual ~Stage() = default;

  /// Checks parameters and input, opens files, and declares the output, before any data moves.
  virtual Description configure(const Json& params, const Description& input) = 0;

  /// Takes the next packet. What is left in `packet` afterwards is released.
  virtual void process(Packet& packet);

  /// Sources only: makes the next block. Returns false when there is no more.
  virtual bool produce();

  virtual void finalize() {}

  /// Sources only: the name of the scan that it is at.
  virtual std::string current_scan() const { return ""; }

  /// The scan under way is bad, and the pipeline goes on with the next one: forgets what is held of it. A source that
  /// has several moves on. See ptychoflow_scans in stage.h.
  virtual void abandon_scan() {}

  /// It makes one of many scans, on all ranks together: see ptychoflow_gathers in stage.h.
  virtual bool gathers() const { return false; }

  /// It takes previews of a scan that is still going on: see ptychoflow_previews in stage.h.
  virtual bool takes_previews() const { return false; }

  /// Takes one.
  virtual void preview(Packet&) {}

  /// It takes packets of the next scan before their turn, once it is configured: see ptychoflow_takes_ahead in stage.h.
  virtual bool takes_ahead() const { return false; }

  /// Takes out of the packet what it keeps. Called on another thread than all else, beside which it may run. What it
  /// throws nobody hears: a fault is to be thrown when the scan has its turn.
  virtual void take_ahead(Packet&) {}

 protected:
  const ptychoflow_host& host() const { return *host_; }
  bool is_root() const { return host_->rank == 0; }
  Group group() const;  ///< Which scans are for this rank. A source must ask in `configure`.

  /// True on one rank alone, which says what all would say.
  bool speaks_for_all() const { return is_root() && group().number == 0; }
  void emit(Packet& packet);

  /// Sources only, once all are configured: whether the next stage takes packets ahead.
  bool can_send_ahead() const;
  /// Shows the next stage a packet of the next scan, in which is left what it did not take. [any thread]
  void send_ahead(Packet& packet) const;

  void log(ptychoflow_log_level level, const std::string& text) const { host_->log(host_, level, text.c_str()); }
  void info(const std::string& text) const { log(PTYCHOFLOW_LOG_INFO, text); }
  void warn(const std::string& text) const { log(PTYCHOFLOW_LOG_WARNING, text); }
  void progress(std::int64_t done, std::int64_t total, const std::string& text) const;
  bool should_stop() const { return host_->should_stop(host_) != 0; }
  void report(const Json& figures) const { host_->report(host_, figures.dump().c_str()); }
  void agree() const;  ///< Collective: throws FailedElsewhere unless every rank got here in good order.

 private:
  template <class>
  friend struct Binding;
  const ptychoflow_host* host_ = nullptr;
};

/// What `PTYCHOFLOW_STAGE` is given.
struct Info {
  const char* name;
  const char* summary;
  const char* parameters_schema;
  std::vector<const char*> consumes{};
  std::vector<const char*> produces{};
  const char* version = "1";
};

inline void Stage::process(Packet&) { throw Error(ErrorCode::other, "this stage is a source and takes no packets"); }
inline bool Stage::produce() {
  throw Error(ErrorCode::other, "this stage is not a source: put one that loads or simulates before it");
}

inline void Stage::progress(std::int64_t done, std::int64_t total, const std::string& text) const {
  const ptychoflow_progress p{sizeof(p), done, total, text.c_str()};
  host_->progress(host_, &p);
}

inline Group Stage::group() const {
  const auto* groups = static_cast<const ptychoflow_groups*>(host_->extension(host_, PTYCHOFLOW_GROUPS));
  if (!groups) return {};
  return {static_cast<std::size_t>(groups->group), static_cast<std::size_t>(groups->group_count)};
}

inline void Stage::agree() const {
  if (const auto status = host_->agree(host_); status != PTYCHOFLOW_OK) throw FailedElsewhere{status};
}

/// A packet as C sees it, while it is lent to somebody.
class LentPacket {
 public:
  explicit LentPacket(Packet& packet) : packet_(packet), metadata_(packet.metadata.dump()) {
    for (auto& [name, tensor] : packet.tensors) slots_.push_back({name.c_str(), tensor.release()});
    c_ = {sizeof(c_), static_cast<std::uint32_t>(slots_.size()), slots_.data(), metadata_.c_str()};
  }
  /// What was not taken out is the packet's again.
  ~LentPacket() {
    for (const auto& slot : slots_) {
      const auto place = packet_.tensors.find(slot.name);
      if (slot.array) {
        place->second = Tensor(slot.array);
      } else {
        packet_.tensors.erase(place);
      }
    }
  }
  LentPacket(const LentPacket&) = delete;
  LentPacket& operator=(const LentPacket&) = delete;

  ptychoflow_packet* get() { return &c_; }

 private:
  Packet& packet_;
  std::string metadata_;
  std::vector<ptychoflow_tensor> slots_;
  ptychoflow_packet c_{};
};

inline void Stage::emit(Packet& packet) {
  const auto status = host_->emit(host_, LentPacket(packet).get());
  packet.tensors.clear();
  if (status != PTYCHOFLOW_OK) throw FailedElsewhere{status};
}

inline bool Stage::can_send_ahead() const { return host_->extension(host_, PTYCHOFLOW_AHEAD) != nullptr; }

inline void Stage::send_ahead(Packet& packet) const {
  const auto* ahead = static_cast<const ptychoflow_ahead*>(host_->extension(host_, PTYCHOFLOW_AHEAD));
  if (ahead) ahead->send(host_, LentPacket(packet).get());
}

/// Takes a packet that was lent over.
inline Packet taken_over(ptychoflow_packet& c) {
  Packet packet;
  packet.metadata = Json::parse(c.metadata);
  for (std::uint32_t i = 0; i < c.tensor_count; ++i) {
    packet.tensors.emplace(c.tensors[i].name, Tensor(std::exchange(c.tensors[i].array, nullptr)));
  }
  return packet;
}

/// The C callbacks for stage class S.
template <class S>
struct Binding {
  struct Instance {
    S stage;
    std::string error;
    std::string output;
  };

  static Instance& of(ptychoflow_instance* self) { return *reinterpret_cast<Instance*>(self); }

  /// The one place where exceptions become a status and a text.
  template <class F>
  static ptychoflow_status guarded(Instance& instance, F&& body) noexcept {
    instance.error.clear();
    try {
      return body();
    } catch (const FailedElsewhere& e) {
      return e.status;
    } catch (const Error& e) {
      return fail(instance, static_cast<ptychoflow_status>(e.code()), e.what());
    } catch (const std::bad_alloc&) {
      return fail(instance, PTYCHOFLOW_ERROR_RESOURCE,
                  "out of memory: use more ranks, fewer modes or a smaller frame_size");
    } catch (const std::exception& e) {
      return fail(instance, PTYCHOFLOW_ERROR_OTHER, e.what());
    } catch (...) {
      return fail(instance, PTYCHOFLOW_ERROR_OTHER, "an exception of unknown type");
    }
  }

  static ptychoflow_status fail(Instance& instance, ptychoflow_status status, const char* text) noexcept {
    try {
      instance.error = text;
    } catch (...) {
    }
    return status;
  }

  static ptychoflow_instance* create(const ptychoflow_host* host) noexcept try {
    auto instance = std::make_unique<Instance>();
    static_cast<Stage&>(instance->stage).host_ = host;
    return reinterpret_cast<ptychoflow_instance*>(instance.release());
  } catch (...) {
    return nullptr;
  }

  static ptychoflow_status configure(ptychoflow_instance* self, const char* params, const char* input,
                                     const char** output) noexcept {
    return guarded(of(self), [&] {
      const Json in = Json::parse(input);
      const Description declared = static_cast<Stage&>(of(self).stage)
                                       .configure(Json::parse(params), {in.value("tensors", Json::object()),
                                                                        in.value("metadata", Json::object())});
      of(self).output = Json{{"tensors", declared.tensors}, {"metadata", declared.metadata}}.dump();
      *output = of(self).output.c_str();
      return PTYCHOFLOW_OK;
    });
  }

  static ptychoflow_status process(ptychoflow_instance* self, ptychoflow_packet* c) noexcept {
    return guarded(of(self), [&] {
      Stage& stage = of(self).stage;
      if (!c) return stage.produce() ? PTYCHOFLOW_OK : PTYCHOFLOW_DONE;
      Packet packet = taken_over(*c);
      if (packet.metadata.value("preview", false)) {
        stage.preview(packet);
      } else {
        stage.process(packet);
      }
      return PTYCHOFLOW_OK;
    });
  }

  static ptychoflow_status finalize(ptychoflow_instance* self) noexcept {
    return guarded(of(self), [&] {
      static_cast<Stage&>(of(self).stage).finalize();
      return PTYCHOFLOW_OK;
    });
  }

  static void destroy(ptychoflow_instance* self) noexcept { delete &of(self); }
  static const char* last_error(ptychoflow_instance* self) noexcept { return of(self).error.c_str(); }

  static const char* current_scan(ptychoflow_instance* self) noexcept {
    guarded(of(self), [&] {
      of(self).output = static_cast<const Stage&>(of(self).stage).current_scan();
      return PTYCHOFLOW_OK;
    });
    return of(self).output.c_str();
  }

  static void abandon_scan(ptychoflow_instance* self) noexcept {
    guarded(of(self), [&] {
      static_cast<Stage&>(of(self).stage).abandon_scan();
      return PTYCHOFLOW_OK;
    });
  }

  static void take_ahead(ptychoflow_instance* self, ptychoflow_packet* c) noexcept try {
    Packet packet = taken_over(*c);
    try {
      static_cast<Stage&>(of(self).stage).take_ahead(packet);
    } catch (...) {
    }
    for (std::uint32_t i = 0; i < c->tensor_count; ++i) c->tensors[i].array = packet.take(c->tensors[i].name).release();
  } catch (...) {  // no memory for the packet's own words, at worst: then it comes again
  }

  static const void* extension(ptychoflow_instance* self, const char* text) noexcept {
    static const ptychoflow_takes_ahead ahead{sizeof(ahead), take_ahead};
    static const ptychoflow_scans scans{sizeof(scans), current_scan, abandon_scan};
    static const ptychoflow_gathers gathers{sizeof(gathers)};
    static const ptychoflow_previews previews{sizeof(previews)};
    const std::string_view id = text ? text : "";
    if (id == PTYCHOFLOW_SCANS) return &scans;
    if (id == PTYCHOFLOW_GATHERS && static_cast<const Stage&>(of(self).stage).gathers()) return &gathers;
    if (id == PTYCHOFLOW_TAKES_AHEAD && static_cast<const Stage&>(of(self).stage).takes_ahead()) return &ahead;
    if (id == PTYCHOFLOW_PREVIEWS && static_cast<const Stage&>(of(self).stage).takes_previews()) return &previews;
    return nullptr;
  }

  static const ptychoflow_stage_descriptor* describe(Info given) {
    static Info info = std::move(given);
    static const bool terminated = (info.consumes.push_back(nullptr), info.produces.push_back(nullptr), true);
    static const ptychoflow_stage_descriptor descriptor{sizeof(descriptor),
                                                        PTYCHOFLOW_ABI_VERSION,
                                                        info.name,
                                                        info.version,
                                                        info.summary,
                                                        info.parameters_schema,
                                                        info.consumes.data(),
                                                        info.produces.data(),
                                                        create,
                                                        configure,
                                                        process,
                                                        finalize,
                                                        destroy,
                                                        last_error,
                                                        extension};
    static_cast<void>(terminated);
    return &descriptor;
  }
};

}  // namespace ptychoflow::stage

/// Exports stage class S; the rest are designated initializers of `ptychoflow::stage::Info`.
#define PTYCHOFLOW_STAGE(S, ...)                                                              \
  extern "C" PTYCHOFLOW_EXPORT const ptychoflow_stage_descriptor* ptychoflow_stage(void) {    \
    return ::ptychoflow::stage::Binding<S>::describe(::ptychoflow::stage::Info{__VA_ARGS__}); \
  }
