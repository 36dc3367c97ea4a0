// An array as it is now, for the processor, while whoever works on it goes on.
#pragma once

#include <memory>

#include "core/device/array.hpp"

namespace ptychoflow::device {

/// A copy of an array. Of a device's it comes by itself, until somebody asks for it.
template <class T, std::size_t Rank>
class Snapshot {
 public:
  explicit Snapshot(const Array<T, Rank>& array) : extents_(array.extents()) {
    if (Memory* memory = array.memory()) {
      download_ = memory->download(array.data(), array.bytes());
    } else {
      copy_ = Array<T, Rank>::copy_of(array.view());
    }
  }

  /// Waits until it is here.
  View<const T, Rank> view() const {
    return {download_ ? static_cast<const T*>(download_->finish()) : copy_.data(), extents_};
  }

 private:
  Extents<Rank> extents_;
  std::unique_ptr<Download> download_;  ///< null: the array lies in the processor's memory
  Array<T, Rank> copy_;
};

}  // namespace ptychoflow::device
