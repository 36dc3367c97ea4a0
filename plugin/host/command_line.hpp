// The command line, as a plain struct.
#pragma once

#include <map>
#include <string>

#include "plugin/host/progress.hpp"
#include "plugin/host/watch/options.hpp"

namespace ptychoflow::host {

struct Command {
  enum class Verb {
    show,     ///< print `text` and end well: help, version or a script
    run,      ///< reconstruct
    check,    ///< everything that `run` does before data moves
    stages,   ///< what stages there are, or all about one
    inspect,  ///< what a scan's file holds
    init,     ///< a pipeline to begin with for a scan
    watch,    ///< reconstruct what comes into a folder
  };

  Verb verb = Verb::show;
  std::string text;                              ///< for `show`
  std::string pipeline;                          ///< file
  std::map<std::string, std::string> overrides;  ///< --set
  std::string file, format = "auto";             ///< for `inspect` and `init`
  std::string output;                            ///< for `init`; empty: named after the scan
  std::string stage;                             ///< for `stages`; empty: all
  bool markdown = false, man = false;            ///< for `stages`: as a page
  std::string backend = "auto";
  std::string report;             ///< file; empty: none
  bool whole_or_nothing = false;  ///< if it is asked to stop, it ends at once
  int threads = 0;                ///< 0: as many as there are cores
  WatchOptions watch;
  double patience_s = 10;  ///< with a rank that is lost; 0: for ever
  Verbosity verbosity = Verbosity::normal;
  std::string line;  ///< as the user gave it, for the record
};

/// @throws Error (usage), with the nearest right name for a wrong one
Command parse_command_line(int argc, const char* const* argv);

}  // namespace ptychoflow::host
