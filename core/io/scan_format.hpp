// The formats in which scans come.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace ptychoflow::io {

enum class ScanFormat {
  cxi,    ///< CXI 1.6 (cxidb.org), also as PyNX writes it
  nexus,  ///< NXcxi_ptycho (NeXus), also as Diamond writes it
  hxn,    ///< scan_N.h5 of NSLS-II's HXN beamline
  ptyd,   ///< PtyPy's prepared data
  eiger,  ///< master file of an EIGER detector; positions come from elsewhere
};

/// "cxi", "nexus", …
const char* name_of(ScanFormat format);

/// None if no format has this name.
std::optional<ScanFormat> format_named(const std::string& name);

}  // namespace ptychoflow::io
