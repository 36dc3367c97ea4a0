// Keeps what a file links to within a folder.
#pragma once

#include <hdf5.h>

#include <filesystem>
#include <string>

#include "core/io/hdf5_handle.hpp"

namespace ptychoflow::io {

/// Property lists for opening objects by name, such that HDF5 follows no link to a file outside of a folder. In one
/// place: HDF5 holds its address.
class LinkFence {
 public:
  /// @param folder  empty: links may lead anywhere
  explicit LinkFence(const std::filesystem::path& folder);
  LinkFence(const LinkFence&) = delete;
  LinkFence& operator=(const LinkFence&) = delete;

  hid_t for_links() const { return links_ ? links_.get() : H5P_DEFAULT; }
  hid_t for_groups() const { return groups_ ? groups_.get() : H5P_DEFAULT; }
  hid_t for_datasets() const { return datasets_ ? datasets_.get() : H5P_DEFAULT; }

  /// @throws Error (data) if a link was refused since the last call
  /// @param path  in `file` what was asked for
  void expect_none_refused(const std::string& file, const std::string& path);

  /// The same for files that hold a dataset's values, as the sources of a virtual one: HDF5 does not ask about them.
  /// @throws Error (data)
  void check_sources(hid_t dataset, const std::string& file, const std::string& path);

 private:
  static herr_t on_link(const char* file, const char*, const char* target, const char*, unsigned*, hid_t, void* fence);
  bool allows(const std::string& file, const std::string& target) const;

  std::filesystem::path folder_;
  std::string refused_;
  Handle links_, groups_, datasets_;
};

}  // namespace ptychoflow::io
