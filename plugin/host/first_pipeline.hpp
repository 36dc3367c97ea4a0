// The pipeline to begin with for one scan.
#pragma once

#include <string>

#include "core/io/scan.hpp"
#include "core/io/scan_summary.hpp"

namespace ptychoflow::host {

/// The text of a pipeline file that reconstructs this scan: what its file does not say is a variable without a value,
/// what looks wrong is a remark at the top, and each choice has the reason beside it.
/// @param file    the pipeline's, as the user will name it
/// @param format  of the scan, `auto` if it need not be said
std::string first_pipeline(const io::ScanHeader& header, const io::ScanSummary& summary, const std::string& file,
                           const std::string& format);

}  // namespace ptychoflow::host
