#include "core/io/nxtomo.hpp"

#include <vector>

#include "core/base/units.hpp"
#include "core/base/version.hpp"
#include "core/io/hdf5_output.hpp"

namespace ptychoflow::io {

namespace {

const std::string entry = "/entry";
const std::string detector = "/entry/instrument/detector";
const std::string sample = "/entry/sample";

void make_group(OutputFile& out, const std::string& path, const char* nx_class) {
  out.attribute(path, "NX_class", nx_class);
}

void write_number(OutputFile& out, const std::string& path, double value, const char* units) {
  out.write(path, value);
  out.attribute(path, "units", units);
}

void write_detector(OutputFile& out, const ProjectionSeries& series) {
  make_group(out, detector, "NXdetector");
  out.write(detector + "/data", series.phase);
  out.attribute(detector + "/data", "units", "rad");
  out.attribute(detector + "/data", "long_name", phase_description);
  out.write(detector + "/image_key", std::vector<std::int32_t>(static_cast<std::size_t>(series.phase.extent(0)), 0));
  write_number(out, detector + "/y_pixel_size", series.pixel_size_m[0], "m");
  write_number(out, detector + "/x_pixel_size", series.pixel_size_m[1], "m");
}

void write_instrument(OutputFile& out, const ProjectionSeries& series) {
  make_group(out, entry + "/instrument", "NXinstrument");
  make_group(out, entry + "/instrument/source", "NXsource");
  out.write(entry + "/instrument/source/probe", std::string("x-ray"));
  if (series.wavelength_m > 0) {
    make_group(out, entry + "/instrument/beam", "NXbeam");
    const double energy_keV = energy_J_from_wavelength_m(series.wavelength_m) / energy_J_from_keV(1);
    write_number(out, entry + "/instrument/beam/incident_energy", energy_keV, "keV");
  }
  write_detector(out, series);
}

/// The plottable group: links alone.
void write_data(OutputFile& out) {
  const std::string data = entry + "/data";
  make_group(out, data, "NXdata");
  out.attribute(data, "signal", "data");
  out.link(data + "/data", detector + "/data");
  out.link(data + "/rotation_angle", sample + "/rotation_angle");
  out.link(data + "/image_key", detector + "/image_key");
}

void write_absorption(OutputFile& out, View<const float, 3> absorption) {
  const std::string group = entry + "/absorption";
  make_group(out, group, "NXdata");
  out.attribute(group, "signal", "data");
  out.write(group + "/data", absorption);
  out.attribute(group + "/data", "units", "1");
  out.attribute(group + "/data", "long_name", absorption_description);
  out.link(group + "/rotation_angle", sample + "/rotation_angle");
}

void write_process(OutputFile& out, const ProjectionSeries& series) {
  const std::string process = entry + "/process";
  make_group(out, process, "NXprocess");
  out.write(process + "/program", std::string("ptychoflow"));
  out.write(process + "/version", std::string(version));
  if (series.rotation_axis_px) {
    write_number(out, process + "/rotation_axis", *series.rotation_axis_px, "pixel");
    out.attribute(process + "/rotation_axis", "long_name", axis_description);
  }
}

}  // namespace

void write_nxtomo(const std::filesystem::path& file, const ProjectionSeries& series, Overwrite overwrite) {
  check_series(series);
  AtomicFile target(file, overwrite);
  OutputFile out = OutputFile::create(target.temporary());
  make_group(out, "/", "NXroot");
  out.attribute("/", "default", "entry");
  out.attribute("/", "creator", "ptychoflow");
  make_group(out, entry, "NXentry");
  out.attribute(entry, "default", "data");
  out.write(entry + "/definition", std::string("NXtomo"));
  const std::string title = series.title.empty() ? "projections" : series.title;
  out.write(entry + "/title", title);
  write_instrument(out, series);
  make_group(out, sample, "NXsample");
  out.write(sample + "/name", title);
  out.write(sample + "/rotation_angle", series.angle_deg);
  out.attribute(sample + "/rotation_angle", "units", "degree");
  write_data(out);
  if (!series.absorption.empty()) write_absorption(out, series.absorption);
  write_process(out, series);
  out.close();
  target.commit();
}

}  // namespace ptychoflow::io
