#include "plugin/host/yaml_document.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <optional>
#include <sstream>

#include "plugin/host/yaml_scalar.hpp"

namespace ptychoflow::host {
namespace {

using Json = nlohmann::json;

constexpr std::size_t most_levels = 64;

Place to_place(const YAML::Mark& mark) { return mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1}; }

/// Ends the reading of a document; its fault is already listed.
struct Unreadable {};

bool is_utf8(const std::string& text) {
  try {
    static_cast<void>(Json(text).dump());
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

/// Builds JSON from the parser's events: the node tree of yaml-cpp has forgotten which keys came twice and which
/// scalars were aliases.
class Builder : public YAML::EventHandler {
 public:
  Builder(YamlDocument& document, std::vector<Fault>& faults) : document_(document), faults_(faults) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add_value(Json(), to_place(mark)); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(to_place(mark), "aliases (*name) are not taken; write the value out, or use ${variables}");
    add_value(Json(), to_place(mark));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, const std::string& value) override {
    const Place place = to_place(mark);
    check_tag(tag, place);
    const bool plain = tag == "?" || tag.empty();
    std::optional<Json> resolved = plain ? resolve_plain_scalar(value) : Json(value);
    if (!resolved) {
      refuse(place, fmt::format("{} is not a finite number that fits into 64 bits", value));
      resolved.emplace();
    } else if (value.size() > longest_scalar) {
      refuse(place, fmt::format("a text of {} bytes; at most {} are taken", value.size(), longest_scalar));
      resolved.emplace();
    } else if (!is_utf8(value)) {
      refuse(place, "the text is not UTF-8; save the file in that encoding");
      resolved.emplace();
    } else if (!expects_key()) {
      document_.texts.emplace(pointer().to_string(), value);
    }
    add_value(std::move(*resolved), place);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(Json::array(), tag, to_place(mark));
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t, YAML::EmitterStyle::value) override {
    open(Json::object(), tag, to_place(mark));
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

 private:
  /// A mapping or a list that is being read.
  struct Level {
    Json value;
    Pointer pointer;
    Place place;
    std::optional<std::string> key{};  ///< of the member whose value comes next
    bool skip_value = false;           ///< that value is read and dropped: its key was refused
  };

  bool expects_key() const { return !levels_.empty() && levels_.back().value.is_object() && !levels_.back().key; }

  /// Of the value that comes next.
  Pointer pointer() const {
    if (levels_.empty()) return Pointer();
    const Level& level = levels_.back();
    if (level.value.is_array()) return level.pointer / level.value.size();
    return level.key ? level.pointer / *level.key : level.pointer;
  }

  void refuse(Place place, std::string text) {
    const std::string where = pointer().to_string();
    if (!expects_key()) document_.unusable.insert(where);
    faults_.push_back({place, where, std::move(text)});
  }

  void check_tag(const std::string& tag, Place place) {
    if (tag.empty() || tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:str") return;
    refuse(place, fmt::format("the tag {} is not taken; leave it out", tag));
  }

  void open(Json empty, const std::string& tag, Place place) {
    check_tag(tag, place);
    const Pointer here = pointer();
    if (levels_.size() == most_levels) {
      refuse(place, fmt::format("nested deeper than {} levels", most_levels));
      throw Unreadable();
    }
    if (!expects_key()) document_.values.emplace(here.to_string(), place);
    levels_.push_back({std::move(empty), here, place});
  }

  void close() {
    Level level = std::move(levels_.back());
    levels_.pop_back();
    add_value(std::move(level.value), level.place);
  }

  void add_value(Json value, Place place) {
    if (expects_key()) return add_key(value, place);
    const std::string where = pointer().to_string();
    if (levels_.empty()) {
      document_.values.emplace(where, place);
      document_.root = std::move(value);
      return;
    }
    Level& level = levels_.back();
    // An empty value has the mark of whatever follows it: its key is the better place.
    const auto key = document_.keys.find(where);
    document_.values.emplace(where, value.is_null() && key != document_.keys.end() ? key->second : place);
    if (level.value.is_array()) {
      level.value.push_back(std::move(value));
      return;
    }
    if (!level.skip_value) level.value[*level.key] = std::move(value);
    level.key.reset();
    level.skip_value = false;
  }

  void add_key(const Json& key, Place place) {
    Level& level = levels_.back();
    if (!key.is_string()) {
      refuse(place, key.is_primitive() && !key.is_null()
                        ? fmt::format("the key {} is not text; put it in quotes", key.dump())
                        : "a key must be text");
      level.key = "";
      level.skip_value = true;
      return;
    }
    level.key = key.get<std::string>();
    const std::string where = pointer().to_string();
    if (const auto [first, is_new] = document_.keys.emplace(where, place); !is_new) {
      faults_.push_back({place, where, fmt::format("given twice; first at line {}", first->second.line)});
      level.skip_value = true;
    }
  }

  YamlDocument& document_;
  std::vector<Fault>& faults_;
  std::vector<Level> levels_;
};

/// For what comes after the first document.
class Trailer : public YAML::EventHandler {
 public:
  explicit Trailer(std::vector<Fault>& faults) : faults_(faults) {}
  void OnDocumentStart(const YAML::Mark& mark) override {
    faults_.push_back({to_place(mark), "", "a second document begins here; a pipeline file holds one"});
    throw Unreadable();
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  std::vector<Fault>& faults_;
};

}  // namespace

Place YamlDocument::place(Pointer pointer, Spot spot) const {
  if (spot == Spot::key) {
    if (const auto found = keys.find(pointer.to_string()); found != keys.end()) return found->second;
  }
  for (;; pointer.pop_back()) {
    if (const auto found = values.find(pointer.to_string()); found != values.end()) return found->second;
    if (pointer.empty()) return {};
  }
}

YamlDocument parse_yaml(const std::string& text, std::vector<Fault>& faults) {
  YamlDocument document;
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    Builder builder(document, faults);
    if (!parser.HandleNextDocument(builder) || document.root.is_null()) {
      faults.push_back({Place{}, "", "the file is empty; a pipeline has a 'name' and 'stages'"});
      return document;
    }
    Trailer trailer(faults);
    parser.HandleNextDocument(trailer);
    document.readable = true;
  } catch (const Unreadable&) {
  } catch (const YAML::Exception& error) {
    faults.push_back({to_place(error.mark), "", "not valid YAML: " + error.msg});
  }
  if (!document.readable) document.root = Json();
  return document;
}

}  // namespace ptychoflow::host
