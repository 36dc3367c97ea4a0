// The command `stages`.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iostream>

#include "plugin/host/commands.hpp"
#include "plugin/host/parameter_help.hpp"
#include "plugin/host/paths.hpp"
#include "plugin/host/roff.hpp"
#include "plugin/host/stage_library.hpp"

namespace ptychoflow::host {
namespace {

void list(const StageLibrary& library) {
  const auto names = library.names();
  std::size_t width = 0;
  for (const auto& name : names) width = std::max(width, name.size());
  for (const auto& name : names) {
    std::string summary;
    try {
      summary = library.load(name).descriptor->summary;
    } catch (const Error& e) {  // the others are still worth listing
      summary = std::string("cannot be used: ") + e.what();
    }
    std::cout << fmt::format("{:<{}}  {}\n", name, width, summary);
  }
  if (names.empty()) {
    std::cout << fmt::format("There are no stages in {}.\n", fmt::join(stage_folders(), ", "));
  }
}

std::string or_nothing(const std::vector<std::string>& names, const char* nothing) {
  return names.empty() ? nothing : fmt::format("{}", fmt::join(names, ", "));
}

void explain(const LoadedStage& stage) {
  std::cout << fmt::format("{} (version {}): {}\n\n", stage.descriptor->name, stage.descriptor->version,
                           stage.descriptor->summary)
            << "consumes  " << or_nothing(stage.consumes, "nothing: it is a source") << '\n'
            << "produces  " << or_nothing(stage.produces, "nothing new") << '\n'
            << "file      " << stage.file << "\n\nparameters\n"
            << describe_parameters(stage.parameters_schema);
}

/// The same as a page for the documentation; it does not say where the stage is on this machine.
void write_page(const LoadedStage& stage) {
  std::cout << fmt::format("# {}\n\n{}.\n\n", stage.descriptor->name, stage.descriptor->summary)
            << "- Consumes: " << or_nothing(stage.consumes, "nothing: it is a source") << '\n'
            << "- Produces: " << or_nothing(stage.produces, "nothing new") << "\n\n"
            << "What these are is in [STREAM.md](../STREAM.md).\n\n## Parameters\n\n"
            << list_parameters(stage.parameters_schema);
}

/// The same for man.
void write_manual_page(const LoadedStage& stage) {
  const std::string name = stage.descriptor->name;
  std::cout << roff_page("ptychoflow-" + name, 7, "Stages of ptychoflow", stage.descriptor->summary)
            << fmt::format(
                   ".SH SYNOPSIS\n.nf\n\\- stage: {}\n  params: {{\\fIPARAMETER\\fR: \\fIvalue\\fR, ...}}\n.fi\n",
                   roff(name))
            << ".SH DESCRIPTION\nA stage of a pipeline, which\n.BR ptychoflow (1)\nruns.\n"
            << roff_item("Consumes", roff(or_nothing(stage.consumes, "nothing: it is a source")))
            << roff_item("Produces", roff(or_nothing(stage.produces, "nothing new"))) << ".SH PARAMETERS\n"
            << roff_parameters(stage.parameters_schema) << ".SH SEE ALSO\n.BR ptychoflow (1)\n";
}

}  // namespace

void show_stages(const Command& command) {
  const StageLibrary library(stage_folders());
  if (command.stage.empty()) {
    list(library);
  } else if (command.markdown) {
    write_page(library.load(command.stage));
  } else if (command.man) {
    write_manual_page(library.load(command.stage));
  } else {
    explain(library.load(command.stage));
  }
}

}  // namespace ptychoflow::host
