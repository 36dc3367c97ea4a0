#include "core/io/pynx_result.hpp"

#include <algorithm>

#include "core/base/units.hpp"
#include "core/base/version.hpp"
#include "core/io/hdf5_output.hpp"
#include "core/io/result_export.hpp"

namespace ptychoflow::io {

namespace {

const std::string entry = "/entry_1";
const std::string instrument = entry + "/instrument_1";

void make_group(OutputFile& out, const std::string& path, const char* nx_class) {
  out.attribute(path, "NX_class", nx_class, TextLength::variable);
}

void write_text(OutputFile& out, const std::string& path, const std::string& text) {
  out.write(path, text, TextLength::variable);
}

void write_number(OutputFile& out, const std::string& path, double value, const char* units) {
  if (value == 0) return;
  out.write(path, value);
  out.attribute(path, "units", units, TextLength::variable);
}

/// PyNX's: h·c = 12.3984 keV·Å, and 1.60218e-16 J a keV.
double pynx_energy_J(double wavelength_m) { return 12.3984e-10 / wavelength_m * 1.60218e-16; }

/// Mode by mode, the last row first.
template <class C>
void write_upside_down(OutputFile& out, const std::string& path, View<const C, 3> modes) {
  const auto& extents = modes.extents();
  out.declare<C>(path, {extents.begin(), extents.end()}, {chunk_of_rows(extents, sizeof(C)), default_deflate});
  std::vector<C> mode(static_cast<std::size_t>(extents[1] * extents[2]));
  for (Index m = 0; m < extents[0]; ++m) {
    auto to = mode.begin();
    for (Index y = extents[1] - 1; y >= 0; --y) to = std::copy_n(modes[m][y].begin(), extents[2], to);
    out.write_rows(path, m, View<const C, 3>(mode.data(), {1, extents[1], extents[2]}));
  }
}

/// Coordinates of `count` pixels, the one at count / 2 at `middle_m`.
std::vector<double> coordinates(Index count, double pixel_m, double middle_m) {
  std::vector<double> all;
  for (Index i = 0; i < count; ++i) {
    all.push_back(middle_m + (static_cast<double>(i) - static_cast<double>(count) / 2) * pixel_m);
  }
  return all;
}

struct Image {
  std::string group;
  const char* title;
  const ModeStack& modes;
  std::array<double, 2> pixel_m;
  std::array<double, 2> middle_m;
};

void write_image(OutputFile& out, const Image& image) {
  make_group(out, image.group, "NXdata");
  out.attribute(image.group, "signal", "data", TextLength::variable);
  write_text(out, image.group + "/title", image.title);
  std::visit([&](auto modes) { write_upside_down(out, image.group + "/data", modes); }, image.modes);
  out.attribute(image.group + "/data", "interpretation", "image", TextLength::variable);
  write_text(out, image.group + "/data_space", "real");
  const auto [pixel_y_m, pixel_x_m] = image.pixel_m;
  const auto [modes, ny, nx] = extents_of(image.modes);
  out.write(image.group + "/image_size",
            std::vector<double>{static_cast<double>(nx) * pixel_x_m, static_cast<double>(ny) * pixel_y_m});
  out.write(image.group + "/x_pixel_size", pixel_x_m);
  out.write(image.group + "/y_pixel_size", pixel_y_m);
  std::vector<double> rows = coordinates(ny, pixel_y_m, image.middle_m[0]);
  std::reverse(rows.begin(), rows.end());
  out.write(image.group + "/row_coords", rows);
  out.write(image.group + "/col_coords", coordinates(nx, pixel_x_m, image.middle_m[1]));
  for (const char* axis : {"/row_coords", "/col_coords"}) {
    out.attribute(image.group + axis, "units", "m", TextLength::variable);
  }
}

void write_positions(OutputFile& out, const ResultFile& result) {
  const auto x = positions_m(result, 1), y = positions_m(result, 0);
  if (x.empty()) return;
  std::vector<float> all(x.begin(), x.end());
  all.insert(all.end(), y.begin(), y.end());
  all.resize(4 * x.size(), 0.0f);
  make_group(out, entry + "/result_5", "NXdata");
  out.attribute(entry + "/result_5", "signal", "data", TextLength::variable);
  out.write(entry + "/result_5/data", View<const float, 2>(all.data(), {4, static_cast<Index>(x.size())}));
  write_text(out, entry + "/result_5/data_space", "real");
  out.link(entry + "/positions", entry + "/result_5");
}

void write_instrument(OutputFile& out, const ResultFile& result) {
  make_group(out, instrument, "NXinstrument");
  make_group(out, instrument + "/source_1", "NXsource");
  make_group(out, instrument + "/beam_1", "NXbeam");
  make_group(out, instrument + "/detector_1", "NXdetector");
  if (result.energy_J > 0) {
    const double wavelength_m = wavelength_m_from_energy_J(result.energy_J);
    write_number(out, instrument + "/source_1/energy", pynx_energy_J(wavelength_m), "J");
    write_number(out, instrument + "/beam_1/incident_energy", pynx_energy_J(wavelength_m), "J");
    write_number(out, instrument + "/beam_1/incident_wavelength", wavelength_m, "m");
  }
  write_number(out, instrument + "/detector_1/distance", result.distance_m, "m");
  write_number(out, instrument + "/detector_1/x_pixel_size", result.detector_pixel_m[1], "m");
  write_number(out, instrument + "/detector_1/y_pixel_size", result.detector_pixel_m[0], "m");
}

void write_process(OutputFile& out, const ResultFile& result) {
  make_group(out, entry + "/process_1", "NXprocess");
  write_text(out, entry + "/process_1/program", "ptychoflow");
  write_text(out, entry + "/process_1/version", version);
  write_text(out, entry + "/process_1/command", result.process.command);
}

}  // namespace

void write_pynx(const std::filesystem::path& file, const ResultFile& result, Overwrite overwrite) {
  const std::array<double, 2> middle_m = object_middle_m(result);
  AtomicFile target(file, overwrite);
  OutputFile out = OutputFile::create(target.temporary());
  out.attribute("/", "creator", "ptychoflow", TextLength::variable);
  out.attribute("/", "default", "entry_1", TextLength::variable);
  out.write("/cxi_version", std::int64_t{150});
  make_group(out, entry, "NXentry");
  out.attribute(entry, "default", "object", TextLength::variable);
  write_text(out, entry + "/program_name", std::string("ptychoflow ") + version);
  if (!result.start_time.empty()) write_text(out, entry + "/start_time", result.start_time);
  if (!result.title.empty()) write_text(out, entry + "/sample_1/name", result.title);
  write_image(out, {entry + "/result_1", "Object", result.object, result.object_pixel_size_m, middle_m});
  write_image(out, {entry + "/result_2", "Probe", result.probe, result.probe_pixel_size_m, {0, 0}});
  out.link(entry + "/object", entry + "/result_1");
  out.link(entry + "/probe", entry + "/result_2");
  out.link(entry + "/data_1/data", entry + "/result_1/data");
  out.link("/entry_last", entry);
  write_positions(out, result);
  write_instrument(out, result);
  write_process(out, result);
  out.close();
  target.commit();
}

}  // namespace ptychoflow::io
