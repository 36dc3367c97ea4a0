// Averages over iterations.
#pragma once

#include "core/device/array.hpp"
#include "core/ptycho/object_rows.hpp"

namespace ptychoflow::ptycho {

/// Mean of modes that are known only up to a phase factor each: every one is turned to the mean's phase before it
/// counts.
template <class T>
class AlignedMean {
 public:
  explicit AlignedMean(RowsHere rows) : rows_(std::move(rows)) {}

  /// Collective if the rows lie on several ranks. @param modes [mode][row][x]
  void add(View<const Complex<T>, 3> modes);

  /// Replaces `modes` by the mean, if there is one.
  void replace(device::Array<Complex<T>, 3>& modes) const;

  Index count() const { return count_; }
  device::Array<Complex<double>, 3>& sum() { return sum_; }  ///< empty before the first

  /// Goes on from a sum of `count`.
  void resume(device::Array<Complex<double>, 3> sum, Index count) { sum_ = std::move(sum), count_ = count; }

 private:
  RowsHere rows_;
  device::Array<Complex<double>, 3> sum_;
  Index count_ = 0;
};

}  // namespace ptychoflow::ptycho
