// A result as a page for people: one file that needs no server and no network.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/io/result_file.hpp"
#include "plugin/api/stage.hpp"
#include "plugin/stages/save/pictures.hpp"

namespace ptychoflow::save {

/// HTML with everything in it: facts of the scan, what to try where the result looks wrong, the pictures, positions
/// over coverage, ring correlation if compare found one, the pipeline.
/// @param metadata  of the packet that the result came with
std::string html_report(const io::ResultFile& result, const stage::Json& metadata,
                        const std::vector<Picture>& pictures);

/// @throws Error (usage, resource) as io::AtomicFile does
void write_report(const std::filesystem::path& file, const std::string& page, io::Overwrite overwrite);

}  // namespace ptychoflow::save
