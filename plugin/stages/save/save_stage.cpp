// Stage `save`: the result file of a reconstruction and its pictures.
#include <fmt/format.h>

#include <set>

#include "plugin/stages/save/result.hpp"
#include "plugin/stages/save/targets.hpp"
#include "save_schema.hpp"

namespace ptychoflow {
namespace {

using stage::Description;
using stage::Json;
using stage::Packet;

class Save : public stage::Stage {
 public:
  Description configure(const Json& params, const Description& input) override {
    file_ = params.at("file").get<std::string>();
    overwrite_ = params.value("overwrite", false) ? io::Overwrite::allow : io::Overwrite::refuse;
    pictures_ = params.value("pictures", true) ? save::Pictures::drawn : save::Pictures::none;
    title_ = params.value("title", "");
    // A name that is not known before the data comes stands for itself: its folder can be checked all the same.
    const std::string scan = input.metadata.value("scan", "");
    if (is_root()) save::check_targets(save::Targets::of(file_, scan.empty() ? "{scan}" : scan), pictures_, overwrite_);
    return input;
  }

  void process(Packet& packet) override {
    if (is_root() && packet.has("object")) write(packet);
    emit(packet);
  }

 private:
  void write(const Packet& packet) {
    const std::string scan = packet.metadata.value("scan", "");
    const save::Targets targets = save::Targets::of(file_, scan);
    if (!written_.insert(targets.result).second) {
      throw Error(ErrorCode::usage,
                  fmt::format("save: file: the result of scan '{}' would replace that of an earlier scan in {}: put "
                              "{{scan}} into the name, and give each scan a name of its own",
                              scan, targets.result.string()));
    }
    save::check_targets(targets, pictures_, overwrite_);
    const io::ResultFile result = save::result_of(packet, host(), title_.empty() ? scan : title_);
    io::write_result(targets.result, result, overwrite_);
    info("result: " + targets.result.string());
    Json files = Json::object({{"result", targets.result.string()}, {"pictures", Json::array()}});
    if (pictures_ == save::Pictures::drawn) {
      std::string names;
      for (const auto& path : save::write_pictures(targets, result)) {
        names += (names.empty() ? "" : ", ") + path.string();
        files["pictures"].push_back(path.string());
      }
      info("pictures: " + names);
    }
    files_.push_back(std::move(files));
    report({{"files", files_}});
  }

  std::string file_;
  std::string title_;
  io::Overwrite overwrite_ = io::Overwrite::refuse;
  save::Pictures pictures_ = save::Pictures::drawn;
  std::set<std::filesystem::path> written_;
  Json files_ = Json::array();
};

}  // namespace
}  // namespace ptychoflow

PTYCHOFLOW_STAGE(ptychoflow::Save, .name = "save", .summary = "Writes the result file and its pictures",
                 .parameters_schema = save_schema, .consumes = {"object", "probe"})
