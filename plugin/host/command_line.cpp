#include "plugin/host/command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <sstream>
#include <vector>

#include "core/base/error.hpp"
#include "plugin/host/completion.hpp"
#include "plugin/host/nearest_name.hpp"
#include "plugin/host/program_page.hpp"
#include "plugin/host/versions.hpp"

namespace ptychoflow::host {
namespace {

const Choices choices{{"--backend", {"auto", "cpu", "cuda"}},
                      {"--format", {"auto", "cxi", "nexus", "hxn", "ptyd", "eiger"}}};

const ExitCodes exit_codes{{0, "done"},          {2, "usage or pipeline"},
                           {3, "input data"},    {4, "a resource or a rank is missing"},
                           {130, "interrupted"}, {1, "other"}};

/// The command line again, such that a shell would read it the same.
std::string quoted(int argc, const char* const* argv) {
  std::string line;
  for (int i = 0; i < argc; ++i) {
    const std::string word = argv[i];
    if (i > 0) line += ' ';
    if (!word.empty() && word.find_first_of(" \t\n\"'\\$*?[]{}()<>|&;#~`!") == std::string::npos) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

std::map<std::string, std::string> pairs(const std::vector<std::string>& settings) {
  std::map<std::string, std::string> map;
  for (const auto& setting : settings) {
    const auto split = setting.find('=');
    if (split == std::string::npos || split == 0) {
      throw Error(ErrorCode::usage, "--set " + setting + ": expected name=value, as in --set input=scan.cxi");
    }
    map[setting.substr(0, split)] = setting.substr(split + 1);
  }
  return map;
}

/// What to say of a word that the parser did not know.
std::string unknown(const CLI::App& app, const std::string& word) {
  const CLI::App* command = &app;
  for (const CLI::App* chosen : app.get_subcommands()) command = chosen;
  std::vector<std::string> known;
  const bool is_option = word.starts_with("-");
  if (is_option) {
    for (const CLI::Option* option : command->get_options()) {
      for (const auto& name : option->get_lnames()) known.push_back("--" + name);
    }
  } else if (command == &app) {
    for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; }))
      known.push_back(one->get_name());
  }
  const char* kind = is_option ? "option" : command == &app ? "command" : "argument";
  const std::string nearest = nearest_name(word.substr(0, word.find('=')), known);
  return fmt::format("unknown {} '{}'{}", kind, word, nearest.empty() ? "" : "; did you mean '" + nearest + "'?");
}

void add_watch_options(CLI::App* to, WatchOptions& watch) {
  const auto at_least = [](double least) { return CLI::Range(least, 1e9).description(""); };
  to->add_option("--folder", watch.folder, "where scans come")->required()->type_name("DIR");
  to->add_option("--pattern", watch.pattern, "their names; default: *.cxi")->type_name("PATTERN");
  to->add_option("--variable", watch.variable, "of the pipeline, to be set to a scan's file; default: input")
      ->type_name("NAME");
  to->add_option("--settle", watch.settle_s, "a file that has not changed for so many seconds is complete; default: 30")
      ->type_name("SECONDS")
      ->check(at_least(0));
  to->add_option("--flag", watch.flag,
                 "a scan is complete when a file of its name and this suffix, .done say, is there")
      ->type_name("SUFFIX");
  to->add_option("--parallel", watch.parallel, "scans at a time; default: 1")->type_name("N")->check(at_least(1));
  to->add_option("--launcher", watch.launcher, "words before each run, such as 'mpirun -n 4'")->type_name("WORDS");
  to->add_option("--submit", watch.submit, "a shell command in place of a run, with {scan} and {name} in it")
      ->type_name("COMMAND");
  to->add_option("--retries", watch.retries, "after failures other than of data or pipeline; default: 3")
      ->type_name("N")
      ->check(at_least(0));
  to->add_option("--backoff", watch.backoff_s, "seconds to the first retry, doubled for each further one; default: 30")
      ->type_name("SECONDS")
      ->check(at_least(0));
  to->add_flag("--retry-failed", watch.retry_failed, "take those again that were given up");
  to->add_option("--state", watch.state, "folder of journal, logs and reports; default: the pipeline's name and .watch")
      ->type_name("DIR");
  to->add_option("--metrics", watch.metrics, "file for Prometheus' node exporter; default: metrics.prom in the state")
      ->type_name("FILE");
  to->add_flag("--once", watch.once, "end when nothing is left to do");
  to->add_flag("--status", watch.status, "say what has become of each scan, and end");
}

}  // namespace

Command parse_command_line(int argc, const char* const* argv) {
  Command command;
  command.line = quoted(argc, argv);
  std::vector<std::string> settings;
  bool debug = false, quiet = false;

  CLI::App app("Multi-mode ptychography by the Difference Map, in pipelines of stages described in YAML.",
               "ptychoflow");
  app.set_version_flag("--version", versions_text());
  app.require_subcommand(1);
  std::vector<std::string> codes;
  for (const auto& [code, meaning] : exit_codes) codes.push_back(fmt::format("{} {}", code, meaning));
  app.footer(fmt::format("Exit codes: {}.", fmt::join(codes, ", ")));
  const auto add_pipeline = [&](CLI::App* to) {
    to->add_option("FILE", command.pipeline, "the pipeline, a YAML file")->required();
    to->add_option("--set", settings, "give a variable of the pipeline a value; may be repeated")
        ->type_name("NAME=VALUE")
        ->allow_extra_args(false);
    to->add_option("--threads", command.threads, "threads of each process; default: the cores there are")
        ->type_name("N")
        ->check(CLI::Range(1, 4096).description(""));
    to->add_option("--backend", command.backend, "where to compute: auto, cpu or cuda; default: auto")
        ->type_name("NAME")
        ->check(CLI::IsMember(choices.at("--backend")).description(""));
    to->add_option(
          "--patience", command.patience_s,
          "under MPI, seconds within which a rank that dies, hangs or is lost ends the run; default: 10, 0: never")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.0, 1e6).description(""));
    auto* verbose_flag = to->add_flag("-v,--verbose", debug, "say more");
    to->add_flag("-q,--quiet", quiet, "warnings and errors only")->excludes(verbose_flag);
  };
  auto* run = app.add_subcommand("run", "Run a pipeline.");
  add_pipeline(run);
  run->add_option("--report", command.report, "write what was done, and how fast, to this file")
      ->type_name("FILE.json");
  run->add_flag("--whole-or-nothing", command.whole_or_nothing,
                "if asked to stop, end at once and without a result, or if one is there already, with all there is to "
                "be; default: "
                "pass on what has been reached");
  auto* check = app.add_subcommand("check", "Check a pipeline and its input, up to where data would move.");
  add_pipeline(check);
  auto* stages = app.add_subcommand("stages", "List the stages, or explain one and its parameters.");
  auto* stage_name = stages->add_option("NAME", command.stage, "the stage to explain");
  auto* markdown = stages->add_flag("--markdown", command.markdown, "as a page of documentation")->needs(stage_name);
  stages->add_flag("--man", command.man, "as a page for man")->needs(stage_name)->excludes(markdown);

  const auto add_scan = [&](CLI::App* to) {
    to->add_option("FILE", command.file, "the scan: CXI, NeXus, HXN, PtyPy, EIGER")->required();
    to->add_option("--format", command.format, "cxi, nexus, hxn, ptyd or eiger; default: what the file says")
        ->type_name("NAME")
        ->check(CLI::IsMember(choices.at("--format")).description(""));
  };
  auto* inspect = app.add_subcommand("inspect", "Say what a scan's file holds, and what looks wrong with it.");
  add_scan(inspect);
  auto* init = app.add_subcommand("init", "Write a pipeline to begin with for a scan.");
  add_scan(init);
  init->add_option("-o,--output", command.output, "the pipeline's file; default: the scan's name and .yaml, here")
      ->type_name("FILE.yaml");
  auto* watch = app.add_subcommand("watch", "Run a pipeline on each scan that comes into a folder, once.");
  add_pipeline(watch);
  add_watch_options(watch, command.watch);

  auto* completion = app.add_subcommand("completion", "Print a script that has bash complete commands and options.");
  auto* man = app.add_subcommand("man", "Print this as a page for man.");

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {  // help or version
    std::ostringstream text, unused;
    app.exit(e, text, unused);
    command.text = text.str();
    return command;
  } catch (const CLI::ParseError& e) {
    const auto extras = app.remaining(true);
    if (argc < 2)
      throw Error(ErrorCode::usage,
                  "no command given: run, check, stages, inspect, init or watch (see ptychoflow --help)");
    throw Error(ErrorCode::usage, fmt::format("{}\n  (see ptychoflow --help)",
                                              extras.empty() ? std::string(e.what()) : unknown(app, extras.front())));
  }
  if (*completion) {
    command.text = bash_completion(app, choices);
    return command;
  }
  if (*man) {
    command.text = program_page(app, exit_codes);
    return command;
  }
  command.verb = *run       ? Command::Verb::run
                 : *check   ? Command::Verb::check
                 : *inspect ? Command::Verb::inspect
                 : *init    ? Command::Verb::init
                 : *watch   ? Command::Verb::watch
                            : Command::Verb::stages;
  command.overrides = pairs(settings);
  command.verbosity = debug ? Verbosity::debug : quiet ? Verbosity::quiet : Verbosity::normal;
  return command;
}

}  // namespace ptychoflow::host
