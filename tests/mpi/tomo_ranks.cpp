// Run by mpirun: the stage tomo on several ranks makes the slices that it makes on one, to the last bit. Exit code 1 if
// it does not.
#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <cmath>

#include "core/device/array.hpp"
#include "tests/support/fake_host.hpp"

namespace ptychoflow::test {
namespace {

using stage::Json;
using stage::Packet;
using stage::Tensor;

constexpr Index angles = 24, height = 7, width = 20;

/// The root's packet has tensors, the others' none.
Packet series(bool root) {
  Packet packet;
  packet.metadata = {
      {"rotation_axis_px", 9.5}, {"pixel_size_m", {1e-8, 1e-8}}, {"wavelength_m", 1e-10}, {"projection_count", angles}};
  if (!root) return packet;
  device::Array<float, 3> phase({angles, height, width});
  std::vector<double> degrees;
  for (Index a = 0; a < angles; ++a) {
    degrees.push_back(7.5 * static_cast<double>(a));
    for (Index y = 0; y < height; ++y) {
      for (Index x = 0; x < width; ++x) phase(a, y, x) = std::sin(0.3F * static_cast<float>(x * (y + 1) + a));
    }
  }
  packet.tensors.emplace("projections", Tensor::own(device::Array<float, 3>::copy_of(phase)));
  packet.tensors.emplace("absorption_projections", Tensor::own(std::move(phase)));
  packet.tensors.emplace("projection_deg", Tensor::own(std::move(degrees), {angles}));
  return packet;
}

std::vector<Packet> volume(FakeHost& host, bool root, const Json& params) {
  LoadedStage tomo(STAGE_MODULE, host);
  stage::Description d;
  for (const char* name : {"projections", "projection_deg", "absorption_projections"}) d.add(name, "", {}, "", "");
  tomo.configure(params, d);
  tomo.process(series(root));
  return std::move(host.packets);
}

/// The largest difference of a tensor's values in the two; infinite if they do not belong together.
double difference(const Packet& a, const Packet& b, const char* name) {
  const Tensor &s = a.at(name), &t = b.at(name);
  const DLTensor &of_s = s.dl(), &of_t = t.dl();
  if (of_s.ndim != of_t.ndim || a.metadata != b.metadata) return HUGE_VAL;
  Index size = 1;
  for (int axis = 0; axis < of_s.ndim; ++axis) {
    if (of_s.shape[axis] != of_t.shape[axis]) return HUGE_VAL;
    size *= of_s.shape[axis];
  }
  double most = 0;
  for (Index i = 0; i < size; ++i) {
    const auto value = [&](const Tensor& of) {
      return static_cast<double>(static_cast<const float*>(of.dl().data)[i]);
    };
    most = std::max(most, std::abs(value(s) - value(t)));
  }
  return most;
}

int run() {
  int rank = 0, size = 1, faults = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  MPI_Comm world = MPI_COMM_WORLD;
  for (const Json& params :
       {Json{{"slab_slices", 3}, {"half_series", true}}, Json{{"method", "sirt"}, {"iterations", 4}}}) {
    FakeHost together(rank, size, &world), alone;
    const auto found = volume(together, rank == 0, params);
    if (rank != 0) {
      for (const Packet& p : found) faults += p.tensors.empty() && p.metadata.contains("ends_volume") ? 0 : 1;
      continue;
    }
    const auto expected = volume(alone, true, params);
    faults += found.size() != expected.size() || found.empty() ? 1 : 0;
    for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
      for (const char* name : {"volume", "volume_beta", "volume_halves"}) {
        if (!expected[i].has(name)) continue;
        const double off = difference(found[i], expected[i], name);
        if (off == 0) continue;
        fmt::print(stderr, "{} of slab {} differs by {}\n", name, i, off);
        ++faults;
      }
    }
  }
  MPI_Allreduce(MPI_IN_PLACE, &faults, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  return faults > 0 ? 1 : 0;
}

}  // namespace
}  // namespace ptychoflow::test

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  const int code = ptychoflow::test::run();
  MPI_Finalize();
  return code;
}
