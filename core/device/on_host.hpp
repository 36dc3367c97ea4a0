// From the processor's memory to a device's and back.
#pragma once

#include <utility>
#include <vector>

#include "core/device/array.hpp"

namespace ptychoflow::device {

/// The same array in `memory`; the array itself if it lies there.
template <class T, std::size_t Rank>
Array<T, Rank> moved_to(Memory* memory, Array<T, Rank> array) {
  if (!memory || array.memory() == memory) return array;
  auto there = Array<T, Rank>::uninitialized(array.extents(), memory);
  memory->copy_in(there.data(), array.data(), array.bytes());
  return there;
}

template <class T>
Array<T, 1> moved_to(Memory* memory, const std::vector<T>& list) {
  auto there = Array<T, 1>::uninitialized({static_cast<Index>(list.size())}, memory);
  if (memory) {
    memory->copy_in(there.data(), list.data(), there.bytes());
  } else {
    std::copy(list.begin(), list.end(), there.begin());
  }
  return there;
}

/// An array as the processor sees it: in place if it lies in its memory, a copy if not.
template <class T, std::size_t Rank>
class OnHost {
 public:
  explicit OnHost(const Array<T, Rank>& array) : view_(array.view()) {
    if (Memory* memory = array.memory()) {
      copy_ = Array<T, Rank>::uninitialized(array.extents());
      memory->copy_out(copy_.data(), array.data(), array.bytes());
      view_ = View<const T, Rank>(copy_.view());
    }
  }

  View<const T, Rank> view() const { return view_; }
  operator View<const T, Rank>() const { return view_; }

 private:
  Array<T, Rank> copy_;
  View<const T, Rank> view_;
};

}  // namespace ptychoflow::device
