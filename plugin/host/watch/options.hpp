// What the user wants of `ptychoflow watch`.
#pragma once

#include <filesystem>
#include <string>

namespace ptychoflow::host {

struct WatchOptions {
  std::filesystem::path folder;
  std::string pattern = "*.cxi";
  std::string flag;      ///< a scan is complete when a file of its name and this suffix is there; empty: by itself
  double settle_s = 30;  ///< a file that has not changed for so long is complete
  std::string variable = "input";  ///< of the pipeline, which gets the scan's file
  std::string launcher;            ///< words in front of the program, such as mpirun -n 4
  std::string submit;              ///< a shell command in place of a run
  std::filesystem::path state;     ///< folder; empty: by the pipeline's name
  std::filesystem::path metrics;   ///< file; empty: in `state`
  int parallel = 1;                ///< scans at a time
  int retries = 3;
  double backoff_s = 30;      ///< before the first retry; twice as much before each further one
  bool once = false;          ///< end when nothing is left to do
  bool retry_failed = false;  ///< give those that were given up another chance
  bool status = false;        ///< say how things stand, and end
};

}  // namespace ptychoflow::host
