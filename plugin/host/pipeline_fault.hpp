// A fault of a pipeline file and its place: collected, so that the user sees all of them at once.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ptychoflow::host {

/// A place in a text file; both count from 1.
struct Place {
  int line = 1;
  int column = 1;
};

struct Fault {
  std::optional<Place> place;  ///< none: the fault is not within the file
  std::string pointer;         ///< JSON pointer; empty: the whole document
  std::string text;
};

/// One line a fault, by place: `FILE:LINE:COLUMN: POINTER: TEXT`; after 50 lines the number of those left out.
std::string fault_report(const std::string& file, std::vector<Fault> faults);

}  // namespace ptychoflow::host
