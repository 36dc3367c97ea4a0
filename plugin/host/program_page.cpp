#include "plugin/host/program_page.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "plugin/host/roff.hpp"

namespace ptychoflow::host {
namespace {

std::string bold(const std::string& text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + roff(text) + "\\fR"; }

/// "-v, --verbose", "--threads N", or the name of what has no dashes.
std::string tag_of(const CLI::Option& option) {
  if (option.get_positional()) return italic(option.get_name(true));
  std::vector<std::string> names;
  for (const auto& name : option.get_snames()) names.push_back(bold("-" + name));
  for (const auto& name : option.get_lnames()) names.push_back(bold("--" + name));
  const std::string value = option.get_type_name();
  return fmt::format("{}{}", fmt::join(names, ", "), value.empty() ? "" : ' ' + italic(value));
}

/// Arguments first. What every command has, --help, is said of the program.
std::vector<const CLI::Option*> options_of(const CLI::App& app) {
  std::vector<const CLI::Option*> options = app.get_options();
  if (app.get_parent()) std::erase(options, app.get_help_ptr());
  std::stable_partition(options.begin(), options.end(), [](const CLI::Option* o) { return o->get_positional(); });
  return options;
}

std::string items(const CLI::App& app) {
  std::string text;
  for (const CLI::Option* option : options_of(app)) text += roff_item(tag_of(*option), roff(option->get_description()));
  return text;
}

/// "ptychoflow run FILE --folder DIR [OPTIONS]".
std::string usage(const CLI::App& command) {
  std::string text = bold("ptychoflow " + command.get_name());
  bool has_more = false;
  for (const CLI::Option* option : options_of(command)) {
    if (option->get_required() || option->get_positional()) {
      text += option->get_required() ? ' ' + tag_of(*option) : " [" + tag_of(*option) + ']';
    } else {
      has_more = true;
    }
  }
  return text + (has_more ? " [" + italic("OPTIONS") + ']' : "");
}

constexpr const char* description = R"(.SH DESCRIPTION
A pipeline is a list of stages in a YAML file: the first reads or simulates a scan, what one emits goes to the next, and
the last writes the result.
.B ptychoflow init
writes one for a scan,
.B ptychoflow run
runs it. Each stage has a page of its own,
.BR ptychoflow\-\fINAME\fR (7);
.B ptychoflow stages
lists them.
.PP
With
.B mpirun \-n 4
in front, four ranks work on one scan together.
)";

constexpr const char* surroundings = R"(.SH SIGNALS
SIGINT, SIGTERM and SIGUSR1 have
.B ptychoflow run
finish the present iteration and write the result reached so far. mpirun kills its ranks a second after Ctrl\-C: send it
SIGUSR1 instead. A second SIGINT ends it at once.
.SH ENVIRONMENT
.TP
.B PTYCHOFLOW_STAGE_PATH
Folders with further stages, separated by colons. They come before those of the installation.
.TP
.B CUDA_VISIBLE_DEVICES
The GPUs that may be used, as for any program with CUDA.
.SH FILES
Below the folder that the program's
.I bin
lies in:
.TP
.I lib/ptychoflow/stages
The stages, a shared object each.
.TP
.I share/ptychoflow/pipelines
Pipelines to begin with: quickstart.yaml needs no data, reconstruct.yaml takes a scan.
.TP
.I share/ptychoflow/schemas
JSON Schema of the pipeline file and of each stage's parameters, for editors.
.SH SEE ALSO
.BR ptychoflow\-load (7),
.BR ptychoflow\-ptycho_dm (7),
.BR ptychoflow\-save (7),
.BR mpirun (1)
)";

}  // namespace

std::string program_page(const CLI::App& app, const ExitCodes& exit_codes) {
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  std::string summary = app.get_description();
  if (summary.ends_with('.')) summary.pop_back();
  std::string text = roff_page("ptychoflow", 1, "Programs", summary) + ".SH SYNOPSIS\n";
  for (const CLI::App* command : commands) text += usage(*command) + (command == commands.back() ? "\n" : "\n.br\n");
  text += description;
  text += ".SH OPTIONS\n" + items(app) + ".SH COMMANDS\n";
  for (const CLI::App* command : commands) {
    text += fmt::format(".SS {}\n{}\n{}", usage(*command), roff(command->get_description()), items(*command));
  }
  text += ".SH EXIT STATUS\n";
  for (const auto& [code, meaning] : exit_codes) text += roff_item(fmt::format("\\fB{}\\fR", code), roff(meaning));
  return text + surroundings;
}

}  // namespace ptychoflow::host
