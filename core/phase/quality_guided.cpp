#include "core/phase/quality_guided.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace ptychoflow::phase {
namespace {

/// More than any second differences over any weight that counts; pixels without trust come after all others.
constexpr float untrusted = 1e9f;
constexpr float smallest_weight = 1e-4f;
constexpr float worst_second_difference = static_cast<float>(turn_rad * turn_rad);

/// Mean squared second difference along the lines through each pixel, over its weight. Lines that leave the image or
/// meet a pixel of weight 0 do not count.
Map unreliability(MapView wrapped, MapView weight) {
  const Index ny = wrapped.extent(0), nx = wrapped.extent(1);
  Map result = Map::uninitialized(wrapped.extents());
  const std::array<Index, 4> lines{1, nx - 1, nx, nx + 1};
  for (Index y = 0; y < ny; ++y) {
    for (Index x = 0; x < nx; ++x) {
      const Index i = y * nx + x;
      const float w = weight.data()[i];
      if (!(w > 0)) {
        result.data()[i] = untrusted;
        continue;
      }
      const float* at = wrapped.data() + i;
      const float* trust = weight.data() + i;
      float sum = 0, count = 0;
      const bool inside_y = y > 0 && y + 1 < ny, inside_x = x > 0 && x + 1 < nx;
      for (std::size_t l = 0; l < lines.size(); ++l) {
        if (!((l == 0 || inside_y) && (l == 2 || inside_x))) continue;
        const Index step = lines[l];
        if (!(trust[step] > 0 && trust[-step] > 0)) continue;
        const float second = shortest(at[-step] - at[0]) - shortest(at[0] - at[step]);
        sum += second * second;
        count += 1;
      }
      const float mean = count > 0 ? sum / count : worst_second_difference;
      result.data()[i] = mean / std::max(w, smallest_weight);
    }
  }
  return result;
}

/// A step between two neighbours: pixel·2, and 1 more if it goes down and not to the right.
struct Step {
  std::uint32_t key;
  std::uint32_t name;
};

/// Sorts by key, and keeps the order of equals: the result is the same on every machine.
void radix_sort(std::vector<Step>& steps) {
  constexpr unsigned bits = 11, passes = 3;
  constexpr std::uint32_t buckets = 1u << bits;
  std::vector<Step> other(steps.size());
  std::array<std::array<std::size_t, buckets>, passes> count{};
  for (const Step& s : steps) {
    for (unsigned p = 0; p < passes; ++p) ++count[p][s.key >> (p * bits) & (buckets - 1)];
  }
  for (unsigned p = 0; p < passes; ++p) {
    std::size_t sum = 0;
    for (std::size_t& c : count[p]) sum += std::exchange(c, sum);
    for (const Step& s : steps) other[count[p][s.key >> (p * bits) & (buckets - 1)]++] = s;
    steps.swap(other);
  }
}

std::vector<Step> sorted_steps(MapView unreliable) {
  const Index ny = unreliable.extent(0), nx = unreliable.extent(1);
  std::vector<Step> steps;
  steps.reserve(static_cast<std::size_t>(2 * unreliable.size()));
  const float* u = unreliable.data();
  for (Index y = 0; y < ny; ++y) {
    for (Index x = 0; x < nx; ++x) {
      const Index i = y * nx + x;
      const auto name = static_cast<std::uint32_t>(2 * i);
      // Bits of floats that are not negative are ordered as the floats are.
      if (x + 1 < nx) steps.push_back({std::bit_cast<std::uint32_t>(u[i] + u[i + 1]), name});
      if (y + 1 < ny) steps.push_back({std::bit_cast<std::uint32_t>(u[i] + u[i + nx]), name + 1});
    }
  }
  radix_sort(steps);
  return steps;
}

/// Groups of pixels whose turns relative to each other are known: a forest of pointers to the root of each group.
class Groups {
 public:
  struct Place {
    std::uint32_t root;
    std::int32_t turns;  ///< of the pixel, relative to the root
  };

  explicit Groups(std::size_t pixels) : nodes_(pixels) {
    for (std::size_t i = 0; i < pixels; ++i) nodes_[i] = {static_cast<std::uint32_t>(i), 0, 1};
  }

  Place find(std::uint32_t pixel) {
    std::int32_t turns = 0;
    while (nodes_[pixel].parent != pixel) {
      Node& node = nodes_[pixel];
      const Node& above = nodes_[node.parent];
      if (above.parent != node.parent) {  // halve the path for those who come later
        node.turns += above.turns;
        node.parent = above.parent;
      }
      turns += node.turns;
      pixel = node.parent;
    }
    return {pixel, turns};
  }

  /// From now on `b` has `more` turns than `a`, if the two were not in one group already.
  void join(std::uint32_t a, std::uint32_t b, std::int32_t more) {
    const Place pa = find(a), pb = find(b);
    if (pa.root == pb.root) return;
    const std::int32_t root_b_over_a = pa.turns + more - pb.turns;
    Node &ra = nodes_[pa.root], &rb = nodes_[pb.root];
    if (ra.pixels >= rb.pixels) {
      rb.parent = pa.root;
      rb.turns = root_b_over_a;
      ra.pixels += rb.pixels;
    } else {
      ra.parent = pb.root;
      ra.turns = -root_b_over_a;
      rb.pixels += ra.pixels;
    }
  }

 private:
  struct Node {
    std::uint32_t parent;
    std::int32_t turns;    ///< relative to the parent
    std::uint32_t pixels;  ///< in the group, if this is its root
  };
  std::vector<Node> nodes_;
};

}  // namespace

Map unwrap_quality_guided(MapView wrapped_rad, MapView weight) {
  expect(wrapped_rad.extents() == weight.extents(), "unwrap_quality_guided was given maps of different extents");
  expect(wrapped_rad.size() < std::numeric_limits<std::int32_t>::max(), "unwrap_quality_guided was given 2³¹ pixels");
  const Index nx = wrapped_rad.extent(1);
  const float* wrapped = wrapped_rad.data();
  Groups groups(static_cast<std::size_t>(wrapped_rad.size()));
  for (const Step& step : sorted_steps(unreliability(wrapped_rad, weight))) {
    const std::uint32_t a = step.name / 2;
    const auto b = static_cast<std::uint32_t>(a + (step.name % 2 ? nx : 1));
    groups.join(a, b, turns(wrapped[b] - wrapped[a]));
  }
  Map result = Map::uninitialized(wrapped_rad.extents());
  for (Index i = 0; i < result.size(); ++i) {
    const auto turned = groups.find(static_cast<std::uint32_t>(i)).turns;
    result.data()[i] = static_cast<float>(static_cast<double>(wrapped[i]) + turn_rad * turned);
  }
  return result;
}

}  // namespace ptychoflow::phase
