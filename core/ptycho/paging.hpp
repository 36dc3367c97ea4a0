// Exit waves and magnitudes that do not fit in memory: which of a rank's views are in memory at a time.
#pragma once

#include <algorithm>
#include <deque>

#include "core/device/scratch.hpp"
#include "core/ptycho/problem.hpp"
#include "core/ptycho/state.hpp"

namespace ptychoflow::ptycho {

/// What lies in a scratch file, and how much of it may be in memory. Default: nothing does.
struct PagingPlan {
  device::Scratch* scratch = nullptr;  ///< of exit waves, and of magnitudes if they lie there; outlives the pager
  Index slab_views = 0;                ///< views that come and go together
  Index resident_slabs = 0;            ///< that may be in memory, two at least
};

/// Where a sweep over views may begin.
enum class Begin { at_either_end, at_the_front };

/// Walks through a rank's views slab by slab. The next slab is read while one is worked on; those that were used
/// longest ago make room. A sweep goes the other way than the one before where it may, so that it begins with what is
/// there.
template <class T>
class Pager {
 public:
  Pager(const PagingPlan& plan, const Problem<T>& problem, const State<T>& state)
      : plan_(plan), problem_(problem), state_(state) {}

  /// A sweep over exit waves begins.
  void start_sweep(Begin begin) { backwards_ = begin == Begin::at_either_end && !backwards_; }

  /// Calls body(views) for parts of `views`, in order of this sweep's direction.
  template <class Body>
  void for_slabs(device::Share views, const Body& body) {
    if (!plan_.scratch) return body(views);
    std::deque<device::Share> slabs;
    for (Index first = views.first; first < views.last;) {
      const Index end = std::min(views.last, (first / plan_.slab_views + 1) * plan_.slab_views);
      slabs.push_back({first, end});
      first = end;
    }
    if (backwards_) std::reverse(slabs.begin(), slabs.end());
    for (std::size_t s = 0; s < slabs.size(); ++s) {
      enter(slabs[s]);
      if (s + 1 < slabs.size()) fetch(slabs[s + 1]);
      body(slabs[s]);
    }
  }

  /// Calls body(views) for parts of `views`, whose magnitudes it reads but no exit waves.
  template <class Body>
  void for_frames(device::Share views, const Body& body) const {
    if (problem_.all_magnitudes().memory() != plan_.scratch || !plan_.scratch) return body(views);
    for (Index first = views.first; first < views.last; first += plan_.slab_views) {
      const device::Share slab{first, std::min(views.last, first + plan_.slab_views)};
      body(slab);
      evict_magnitudes(slab);
    }
  }

 private:
  void enter(device::Share slab);
  void fetch(device::Share slab);
  void evict(device::Share slab);
  void evict_magnitudes(device::Share slab) const;
  template <class Each>
  void for_blocks_of(device::Share slab, const Each& each) const;

  PagingPlan plan_;
  const Problem<T>& problem_;
  const State<T>& state_;
  std::deque<device::Share> resident_;  ///< the one used last comes last
  bool backwards_ = false;
};

}  // namespace ptychoflow::ptycho
