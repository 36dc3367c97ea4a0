#include "core/ptycho/paging.hpp"

#include <algorithm>

namespace ptychoflow::ptycho {

using device::Share;

template <class T>
void Pager<T>::enter(Share slab) {
  std::erase_if(resident_, [&](Share r) { return r.first == slab.first && r.last == slab.last; });
  resident_.push_back(slab);
  // One place is for the slab that is read ahead.
  while (static_cast<Index>(resident_.size()) > std::max<Index>(1, plan_.resident_slabs - 1)) {
    evict(resident_.front());
    resident_.pop_front();
  }
}

template <class T>
void Pager<T>::fetch(Share slab) {
  for_blocks_of(slab, [&](const void* data, std::size_t bytes) { plan_.scratch->fetch(data, bytes); });
}

template <class T>
void Pager<T>::evict(Share slab) {
  for_blocks_of(slab, [&](const void* data, std::size_t bytes) { plan_.scratch->evict(data, bytes); });
}

template <class T>
void Pager<T>::evict_magnitudes(Share slab) const {
  for (Index v = slab.first; v < slab.last; ++v) {
    const auto frame = problem_.magnitudes(v);
    plan_.scratch->evict(frame.data(), static_cast<std::size_t>(frame.size()) * sizeof(T));
  }
}

/// Calls each(data, bytes) for what lies in the scratch file of some views.
template <class T>
template <class Each>
void Pager<T>::for_blocks_of(Share slab, const Each& each) const {
  const auto wave_bytes = state_.exit_waves.bytes() / static_cast<std::size_t>(state_.exit_waves.extent(0));
  each(state_.exit_waves[slab.first].data(), wave_bytes * static_cast<std::size_t>(slab.size()));
  if (problem_.all_magnitudes().memory() != plan_.scratch) return;
  for (Index v = slab.first; v < slab.last; ++v) {
    const auto frame = problem_.magnitudes(v);
    each(frame.data(), static_cast<std::size_t>(frame.size()) * sizeof(T));
  }
}

template class Pager<float>;
template class Pager<double>;

}  // namespace ptychoflow::ptycho
