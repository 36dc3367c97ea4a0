// Stage `tomo`: the volume that a series of aligned projections was taken of.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "core/base/units.hpp"
#include "core/device/gpu_library.hpp"
#include "core/tomo/gpu.hpp"
#include "plugin/stages/tomo/series.hpp"
#include "plugin/stages/tomo/slices.hpp"
#include "tomo_schema.hpp"

namespace ptychoflow::tomo_stage {
namespace {

using stage::Description;
using stage::Json;
using stage::Packet;
using stage::Tensor;
using Slab = device::Array<float, 3>;

constexpr Index default_slab_bytes = 64'000'000;

Parameters parameters_of(const Json& params) {
  Parameters p;
  const std::string method = params.value("method", "fbp"), filter = params.value("filter", "ramp");
  p.method = method == "sirt" ? Method::sirt : method == "cgls" ? Method::cgls : Method::fbp;
  p.filter = filter == "shepp_logan"   ? tomo::Filter::shepp_logan
             : filter == "hann"        ? tomo::Filter::hann
             : filter == "butterworth" ? tomo::Filter::butterworth
             : filter == "derivative"  ? tomo::Filter::derivative
                                       : tomo::Filter::ramp;
  p.iterations = params.value("iterations", 50);
  p.values = params.value("positivity", false) ? tomo::Values::not_negative : tomo::Values::any;
  p.half_series = params.value("half_series", false);
  p.slab_slices = params.value("slab_slices", Index{0});
  if (p.values == tomo::Values::not_negative && p.method != Method::sirt)
    throw Error(ErrorCode::usage, "tomo: positivity goes with method: sirt alone, not with " + method);
  return p;
}

/// Projections first, first + step, …
std::vector<Index> every(Index step, Index first, Index count) {
  std::vector<Index> which;
  for (Index a = first; a < count; a += step) which.push_back(a);
  return which;
}

class Tomo : public stage::Stage {
 public:
  Description configure(const Json& params, const Description& input) override {
    parameters_ = parameters_of(params);
    Description output = input;
    for (const char* name : {"projections", "absorption_projections", "projection_deg"}) output.tensors.erase(name);
    const Json any = nullptr;
    output.add("volume", "float32", {any, any, any}, "z:y:x", "1");
    if (input.has("absorption_projections")) output.add("volume_beta", "float32", {any, any, any}, "z:y:x", "1");
    if (parameters_.half_series) output.add("volume_halves", "float32", {2, any, any, any}, "half:z:y:x", "1");
    return output;
  }

  void process(Packet& packet) override {
    // Every rank must know a series, though its tensors are the root's.
    if (packet.has("projections") || packet.metadata.contains("rotation_axis_px")) return reconstruct(packet);
    emit(packet);
  }

 private:
  /// What is reconstructed of each slab.
  struct Plan {
    Series series;
    std::optional<Solver> delta, beta;
    std::vector<Solver> halves;
    Index slab_slices = 1;
  };

  void reconstruct(Packet& packet) {
    const comm::Communicator ranks(host().mpi_communicator(&host()));
    std::string text;
    if (is_root()) text = to_text(checked(packet));
    agree();
    ranks.broadcast(text);
    device::ThreadPool threads(std::max(1, static_cast<int>(host().threads)));
    const Plan plan = plan_for(series_from(text), ranks, threads);
    const Tensor projections = packet.take("projections"), absorption = packet.take("absorption_projections");
    static_cast<void>(packet.take("projection_deg"));
    for (Index first = 0; first < plan.series.height; first += plan.slab_slices) {
      const Index count = std::min(plan.slab_slices, plan.series.height - first);
      Packet slab = std::move(packet);  // all that is not consumed rides with the first
      packet = Packet{};
      packet.metadata = slab.metadata;
      reconstruct_slab(plan, projections, absorption, first, count, ranks, slab);
      const bool last = first + count == plan.series.height;
      describe(plan.series, first, last, slab.metadata);
      progress(first + count, plan.series.height, "slices");
      emit(slab);
      if (!last && ranks.max(should_stop() ? 1 : 0) > 0) {
        warn(fmt::format("stopped: {} of {} slices are reconstructed", first + count, plan.series.height));
        return;
      }
    }
  }

  /// The root's.
  Series checked(const Packet& packet) const {
    if (!packet.has("projections"))
      throw Error(ErrorCode::data, "tomo: a series came without its projections: put the stage align before this one");
    const Series series = series_of(packet);
    if (const std::string doubt = doubt_about(series); !doubt.empty()) warn(doubt);
    expect_memory(series);
    return series;
  }

  Index slab_slices_of(const Series& series) const {
    const Index slice_bytes = series.width * series.width * static_cast<Index>(sizeof(float));
    const Index wished =
        parameters_.slab_slices > 0 ? parameters_.slab_slices : std::max<Index>(1, default_slab_bytes / slice_bytes);
    return std::min(wished, series.height);
  }

  /// Says how large the volume is. @throws Error (resource) if a slab and the projections are more than the machine has
  void expect_memory(const Series& s) const {
    const double pixels = static_cast<double>(s.width) * static_cast<double>(s.width) * sizeof(float);
    const double rows = static_cast<double>(s.angles()) * static_cast<double>(s.width) * sizeof(float);
    const auto height = static_cast<double>(s.height);
    const auto slab = static_cast<double>(slab_slices_of(s));
    const double kinds = 1 + (s.has_absorption ? 1 : 0), halves = parameters_.half_series ? 2 : 0;
    const double series_gb = 1e-9 * kinds * height * rows;
    const double groups = parameters_.method == Method::fbp ? 1 : 4;  // of slices side by side, while they are made
    const double slab_gb = 1e-9 * (slab * ((kinds + halves) * pixels + rows) + groups * tomo::slice_lanes * pixels);
    const double physical_gb =
        1e-9 * static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
    info(fmt::format("volume of {} × {} × {} voxels, {:.3g} GB, in slabs of {} slices", s.height, s.width, s.width,
                     1e-9 * height * pixels, slab));
    if (series_gb + slab_gb <= 0.95 * physical_gb) return;
    throw Error(ErrorCode::resource,
                fmt::format("tomo: a slab of {} slices of {} × {} pixels takes {:.3g} GB, with the {} that are made "
                            "side by side, and the "
                            "projections {:.3g} GB, but this machine has {:.3g} GB: {}",
                            slab, s.width, s.width, slab_gb, tomo::slice_lanes, series_gb, physical_gb,
                            slab > 1 ? "set a smaller slab_slices, or crop or bin the projections"
                                     : "crop or bin the projections"));
  }

  /// On GPUs, if the user wants them and, where it is left to us, there are some. Collective.
  std::unique_ptr<tomo::SliceKernels> make_kernels(const tomo::SliceGeometry& geometry, tomo::Filter filter,
                                                   const comm::Communicator& ranks, device::ThreadPool& threads) {
    const std::string_view backend = host().backend;
    if (backend == "cuda" || (backend == "auto" && device::gpu_code_installed() && !without_gpus_)) {
      try {
        auto kernels = tomo::make_gpu_slice_kernels(geometry, filter, ranks);
        if (is_root()) info(fmt::format("slices are made on the GPU, up to {} at a time", kernels->most_slices()));
        return kernels;
      } catch (const Error& e) {
        if (backend == "cuda") throw;
        without_gpus_ = true;
        if (is_root()) info(fmt::format("computing on the CPU: {}", e.what()));
      }
    }
    return tomo::make_cpu_slice_kernels(geometry, filter, threads);
  }

  /// Collective.
  Plan plan_for(Series series, const comm::Communicator& ranks, device::ThreadPool& threads) {
    const MakeKernels make = [&](const tomo::SliceGeometry& geometry, tomo::Filter filter) {
      return make_kernels(geometry, filter, ranks, threads);
    };
    Plan plan;
    plan.slab_slices = slab_slices_of(series);
    tomo::ParallelBeam beam{{}, series.axis_px};
    for (const double d : series.angle_deg) beam.angle_rad.push_back(d * pi / 180);
    // A voxel's share of the phase is −k δ times its side, of the absorption k β times that.
    const double k_pixel = 2 * pi / series.wavelength_m * series.pixel_size_m[1];
    const Index n = series.angles(), width = series.width;
    plan.delta.emplace(parameters_, beam, every(1, 0, n), width, -1 / k_pixel, make);
    if (series.has_absorption) {
      Parameters of_absorption = parameters_;  // which has no turns to lose
      if (of_absorption.filter == tomo::Filter::derivative) of_absorption.filter = tomo::Filter::shepp_logan;
      plan.beta.emplace(of_absorption, beam, every(1, 0, n), width, 1 / k_pixel, make);
    }
    for (Index half = 0; parameters_.half_series && half < 2; ++half)
      plan.halves.emplace_back(parameters_, beam, every(2, half, n), width, -1 / k_pixel, make);
    plan.series = std::move(series);
    return plan;
  }

  /// Collective; adds tensors to the root's packet.
  void reconstruct_slab(const Plan& plan, const Tensor& projections, const Tensor& absorption, Index first, Index count,
                        const comm::Communicator& ranks, Packet& slab) const {
    const Index n = plan.series.width, planes = is_root() ? count : 0;
    const auto view_of = [](const Tensor& t) { return t ? t.view<const float, 3>() : View<const float, 3>(); };
    auto delta = Slab::uninitialized({planes, n, n});
    auto beta = Slab::uninitialized({plan.beta ? planes : 0, n, n});
    const auto half_count = static_cast<Index>(plan.halves.size());
    auto halves = device::Array<float, 4>::uninitialized({half_count, planes, n, n});
    agree();  // from here on ranks wait for each other
    plan.delta->reconstruct(view_of(projections), first, count, delta, ranks);
    if (plan.beta) plan.beta->reconstruct(view_of(absorption), first, count, beta, ranks);
    for (Index h = 0; h < half_count; ++h) {
      plan.halves[static_cast<std::size_t>(h)].reconstruct(view_of(projections), first, count, halves.view()[h], ranks);
    }
    if (!is_root()) return;
    slab.tensors["volume"] = Tensor::own(std::move(delta));
    if (plan.beta) slab.tensors["volume_beta"] = Tensor::own(std::move(beta));
    if (half_count > 0) slab.tensors["volume_halves"] = Tensor::own(std::move(halves));
  }

  static void describe(const Series& s, Index first, bool last, Json& metadata) {
    metadata["volume_shape"] = {s.height, s.width, s.width};
    metadata["slab_first"] = first;
    metadata["voxel_size_m"] = {s.pixel_size_m[0], s.pixel_size_m[1], s.pixel_size_m[1]};
    metadata["ends_volume"] = last;
    if (metadata.contains("ends_scan")) metadata["ends_scan"] = last;
  }

  Parameters parameters_;
  bool without_gpus_ = false;  ///< as was found when they were asked for
};

}  // namespace
}  // namespace ptychoflow::tomo_stage

PTYCHOFLOW_STAGE(ptychoflow::tomo_stage::Tomo, .name = "tomo",
                 .summary = "Reconstructs the volume from aligned projections: fbp, sirt or cgls",
                 .parameters_schema = tomo_schema, .consumes = {"projections", "projection_deg"},
                 .produces = {"volume", "volume_beta", "volume_halves"})
