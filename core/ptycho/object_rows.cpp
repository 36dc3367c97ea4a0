#include "core/ptycho/object_rows.hpp"

#include <algorithm>

#include "core/base/exact_sum.hpp"

namespace ptychoflow::ptycho {

using device::Array;

template <class A, class B>
Array<Complex<double>, 2> overlaps(View<const Complex<A>, 3> a, View<const Complex<B>, 3> b, const RowsHere& rows) {
  const Index modes_a = a.extent(0), modes_b = b.extent(0), width = a.extent(2);
  const device::Share owned = rows.owned_of_held();
  std::vector<ExactSum> sums(static_cast<std::size_t>(2 * modes_a * modes_b));
  auto next = sums.begin();
  for (Index k = 0; k < modes_a; ++k) {
    for (Index l = 0; l < modes_b; ++l) {
      ExactSum &re = *next++, &im = *next++;
      for (Index y = owned.first; y < owned.last; ++y) {
        Complex<double> row{};
        for (Index x = 0; x < width; ++x) {
          const Complex<double> p{static_cast<double>(a(k, y, x).re), static_cast<double>(a(k, y, x).im)};
          const Complex<double> q{static_cast<double>(b(l, y, x).re), static_cast<double>(b(l, y, x).im)};
          row += p * conj(q);
        }
        re += row.re;
        im += row.im;
      }
    }
  }
  if (rows.ranks.size() > 1) {
    for (auto& sum : sums) rows.ranks.sum(sum.digits().data(), static_cast<Index>(sum.digits().size()));
  }
  Array<Complex<double>, 2> result({modes_a, modes_b});
  for (Index i = 0; i < result.size(); ++i) {
    const auto at = static_cast<std::size_t>(2 * i);
    result.data()[i] = {sums[at].value(), sums[at + 1].value()};
  }
  return result;
}

template <class V, std::size_t Rank>
Array<V, Rank> whole_on_root(View<const V, Rank> here, Index height, const RowsHere& rows) {
  static_assert(Rank == 2 || Rank == 3);
  const Index modes = Rank == 3 ? here.extent(0) : 1, held = here.extent(Rank - 2), width = here.extent(Rank - 1);
  const auto& ranks = rows.ranks;
  const auto owned = ranks.gather(std::vector<std::int64_t>{rows.owned.first, rows.owned.size()});
  Extents<Rank> extents = here.extents();
  extents[Rank - 2] = ranks.is_root() ? height : 0;
  auto whole = Array<V, Rank>::uninitialized(extents);
  for (Index m = 0; m < modes; ++m) {
    const V* const mine = here.data() + (m * held + rows.owned_of_held().first) * width;
    const auto row_bytes = static_cast<std::size_t>(width) * sizeof(V);
    if (!ranks.is_root()) {
      if (rows.owned.size() > 0) ranks.send(mine, static_cast<std::size_t>(rows.owned.size()) * row_bytes, 0);
      continue;
    }
    for (int r = 0; r < ranks.size(); ++r) {
      const std::size_t at = 2 * static_cast<std::size_t>(r);
      const Index first = owned[at], count = owned[at + 1];
      V* const to = whole.data() + (m * height + first) * width;
      if (r == 0) {
        std::copy_n(mine, count * width, to);
      } else if (count > 0) {
        ranks.receive(to, static_cast<std::size_t>(count) * row_bytes, r);
      }
    }
  }
  return whole;
}

template <class V, std::size_t Rank>
Array<V, Rank> owned_rows(View<const V, Rank> here, const RowsHere& rows) {
  const Index modes = Rank == 3 ? here.extent(0) : 1, held = here.extent(Rank - 2), width = here.extent(Rank - 1);
  Extents<Rank> extents = here.extents();
  extents[Rank - 2] = rows.owned.size();
  auto mine = Array<V, Rank>::uninitialized(extents);
  for (Index m = 0; m < modes; ++m) {
    std::copy_n(here.data() + (m * held + rows.owned_of_held().first) * width, rows.owned.size() * width,
                mine.data() + m * rows.owned.size() * width);
  }
  return mine;
}

#define PTYCHOFLOW_INSTANTIATE(T)                                                                                     \
  template Array<Complex<double>, 2> overlaps(View<const Complex<T>, 3>, View<const Complex<T>, 3>, const RowsHere&); \
  template Array<Complex<T>, 3> whole_on_root(View<const Complex<T>, 3>, Index, const RowsHere&);                     \
  template Array<Complex<T>, 3> owned_rows(View<const Complex<T>, 3>, const RowsHere&);

PTYCHOFLOW_INSTANTIATE(float)
PTYCHOFLOW_INSTANTIATE(double)
template Array<Complex<double>, 2> overlaps(View<const Complex<double>, 3>, View<const Complex<float>, 3>,
                                            const RowsHere&);
template Array<float, 2> whole_on_root(View<const float, 2>, Index, const RowsHere&);
template Array<float, 2> owned_rows(View<const float, 2>, const RowsHere&);

}  // namespace ptychoflow::ptycho
