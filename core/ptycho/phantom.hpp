// A specimen in three dimensions whose projections are known in closed form: a pillar with nano-crystals and pores.
#pragma once

#include <cstdint>
#include <vector>

#include "core/device/thread_pool.hpp"
#include "core/ptycho/illumination.hpp"
#include "core/ptycho/solids.hpp"

namespace ptychoflow::ptycho {

/// Refractive index 1 − delta + i·beta.
struct Matter {
  double delta = 0;
  double beta = 0;
};

/// An upright pillar about the rotation axis, its middle at z = 0: a cylinder whose ends are cones, so that the phase,
/// which falls from nothing to its depth within a pixel at a flat end, can be unwrapped there. Crystals (ellipsoids,
/// boxes and octahedra) and pores (ellipsoids) of random size, place and orientation lie inside of it, apart from each
/// other.
struct PhantomSettings {
  double diameter_m = 0;
  double height_m = 0;   ///< tips included
  double tip_m = 0;      ///< length of the cone at each end; 0: flat
  Matter matrix;         ///< of the pillar
  Matter crystal;        ///< of each crystal
  Index crystals = 0;    ///< number of them
  Index pores = 0;       ///< number of them; they are empty
  double crystal_m = 0;  ///< mean diameter of the sphere about a crystal or pore; they vary from 0.6 to 1.4 of it
  std::uint64_t seed = 0;
};

/// A body and what it adds to the matter around it: the densities of bodies inside each other are summed.
struct Body {
  Solid solid;
  Matter contrast;
};

/// Lengths in metres. The pillar comes first.
struct Phantom {
  std::vector<Body> bodies;
};

/// @throws Error (usage) if a length or a number is out of range, or the crystals find no room
Phantom make_phantom(const PhantomSettings& settings);

/// Where a projection's pixels lie.
struct ProjectionPlane {
  Yx<Index> shape{};
  Yx<double> pixel_m{};
  Yx<double> middle_px{};  ///< at which y the pillar's middle and at which x the rotation axis lies; pixel centres are
                           ///< whole numbers
};

/// Transmission exp(−k∫β dl − ik∫δ dl), [y][x]: a pixel at x sees the line u·cos θ + v·sin θ = x − middle of the
/// specimen. The integrals are means over a few rays within each pixel, so that edges have no steps.
/// @param wavenumber_per_m  k = 2π / wavelength
Field project(const Phantom& phantom, double angle_rad, const ProjectionPlane& plane, double wavenumber_per_m,
              device::ThreadPool& pool);

/// δ, [z][y][x], as the mean over each voxel. The middle of the array is the rotation axis at z = 0: voxel [iz][iy][ix]
/// lies at u = ix − (nx−1)/2, v = iy − (ny−1)/2, z = iz − (nz−1)/2, in voxels.
/// @param supersampling  lines along x for which a voxel is cut exactly, along y and along z
device::Array<float, 3> sample_volume(const Phantom& phantom, const Extents<3>& shape, double voxel_m,
                                      Index supersampling, device::ThreadPool& pool);

}  // namespace ptychoflow::ptycho
