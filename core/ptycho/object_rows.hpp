// What is asked of an object whose rows lie on several ranks.
#pragma once

#include <vector>

#include "core/comm/communicator.hpp"
#include "core/device/array.hpp"
#include "core/ptycho/distribution.hpp"

namespace ptychoflow::ptycho {

/// Rows of an image stack, [mode][row][x], that this rank holds.
struct RowsHere {
  device::Share held;   ///< of the whole
  device::Share owned;  ///< of the whole: those of them for which this rank speaks
  comm::Communicator ranks;

  device::Share owned_of_held() const { return {owned.first - held.first, owned.last - held.first}; }
};

/// Σ a_k·conj(b_l) over all owned rows of all ranks: [k][l]. The same bits however rows are shared out. Collective.
template <class A, class B>
device::Array<Complex<double>, 2> overlaps(View<const Complex<A>, 3> a, View<const Complex<B>, 3> b,
                                           const RowsHere& rows);

/// The whole stack on the root, from the owned rows of all ranks; an empty one elsewhere. Collective.
/// @param height  rows of the whole
template <class V, std::size_t Rank>
device::Array<V, Rank> whole_on_root(View<const V, Rank> here, Index height, const RowsHere& rows);

/// A copy of the owned rows.
template <class V, std::size_t Rank>
device::Array<V, Rank> owned_rows(View<const V, Rank> here, const RowsHere& rows);

}  // namespace ptychoflow::ptycho
