// Stage `save`: the result file of a reconstruction, its pictures and report, and files for other programs.
#include <fmt/format.h>

#include <optional>
#include <set>
#include <utility>

#include "core/comm/communicator.hpp"

#include "plugin/stages/save/html_report.hpp"
#include "plugin/stages/save/pictures.hpp"
#include "plugin/stages/save/result.hpp"
#include "plugin/stages/save/row_exchange.hpp"
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
    title_ = params.value("title", "");
    in_rows_ = input.has("object_rows");
    if (!in_rows_ && !input.has("object"))
      throw Error(ErrorCode::usage, "there is no object to save: no stage before gives one");
    const bool may_be_whole = !in_rows_ || input.metadata.value("object_may_be_gathered", false);
    wanted_ = {
        .formats = {}, .pictures = params.value("pictures", may_be_whole), .report = params.value("report", false)};
    for (const auto& name : params.value("formats", std::vector<std::string>{})) {
      wanted_.formats.push_back(save::format_named(name));
    }
    if (!may_be_whole && needs_whole()) {
      throw Error(ErrorCode::usage,
                  "the object stays in rows (gather_object: false in ptycho_dm), but pictures, report and formats need "
                  "it whole: leave these out, or that");
    }
    // A name that is not known before the data comes stands for itself: its folder can be checked all the same.
    const std::string scan = input.metadata.value("scan", "");
    if (is_root()) check(save::Targets::of(file_, scan.empty() ? "{scan}" : scan));
    return input;
  }

  void process(Packet& packet) override {
    if (in_rows_ && needs_whole()) {
      write_gathered(packet);
    } else if (in_rows_) {
      write_by_rows(packet);
    } else if (is_root() && packet.has("object")) {
      write(packet);
    }
    emit(packet);
  }

  bool takes_previews() const override { return wanted_.pictures; }

  /// Pictures for people who watch; a fault in them must not end what they watch.
  void preview(Packet& packet) override {
    if (!is_root()) return;
    const auto targets = save::Targets::of(file_, packet.metadata.value("scan", "")).of_preview();
    try {
      save::write_pictures(save::draw_pictures(targets, save::result_of(packet, host(), title_)));
    } catch (const Error& e) {
      if (!std::exchange(previews_failed_, true)) warn(fmt::format("previews: {}", e.what()));
    }
  }

 private:
  void check(const save::Targets& targets) const { save::check_targets(targets, wanted_, overwrite_); }

  /// @throws Error (usage) if this stage has written `file` before
  void claim(const std::filesystem::path& file, const std::string& scan) {
    if (written_.insert(file).second) return;
    throw Error(ErrorCode::usage,
                fmt::format("save: file: the result of scan '{}' would replace that of an earlier scan in {}: put "
                            "{{scan}} into the name, and give each scan a name of its own",
                            scan, file.string()));
  }

  /// What needs the object whole is made besides the result file.
  bool needs_whole() const { return wanted_.pictures || wanted_.report || !wanted_.formats.empty(); }

  /// Brings the object together on the root, for as long as it takes to write all that is wanted. Collective.
  void write_gathered(Packet& packet) {
    save::RowExchange exchange(packet, comm::Communicator(host().mpi_communicator(&host())));
    if (!is_root()) return exchange.give();
    save::WholeObject whole;
    try {
      whole = exchange.whole();
    } catch (...) {
      exchange.drop_rest();
      throw;
    }
    packet.tensors.emplace("object", std::move(whole.object));
    packet.tensors.emplace("object_coverage", std::move(whole.coverage));
    write(packet);
    packet.tensors.erase("object");
    packet.tensors.erase("object_coverage");
  }

  /// All ranks give what they have of the object to the root, which writes. Collective.
  void write_by_rows(const Packet& packet) {
    save::RowExchange exchange(packet, comm::Communicator(host().mpi_communicator(&host())));
    if (!is_root()) return exchange.give();
    try {
      write(packet, exchange.rows());
    } catch (...) {
      exchange.drop_rest();
      throw;
    }
  }

  void write(const Packet& packet, std::optional<io::ObjectRows> rows = std::nullopt) {
    const std::string scan = packet.metadata.value("scan", "");
    const save::Targets targets = save::Targets::of(file_, scan);
    claim(targets.result, scan);
    for (const save::Format& format : wanted_.formats) claim(targets.in(format), scan);
    check(targets);
    io::ResultFile result = save::result_of(packet, host(), title_.empty() ? scan : title_);
    result.object_rows = std::move(rows);
    io::write_result(targets.result, result, overwrite_);
    info("result: " + targets.result.string());
    Json files = Json::object({{"result", targets.result.string()}, {"pictures", Json::array()}});
    for (const save::Format& format : wanted_.formats) {
      const std::string name = targets.in(format).string();
      format.write(name, result, overwrite_);
      info(fmt::format("for {}: {}", format.name, name));
      files["formats"][format.name] = name;
    }
    // All are drawn before the first is written: what cannot be drawn leaves no set that is incomplete.
    const auto pictures =
        wanted_.pictures || wanted_.report ? save::draw_pictures(targets, result) : std::vector<save::Picture>{};
    if (wanted_.pictures) {
      std::string names;
      for (const auto& path : save::write_pictures(pictures)) {
        names += (names.empty() ? "" : ", ") + path.string();
        files["pictures"].push_back(path.string());
      }
      info("pictures: " + names);
    }
    if (wanted_.report) {
      save::write_report(targets.report, save::html_report(result, packet.metadata, pictures), overwrite_);
      info("report: " + targets.report.string());
      files["report"] = targets.report.string();
    }
    for (const auto& picture : targets.of_preview().pictures()) std::filesystem::remove(picture);
    files_.push_back(std::move(files));
    report({{"files", files_}});
  }

  std::string file_;
  std::string title_;
  bool in_rows_ = false;
  io::Overwrite overwrite_ = io::Overwrite::refuse;
  save::Companions wanted_;
  std::set<std::filesystem::path> written_;
  bool previews_failed_ = false;
  Json files_ = Json::array();
};

}  // namespace
}  // namespace ptychoflow

PTYCHOFLOW_STAGE(ptychoflow::Save, .name = "save",
                 .summary = "Writes the result file, its pictures and report, and files for other programs",
                 .parameters_schema = save_schema, .consumes = {"probe"})
