// What reconstruction asks of a processor or a graphics card: projection, its adjoint, and sums over slices that lie
// side by side.
#pragma once

#include <array>
#include <vector>

#include "core/device/array.hpp"
#include "core/device/thread_pool.hpp"
#include "core/tomo/filter.hpp"
#include "core/tomo/lanes.hpp"

namespace ptychoflow::tomo {

/// How much a ray says of a pixel near it.
enum class Spread {
  linear,   ///< the row is interpolated linearly where the pixel is seen: for filtered back projection
  adjoint,  ///< as much as the pixel says of the ray in `project`: ⟨Ax, y⟩ = ⟨x, A'y⟩
};

/// A number for each slice of a group.
template <class T>
using PerLane = std::array<T, static_cast<std::size_t>(slice_lanes)>;

/// Operations on slices side by side; rows and planes are `Lanes` with the zeros around them. What becomes of a slice
/// depends on no other, but for rounding in `filter`, which takes two at a time. Errors of a device throw Error
/// (resource).
class SliceKernels {
 public:
  virtual ~SliceKernels() = default;

  const SliceGeometry& geometry() const { return geometry_; }

  /// Where rows and planes lie; null: in the processor's memory.
  virtual device::Memory* memory() const = 0;

  /// Slices to be given at a time: a multiple of `slice_lanes`.
  virtual Index most_slices() const = 0;

  Lanes zero_rows(Index slices) const { return Lanes::zeros(rows_of(geometry_, slices), memory()); }
  Lanes zero_planes(Index slices) const { return Lanes::zeros(planes_of(geometry_, slices), memory()); }

  /// Rows of line integrals. @param sinograms [slice][angle][x]  @param scale  they are multiplied by it
  virtual void put(View<const float, 3> sinograms, float scale, Lanes& rows) = 0;

  /// The same, filtered for back projection, each angle with its weight.
  virtual void put_filtered(View<const float, 3> sinograms, float scale, Lanes& rows) = 0;

  /// @param sinograms [slice][angle][x]; written over
  virtual void take_rows(const Lanes& rows, View<float, 3> sinograms) = 0;

  /// @param slices [slice][y][x]; written over
  virtual void take_planes(const Lanes& planes, View<float, 3> slices) = 0;

  /// Adds up planes along each ray: at every row, or column where the beam is nearer to it, that the ray crosses, the
  /// plane is interpolated linearly and counts for the ray's path from one to the next (Joseph, IEEE Trans. Med.
  /// Imaging 1, 192 (1982)). Outside there is nothing. @param rows written over
  virtual void project(const Lanes& planes, Lanes& rows) = 0;

  /// Adds up what all rays say of each pixel. @param planes written over
  virtual void back_project(Spread spread, const Lanes& rows, Lanes& planes) = 0;

  /// rest = R · (measured − rest), R the reciprocal sums of A's rows.
  virtual void weigh_rest(const Lanes& measured, Lanes& rest) = 0;

  /// planes = max(least, planes + C · step), C the reciprocal sums of A's columns. @param least not above 0
  virtual void advance(const Lanes& step, float least, Lanes& planes) = 0;

  /// planes = min(planes, most). @param most not below 0
  virtual void cut_above(float most, Lanes& planes) = 0;

  /// Σ v² over each slice's rows or planes, for each group.
  virtual std::vector<PerLane<double>> squares(const Lanes& lanes) = 0;

  /// to = keep · to + factor · from, for each group
  virtual void combine(const std::vector<PerLane<float>>& factor, const Lanes& from,
                       const std::vector<PerLane<float>>& keep, Lanes& to) = 0;

 protected:
  /// @throws Error (data) if there is no angle or no pixel
  explicit SliceKernels(SliceGeometry geometry);

  /// R, [angle][x], and C, [y][x], with zeros around, in the processor's memory. By this object's own projections.
  device::Array<float, 2> reciprocal_of_rows();
  device::Array<float, 2> reciprocal_of_planes();

  SliceGeometry geometry_;
};

/// On the processor. @param threads outlives the kernels
std::unique_ptr<SliceKernels> make_cpu_slice_kernels(SliceGeometry geometry, Filter filter,
                                                     device::ThreadPool& threads);

}  // namespace ptychoflow::tomo
