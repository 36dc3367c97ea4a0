#include "core/io/ptychodus_product.hpp"

#include <numeric>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/base/version.hpp"
#include "core/io/hdf5_output.hpp"
#include "core/io/result_export.hpp"

namespace ptychoflow::io {

namespace {

void check(const std::filesystem::path& file, const ResultFile& result) {
  const auto require = [&](bool there, const char* what) {
    if (!there) {
      throw Error(ErrorCode::data, file.string() + ": not written: ptychodus reads no product without " + what +
                                       ", which this result does not have: leave ptychodus out of formats");
    }
  };
  require(!result.view_position_m.empty(), "positions");
  require(result.distance_m > 0, "the detector's distance");
  require(result.energy_J > 0, "the photon energy");
}

/// Intensity of all modes, in the counts that the probe's unit is the root of.
double photon_count(const ModeStack& probe) {
  return std::visit(
      [](auto modes) {
        return std::accumulate(modes.begin(), modes.end(), 0.0, [](double sum, auto v) {
          const double re = v.re, im = v.im;
          return sum + re * re + im * im;
        });
      },
      probe);
}

void write_metadata(OutputFile& out, const ResultFile& result) {
  out.attribute("/", "name", result.title, TextLength::variable);
  out.attribute("/", "comments", std::string("ptychoflow ") + version, TextLength::variable);
  out.attribute("/", "detector_object_distance_m", result.distance_m);
  const double energy_eV = result.energy_J / elementary_charge_C;
  out.attribute("/", "photon_energy_eV", energy_eV);
  out.attribute("/", "probe_energy_eV", energy_eV);  // until 1.6
  out.attribute("/", "probe_photon_count", photon_count(result.probe));
  out.attribute("/", "exposure_time_s", 0.0);
  out.attribute("/", "mass_attenuation_m2_per_kg", 0.0);
  out.attribute("/", "mass_attenuation_m2_kg", 0.0);  // until 1.6
  out.attribute("/", "tomography_angle_deg", result.rotation_deg.value_or(0.0));
}

void write_positions(OutputFile& out, const ResultFile& result) {
  std::vector<std::int64_t> indexes(static_cast<std::size_t>(result.view_position_m.extent(0)));
  std::iota(indexes.begin(), indexes.end(), 0);
  out.write("/probe_position_indexes", indexes);
  out.write("/probe_position_x_m", positions_m(result, 1));
  out.write("/probe_position_y_m", positions_m(result, 0));
}

template <std::size_t Rank, class C>
void write_image(OutputFile& out, const std::string& path, const C* values, const Extents<Rank>& extents,
                 const std::array<double, 2>& pixel_m) {
  out.write(path, View<const C, Rank>(values, extents), {chunk_of_rows(extents, sizeof(C)), default_deflate});
  out.attribute(path, "pixel_width_m", pixel_m[1]);
  out.attribute(path, "pixel_height_m", pixel_m[0]);
}

}  // namespace

void write_ptychodus(const std::filesystem::path& file, const ResultFile& result, Overwrite overwrite) {
  check(file, result);
  const std::array<double, 2> middle_m = object_middle_m(result);
  const Extents<3> object = extents_of(result.object), probe = extents_of(result.probe);
  const Extents<3> first_mode{1, object[1], object[2]};
  const Extents<4> all_modes{1, probe[0], probe[1], probe[2]};

  AtomicFile target(file, overwrite);
  OutputFile out = OutputFile::create(target.temporary());
  write_metadata(out, result);
  write_positions(out, result);
  std::visit([&](auto modes) { write_image(out, "/probe", modes.data(), all_modes, result.probe_pixel_size_m); },
             result.probe);
  std::visit([&](auto modes) { write_image(out, "/object", modes.data(), first_mode, result.object_pixel_size_m); },
             result.object);
  out.attribute("/object", "center_x_m", middle_m[1]);
  out.attribute("/object", "center_y_m", middle_m[0]);
  out.write("/object_layer_spacing_m", std::vector<double>{});  // between layers: there is one
  out.write("/loss_epochs", result.history.iteration);
  out.write("/loss_values", result.history.fourier_error);
  out.write("/costs", result.history.fourier_error);  // until 1.1
  out.close();
  target.commit();
}

}  // namespace ptychoflow::io
