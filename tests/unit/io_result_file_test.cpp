#include "core/io/result_file.hpp"

#include <gtest/gtest.h>

#include "core/base/version.hpp"
#include "tests/support/h5py.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow::io {
namespace {

using test::expect_error;
using test::have_h5py;
using test::run_python;
using test::TempFolder;

/// A result with every field set, each to a value of its own.
struct Sample {
  std::vector<Complex<float>> object;
  std::vector<Complex<double>> probe;
  std::vector<float> coverage;
  std::vector<std::int32_t> offset_px{1, 2, 3, 4, 5, 6};
  std::vector<double> position_m{.1, .2, .3, .4, .5, .6};
  std::vector<double> object_change{.5, .25};
  std::vector<double> probe_change{.5, .4, .3, .2};
  ResultFile result;

  Sample() {
    for (int i = 0; i < 20; ++i) object.push_back({static_cast<float>(i), -1});
    for (int i = 0; i < 12; ++i) probe.push_back({.1, static_cast<double>(i)});
    for (int i = 0; i < 20; ++i) coverage.push_back(static_cast<float>(i) / 20);
    result.title = "star";
    result.start_time = "2024-01-02T03:04:05Z";
    result.end_time = "2024-01-02T03:05:05Z";
    result.object = View<const Complex<float>, 3>(object.data(), {1, 4, 5});
    result.object_pixel_size_m = {1e-9, 2e-9};
    result.object_origin_m = {-3e-6, -4e-6};
    result.object_coverage = {coverage.data(), {4, 5}};
    result.probe = View<const Complex<double>, 3>(probe.data(), {2, 2, 3});
    result.probe_pixel_size_m = {3e-9, 4e-9};
    result.probe_occupancy = {.75, .25};
    result.view_offset_px = {offset_px.data(), {3, 2}};
    result.view_position_m = {position_m.data(), {3, 2}};
    result.rotation_deg = 0.0;
    result.energy_J = 1.6e-15;
    result.distance_m = 2;
    result.detector_pixel_m = {5e-5, 6e-5};
    result.process = {"ptychoflow", "0.1", "ptychoflow run", "cpu", 4, 2, R"({"stages": []})"};
    result.history = {{1, 2},    {object_change.data(), {2, 1}}, {probe_change.data(), {2, 2}}, {.9, .8}, {.7, .6},
                      {.01, .02}};
  }
};

template <class T, std::size_t Rank>
std::vector<std::remove_const_t<T>> list(View<T, Rank> view) {
  return {view.begin(), view.end()};
}

TEST(ResultFile, ComesBackAsItWasWritten) {
  TempFolder folder;
  const Sample sample;
  write_result(folder / "r.h5", sample.result, Overwrite::refuse);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"r.h5"});
  const ResultFile read = read_result(folder / "r.h5");
  const ResultFile& written = sample.result;
  EXPECT_EQ(read.title, written.title);
  EXPECT_EQ(read.start_time, written.start_time);
  EXPECT_EQ(read.end_time, written.end_time);
  const auto object = std::get<View<const Complex<float>, 3>>(read.object);
  EXPECT_EQ(object.extents(), (Extents<3>{1, 4, 5}));
  EXPECT_EQ(list(object), sample.object);
  const auto probe = std::get<View<const Complex<double>, 3>>(read.probe);
  EXPECT_EQ(probe.extents(), (Extents<3>{2, 2, 3}));
  EXPECT_EQ(list(probe), sample.probe);
  EXPECT_EQ(list(read.object_coverage), sample.coverage);
  EXPECT_EQ(read.object_pixel_size_m, written.object_pixel_size_m);
  EXPECT_EQ(read.object_origin_m, written.object_origin_m);
  EXPECT_EQ(read.probe_pixel_size_m, written.probe_pixel_size_m);
  EXPECT_EQ(read.probe_occupancy, written.probe_occupancy);
  EXPECT_EQ(list(read.view_offset_px), sample.offset_px);
  EXPECT_EQ(list(read.view_position_m), sample.position_m);
  EXPECT_EQ(read.rotation_deg, written.rotation_deg);
  EXPECT_EQ(read.energy_J, written.energy_J);
  EXPECT_EQ(read.distance_m, written.distance_m);
  EXPECT_EQ(read.detector_pixel_m, written.detector_pixel_m);
  EXPECT_EQ(read.process.command, "ptychoflow run");
  EXPECT_EQ(read.process.ranks, 4);
  EXPECT_EQ(read.process.threads, 2);
  EXPECT_EQ(read.process.pipeline, written.process.pipeline);
  EXPECT_EQ(read.history.iteration, written.history.iteration);
  EXPECT_EQ(list(read.history.object_change), sample.object_change);
  EXPECT_EQ(read.history.probe_change.extents(), (Extents<2>{2, 2}));
  EXPECT_EQ(read.history.exit_wave_change, written.history.exit_wave_change);
  EXPECT_EQ(read.history.fourier_error, written.history.fourier_error);
  EXPECT_EQ(read.history.seconds, written.history.seconds);
}

TEST(ResultFile, HasThePathsTypesAndLinksOfItsFormatForH5py) {
  if (!have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  TempFolder folder;
  write_result(folder / "r.h5", Sample().result, Overwrite::refuse);
  const std::string said = run_python(folder.path(), "f = h5py.File('" + (folder / "r.h5").string() + R"(')
a, e = f.attrs, f['entry_1']
print(a['creator'].decode(), a['version'].decode(), a['cxi_version'], e.attrs['NX_class'].decode())
o, p = e['object/data'], e['probe/data']
print(o.dtype, o.shape, o.chunks, o.compression, o.shuffle, o.attrs['axes'].decode())
print(p.dtype, p.shape, p.chunks, p[1, 1, 2])
print(e['object/coverage'].dtype, e['views/offset_px'].dtype, e['views/offset_px'][2].tolist())
print(e['instrument_1/detector_1/x_pixel_size'][()], e['instrument_1/source_1/energy'][()])
print(e['process_1/pipeline'][()].decode(), e['title'][()].decode(), e['process_1/ranks'][()])
print(e['process_1/history/probe_change'].shape)
print(e.get('result_1', getlink=True).path, e['result_2/data'].shape))");
  EXPECT_EQ(said, std::string("ptychoflow ") + version + R"( 160 NXentry
complex64 (1, 4, 5) (1, 4, 5) gzip True mode:y:x
complex128 (2, 2, 3) (1, 2, 3) (0.1+11j)
float32 int32 [5, 6]
6e-05 1.6e-15
{"stages": []} star 4
(2, 2)
/entry_1/object (2, 2, 3))");
}

TEST(ResultFile, MayLackAllButObjectAndProbe) {
  TempFolder folder;
  const Sample sample;
  ResultFile least;
  least.object = sample.result.object;
  least.probe = sample.result.probe;
  write_result(folder / "r.h5", least, Overwrite::refuse);
  const ResultFile read = read_result(folder / "r.h5");
  EXPECT_TRUE(read.object_coverage.empty());
  EXPECT_TRUE(read.history.iteration.empty());
  EXPECT_EQ(read.title, "");
  EXPECT_FALSE(read.rotation_deg.has_value());
  EXPECT_EQ(read.energy_J, 0);
}

TEST(ResultFile, IsNotReadFromAFileThatIsNone) {
  if (!have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  TempFolder folder;
  test::make_cxi(folder / "scan.cxi");
  expect_error([&] { read_result(folder / "scan.cxi"); }, ErrorCode::data,
               {"scan.cxi", "/entry_1/object/data", "/entry_1/ has data_1"});
}

}  // namespace
}  // namespace ptychoflow::io
