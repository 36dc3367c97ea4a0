// What a watch tells of itself in figures, as Prometheus' node exporter reads them from a text file.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "plugin/host/watch/journal.hpp"

namespace ptychoflow::host {

/// @param untaken  scans that are complete and wait for their turn
std::string metrics_text(const Journal::Scans& scans, std::size_t untaken);

/// Of a run's report; 0 if it does not say.
double view_modes_per_s(const nlohmann::json& report);

/// Writes a text file whole or not at all. @throws Error (resource or usage) as io::AtomicFile does
void write_whole(const std::filesystem::path& file, const std::string& text);

}  // namespace ptychoflow::host
