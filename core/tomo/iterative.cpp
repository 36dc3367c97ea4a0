#include "core/tomo/iterative.hpp"

#include <limits>
#include <utility>

#include "core/tomo/blocks.hpp"

namespace ptychoflow::tomo {
namespace {

using Factors = std::vector<PerLane<float>>;

Factors same(Index groups, float value) {
  Factors factors(static_cast<std::size_t>(groups));
  for (auto& group : factors) group.fill(value);
  return factors;
}

/// numerator / denominator of each slice whose numerator is above `least`, times `sign`; 0 for the others.
Factors ratios(const std::vector<PerLane<double>>& numerator, const std::vector<PerLane<double>>& denominator,
               const std::vector<PerLane<double>>& least, float sign) {
  Factors factors(numerator.size());
  for (std::size_t g = 0; g < factors.size(); ++g) {
    for (std::size_t l = 0; l < factors[g].size(); ++l) {
      const bool goes_on = numerator[g][l] > least[g][l] && denominator[g][l] > 0;
      factors[g][l] = goes_on ? sign * static_cast<float>(numerator[g][l] / denominator[g][l]) : 0;
    }
  }
  return factors;
}

bool all_zero(const Factors& factors) {
  for (const auto& group : factors) {
    for (const float f : group) {
      if (f != 0) return false;
    }
  }
  return true;
}

}  // namespace

void sirt(SliceKernels& kernels, View<const float, 3> sinograms, float scale, int iterations, Values values,
          View<float, 3> slices) {
  const float least = values == Values::not_negative ? 0.0F : -std::numeric_limits<float>::infinity();
  in_blocks(kernels, sinograms, slices, [&](View<const float, 3> measured, View<float, 3> to) {
    const Index count = to.extent(0);
    Lanes rows = kernels.zero_rows(count), rest = kernels.zero_rows(count);
    Lanes planes = kernels.zero_planes(count), step = kernels.zero_planes(count);
    kernels.put(measured, scale, rows);
    for (int k = 0; k < iterations; ++k) {
      kernels.project(planes, rest);
      kernels.weigh_rest(rows, rest);
      kernels.back_project(Spread::adjoint, rest, step);
      kernels.advance(step, least, planes);
    }
    kernels.take_planes(planes, to);
  });
}

void cgls(SliceKernels& kernels, View<const float, 3> sinograms, float scale, int iterations, View<float, 3> slices) {
  in_blocks(kernels, sinograms, slices, [&](View<const float, 3> measured, View<float, 3> to) {
    const Index count = to.extent(0), groups = groups_of(count);
    const Factors none = same(groups, 0), all = same(groups, 1);
    Lanes rest = kernels.zero_rows(count), projected = kernels.zero_rows(count);
    Lanes planes = kernels.zero_planes(count), gradient = kernels.zero_planes(count),
          direction = kernels.zero_planes(count);
    kernels.put(measured, scale, rest);
    kernels.back_project(Spread::adjoint, rest, gradient);
    kernels.combine(all, gradient, none, direction);
    auto gamma = kernels.squares(gradient);
    auto enough = gamma;  // single precision resolves no better
    for (auto& group : enough) {
      for (double& g : group) g *= 1e-12;
    }
    for (int k = 0; k < iterations; ++k) {
      kernels.project(direction, projected);
      const auto lengths = kernels.squares(projected);
      const Factors alpha = ratios(gamma, lengths, enough, 1);
      if (all_zero(alpha)) break;
      kernels.combine(alpha, direction, all, planes);
      kernels.combine(ratios(gamma, lengths, enough, -1), projected, all, rest);
      kernels.back_project(Spread::adjoint, rest, gradient);
      const auto before = std::exchange(gamma, kernels.squares(gradient));
      kernels.combine(all, gradient, ratios(gamma, before, enough, 1), direction);
    }
    kernels.take_planes(planes, to);
  });
}

}  // namespace ptychoflow::tomo
