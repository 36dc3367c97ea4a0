// HDF5's way to the disk when we write: one on which writing never fails, so that HDF5 survives a full disk.
#pragma once

#include <hdf5.h>

namespace ptychoflow::io {

/// File access properties to pass to H5Fcreate or H5Fopen; the caller closes them. HDF5 1.10 crashes, at the latest at
/// exit, after a write that failed. So this driver keeps the first fault to itself, drops what is written from then on,
/// and tells HDF5 that all is well; whoever writes asks `disk_fault` after each call.
/// Takes no lock: for files that nobody else knows yet. @throws Error (other) if HDF5 does not take the driver
hid_t forgiving_file_access();

/// errno of the first write that failed on a file opened so, or 0.
int disk_fault(hid_t file);

/// The same for the file closed last, of which closing may have written the rest.
int disk_fault_of_last_closed();

}  // namespace ptychoflow::io
