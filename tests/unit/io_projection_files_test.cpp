// Data Exchange and NXtomo files of a series, read by h5py at the paths that other programs use.
#include <gtest/gtest.h>

#include <fstream>
#include <numeric>

#include "core/io/data_exchange.hpp"
#include "core/io/nxtomo.hpp"
#include "tests/support/file_size_limit.hpp"
#include "tests/support/h5py.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::io {
namespace {

using test::expect_error;
using test::FileSizeLimit;
using test::TempFolder;
using Names = std::vector<std::string>;

/// Three projections of 4 × 5 pixels (y, x); phase j at place j, absorption its negative.
struct Series {
  std::vector<float> phase = std::vector<float>(60), absorption = std::vector<float>(60);
  std::vector<double> angle_deg{-60, 0.25, 60};

  Series() {
    std::iota(phase.begin(), phase.end(), 0.0f);
    std::transform(phase.begin(), phase.end(), absorption.begin(), [](float v) { return -v; });
  }
  ProjectionSeries views() const {
    return {.title = "walnut",
            .phase = {phase.data(), {3, 4, 5}},
            .absorption = {absorption.data(), {3, 4, 5}},
            .angle_deg = {angle_deg.data(), {3}},
            .pixel_size_m = {2e-8, 1e-8},
            .rotation_axis_px = 2.5,
            .wavelength_m = 1.2398419843320026e-10};  // 10 keV
  }
};

/// What the checks below need of a file; `text` turns the bytes of a fixed-length string into one.
std::string with_file(const std::filesystem::path& file, const std::string& checks) {
  return R"(
def text(v):
    v = v[()] if isinstance(v, h5py.Dataset) else v
    return v.decode() if isinstance(v, bytes) else str(v)
f = h5py.File(')" +
         file.string() + "')\n" + checks + "\nprint('ok')";
}

TEST(DataExchange, ProjectionsAreWhereTomopyLooks) {
  if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  TempFolder folder;
  write_exchange_projections(folder / "p.h5", Series().views(), Overwrite::refuse);
  EXPECT_EQ(folder.names(), Names{"p.h5"});
  EXPECT_EQ(test::run_python(folder.path(), with_file(folder / "p.h5", R"(
assert text(f['implements']) == 'exchange'
data, theta = f['exchange/data'], f['exchange/theta']
assert data.dtype == 'float32' and data.shape == (3, 4, 5)
assert (data[...] == np.arange(60).reshape(3, 4, 5)).all()
assert (text(data.attrs['axes']), text(data.attrs['units'])) == ('theta:y:x', 'rad')
assert 'phase' in text(data.attrs['description'])
assert theta.dtype == 'float64' and list(theta) == [-60, 0.25, 60] and text(theta.attrs['units']) == 'degree'
absorption = f['exchange/data_absorption']
assert (absorption[...] == -data[...]).all() and text(absorption.attrs['units']) == '1'
assert text(f['exchange/title']) == 'walnut'
d = f['measurement/instrument/detector']
assert (d['y_pixel_size'][()], d['x_pixel_size'][()]) == (2e-8, 1e-8) and text(d['x_pixel_size'].attrs['units']) == 'm'
energy = f['measurement/instrument/monochromator/energy']
assert abs(energy[()] - 10) < 1e-9 and text(energy.attrs['units']) == 'keV'  # double precision
axis = f['process/ptychoflow/rotation_axis']
assert axis[()] == 2.5 and text(axis.attrs['units']) == 'pixel'
assert text(f.attrs['creator']) == 'ptychoflow'
)")),
            "ok");
}

TEST(DataExchange, WhatIsNotKnownIsLeftOut) {
  if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  TempFolder folder;
  const Series all;
  ProjectionSeries bare{.phase = all.views().phase, .angle_deg = all.views().angle_deg, .pixel_size_m = {1e-8, 1e-8}};
  write_exchange_projections(folder / "p.h5", bare, Overwrite::refuse);
  write_nxtomo(folder / "p.nxs", bare, Overwrite::refuse);
  EXPECT_EQ(test::run_python(folder.path(), with_file(folder / "p.h5", R"(
assert sorted(f['exchange']) == ['data', 'theta'] and sorted(f['measurement/instrument']) == ['detector']
assert 'process' not in f
n = h5py.File(f.filename.replace('.h5', '.nxs'))
assert sorted(n['entry']) == ['data', 'definition', 'instrument', 'process', 'sample', 'title']
assert sorted(n['entry/process']) == ['program', 'version'] and 'beam' not in n['entry/instrument']
assert text(n['entry/title']) == 'projections'
)")),
            "ok");
}

TEST(NXtomo, ProjectionsAreWhereTheDefinitionHasThem) {
  if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  TempFolder folder;
  write_nxtomo(folder / "p.nxs", Series().views(), Overwrite::refuse);
  EXPECT_EQ(folder.names(), Names{"p.nxs"});
  EXPECT_EQ(test::run_python(folder.path(), with_file(folder / "p.nxs", R"(
e = f['entry']
kinds = {'': 'NXroot', 'entry': 'NXentry', 'entry/instrument': 'NXinstrument', 'entry/instrument/source': 'NXsource',
         'entry/instrument/beam': 'NXbeam', 'entry/instrument/detector': 'NXdetector', 'entry/sample': 'NXsample',
         'entry/data': 'NXdata', 'entry/absorption': 'NXdata', 'entry/process': 'NXprocess'}
for path, kind in kinds.items():
    assert text(f['/' + path].attrs['NX_class']) == kind, path
assert (text(e['definition']), text(e['title']), text(e['sample/name'])) == ('NXtomo', 'walnut', 'walnut')
d = e['instrument/detector']
assert d['data'].dtype == 'float32' and (d['data'][...] == np.arange(60).reshape(3, 4, 5)).all()
assert list(d['image_key']) == [0, 0, 0] and d['image_key'].dtype.kind == 'i'
assert (d['y_pixel_size'][()], d['x_pixel_size'][()]) == (2e-8, 1e-8) and text(d['y_pixel_size'].attrs['units']) == 'm'
angle = e['sample/rotation_angle']
assert list(angle) == [-60, 0.25, 60] and text(angle.attrs['units']) == 'degree'
for name, target in (('data', d['data']), ('image_key', d['image_key']), ('rotation_angle', angle)):
    assert e['data'].get(name, getlink=True).path == target.name and e['data'][name] == target, name
assert text(e['data'].attrs['signal']) == 'data' and text(f.attrs['default']) == 'entry'
assert text(e.attrs['default']) == 'data'
assert (e['absorption/data'][...] == -d['data'][...]).all() and list(e['absorption/rotation_angle']) == list(angle)
assert abs(e['instrument/beam/incident_energy'][()] - 10) < 1e-9  # double precision
assert text(e['instrument/source/probe']) == 'x-ray' and e['process/rotation_axis'][()] == 2.5
)")),
            "ok");
}

TEST(ProjectionFiles, ShapesMustBelongTogether) {
  TempFolder folder;
  const Series all;
  for (const auto write : {write_exchange_projections, write_nxtomo}) {
    ProjectionSeries s = all.views();
    s.angle_deg = {all.angle_deg.data(), {2}};
    expect_error([&] { write(folder / "p", s, Overwrite::refuse); }, ErrorCode::other, {"one angle a projection"});
    s = all.views();
    s.absorption = {all.absorption.data(), {3, 5, 4}};
    expect_error([&] { write(folder / "p", s, Overwrite::refuse); }, ErrorCode::other, {"differ in shape"});
    s = all.views();
    s.phase = {};
    expect_error([&] { write(folder / "p", s, Overwrite::refuse); }, ErrorCode::other, {"without projections"});
  }
  EXPECT_EQ(folder.names(), Names{});
}

TEST(ProjectionFiles, AFullDiskLeavesNothingAndAnOldFileStays) {
  TempFolder folder;
  std::vector<float> many(64 * 64);
  const std::vector<double> angle(4, 0.0);
  const ProjectionSeries s{
      .phase = {many.data(), {4, 32, 32}}, .angle_deg = {angle.data(), {4}}, .pixel_size_m = {1, 1}};
  for (const auto write : {write_exchange_projections, write_nxtomo}) {
    std::ofstream(folder / "p") << "old";
    expect_error([&] { write(folder / "p", s, Overwrite::refuse); }, ErrorCode::usage, {"already there"});
    for (const rlim_t bytes : {rlim_t{100}, rlim_t{3000}, rlim_t{16000}}) {
      const FileSizeLimit limit(bytes);
      expect_error([&] { write(folder / "p", s, Overwrite::allow); }, ErrorCode::resource,
                   {"cannot be written", "File too large"});
    }
    EXPECT_EQ(folder.names(), Names{"p"});
    EXPECT_EQ(std::filesystem::file_size(folder / "p"), 3u);
    write(folder / "p", s, Overwrite::allow);
    EXPECT_GT(std::filesystem::file_size(folder / "p"), 16000u);
  }
}

}  // namespace
}  // namespace ptychoflow::io
