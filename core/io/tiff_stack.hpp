// A stack of float32 TIFF pictures, one a slice, as ImageJ, Avizo and others open it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/view.hpp"
#include "core/io/atomic_file.hpp"

namespace ptychoflow::io {

/// Checks, before any data moves, that a stack can be written to `folder`.
/// @throws what `check_target` throws for the folder's own folder, and Error (usage) if `folder` is there and
/// `overwrite` is `refuse`, or is a file, or holds anything but TIFF pictures, which are not ours to remove
void check_stack_target(const std::filesystem::path& folder, Overwrite overwrite);

/// Pictures `NAME_0000.tif` … in a folder that appears with `commit`, whole; an older stack there goes then. Without
/// `commit` nothing stays. All calls throw Error (resource) if the disk is full or otherwise refuses.
class TiffStack {
 public:
  /// `pixel_size_m` of the pictures, 0 if not known: kept as their resolution. @throws what `check_stack_target` throws
  TiffStack(std::filesystem::path folder, std::string name, double pixel_size_m, Overwrite overwrite);
  ~TiffStack();
  TiffStack(const TiffStack&) = delete;
  TiffStack& operator=(const TiffStack&) = delete;

  /// Picture number `index` (y, x); a second one of this number replaces the first.
  void write(Index index, View<const float, 2> picture);

  void commit();

 private:
  std::filesystem::path folder_, temporary_;
  std::string name_;
  double pixel_size_m_;
  Overwrite overwrite_;
  bool committed_ = false;
};

}  // namespace ptychoflow::io
