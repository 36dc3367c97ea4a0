#include "plugin/host/completion.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ptychoflow::host {
namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  return fmt::format("{}", fmt::join(names, " "));
}

}  // namespace

std::string bash_completion(const CLI::App& app, const Choices& choices) {
  std::string commands, cases, values;
  for (const CLI::App* command : commands_of(app)) {
    commands += command->get_name() + ' ';
    cases += fmt::format("      {}) words='{}' ;;\n", command->get_name(), options_of(*command));
  }
  for (const auto& [option, words] : choices) {
    values += fmt::format("    {}) words='{}' ;;\n", option, fmt::join(words, " "));
  }
  return fmt::format(R"bash(# Completion for bash: source <(ptychoflow completion)
_ptychoflow() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} words=
  case ${{COMP_WORDS[COMP_CWORD - 1]}} in
{}    --folder | --state) mapfile -t COMPREPLY < <(compgen -d -- "$word"); return ;;
    stages) words="$("${{COMP_WORDS[0]}}" stages 2>/dev/null | cut -d' ' -f1)" ;;
  esac
  if ((COMP_CWORD == 1)); then
    words='{}{}'
  elif [[ $word == -* ]]; then
    case ${{COMP_WORDS[1]}} in
{}    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -o default -F _ptychoflow ptychoflow
)bash",
                     values, commands, options_of(app), cases);
}

}  // namespace ptychoflow::host
