#include "plugin/host/pipeline_fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace ptychoflow::host {

std::string fault_report(const std::string& file, std::vector<Fault> faults) {
  constexpr std::size_t most_lines = 50;
  const auto order = [](const Fault& fault) {
    return fault.place ? std::tuple(fault.place->line, fault.place->column) : std::tuple(0, 0);
  };
  std::stable_sort(faults.begin(), faults.end(), [&](const Fault& a, const Fault& b) { return order(a) < order(b); });
  std::string report;
  for (std::size_t i = 0; i < std::min(faults.size(), most_lines); ++i) {
    const Fault& fault = faults[i];
    if (i) report += '\n';
    report += file;
    if (fault.place) report += fmt::format(":{}:{}", fault.place->line, fault.place->column);
    if (!fault.pointer.empty()) report += ": " + fault.pointer;
    report += ": " + fault.text;
  }
  if (faults.size() > most_lines) report += fmt::format("\n{}: and {} more faults", file, faults.size() - most_lines);
  return report;
}

}  // namespace ptychoflow::host
