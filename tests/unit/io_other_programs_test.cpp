// Results as PyNX, ptychodus and PtyPy have them, read by h5py at the paths and with the formulas of these programs.
#include <gtest/gtest.h>

#include <fstream>
#include <numeric>
#include <random>

#include "core/io/ptychodus_product.hpp"
#include "core/io/ptypy_result.hpp"
#include "core/io/pynx_result.hpp"
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

constexpr std::array<double, 2> pixel_m{2e-9, 3e-9};
constexpr std::array<double, 2> origin_m{-5e-9, 7e-9};

/// Two object modes of 8 × 10 pixels (y, x), three probe modes of `ny` × `nx`, three views; element k of the object is
/// k (1 − 0.5 i), of the probe k (1 + 2 i).
struct Sample {
  std::vector<Complex<float>> object;
  std::vector<Complex<double>> probe;
  std::vector<std::int32_t> offset_px{0, 0, 1, 3, 4, 2};
  std::vector<double> position_m;
  ResultFile result;

  explicit Sample(Index ny = 4, Index nx = 6) {
    for (int k = 0; k < 160; ++k) object.push_back({static_cast<float>(k), -0.5f * static_cast<float>(k)});
    for (int k = 0; k < 3 * ny * nx; ++k) probe.push_back({static_cast<double>(k), 2.0 * k});
    for (std::size_t i = 0; i < offset_px.size(); ++i) {
      position_m.push_back(origin_m[i % 2] + offset_px[i] * pixel_m[i % 2]);
    }
    result.title = "star";
    result.start_time = "2024-01-02T03:04:05Z";
    result.object = View<const Complex<float>, 3>(object.data(), {2, 8, 10});
    result.object_pixel_size_m = pixel_m;
    result.object_origin_m = origin_m;
    result.probe = View<const Complex<double>, 3>(probe.data(), {3, ny, nx});
    result.probe_pixel_size_m = pixel_m;
    result.view_offset_px = {offset_px.data(), {3, 2}};
    result.view_position_m = {position_m.data(), {3, 2}};
    result.rotation_deg = 12.5;
    result.energy_J = 1.6e-15;
    result.distance_m = 2;
    result.detector_pixel_m = {5e-5, 6e-5};
    result.history.iteration = {1, 2};
    result.history.fourier_error = {.7, .6};
  }
};

/// Runs `checks` on the open file `f`; `obj`, `probe` and `offset` are what a sample with a probe of 4 × 6 has.
std::string checked(const TempFolder& folder, const std::string& name, const std::string& checks) {
  return test::run_python(folder.path(), "f = h5py.File('" + (folder / name).string() + R"(')
obj = np.arange(160).reshape(2, 8, 10) * (1 - .5j)
probe = np.arange(72).reshape(3, 4, 6) * (1 + 2j)
offset = np.array([[0, 0], [1, 3], [4, 2]])
wavelength = 6.62607015e-34 * 299792458 / 1.6e-15
def same(a, b, tolerance=1e-9):
    return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=tolerance, atol=0)
)" + checks + "\nprint('ok')");
}

TEST(PynxResult, IsWhatPynxLoads) {
  if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  TempFolder folder;
  write_pynx(folder / "r.cxi", Sample().result, Overwrite::refuse);
  EXPECT_EQ(folder.names(), Names{"r.cxi"});
  EXPECT_EQ(checked(folder, "r.cxi", R"(
e = f['entry_1']
assert 'entry_2' not in f and f['entry_last'] == e and f['cxi_version'][()] == 150
o, p = np.flip(e['object/data'][()], -2), np.flip(e['probe/data'][()], -2)
assert o.dtype == 'complex64' and (o == obj).all()
assert p.dtype == 'complex128' and (p == probe).all()
assert e['data_1/data'] == e['object/data'] and 'mask' not in e['result_1'] and 'background' not in e
for image in (e['object'], e['probe']):
    assert (image['y_pixel_size'][()], image['x_pixel_size'][()]) == (2e-9, 3e-9)
    assert image['data_space'].asstr()[()] == 'real'
    assert (np.diff(image['row_coords']) < 0).all() and (np.diff(image['col_coords']) > 0).all()
assert same(e['object/image_size'], [30e-9, 16e-9]) and same(e['probe/image_size'], [18e-9, 8e-9])
energy = e['instrument_1/source_1/energy'][()]
assert same(12.3984 / (energy / 1.60218e-16) * 1e-10, wavelength)
assert e['instrument_1/beam_1/incident_energy'][()] == energy
assert same(e['instrument_1/beam_1/incident_wavelength'][()], wavelength)
d = e['instrument_1/detector_1']
assert (d['distance'][()], d['y_pixel_size'][()], d['x_pixel_size'][()]) == (2, 5e-5, 6e-5)
)"),
            "ok");
}

TEST(PynxResult, ItsPositionsCutOutTheViews) {
  if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  TempFolder folder;
  write_pynx(folder / "r.cxi", Sample().result, Overwrite::refuse);
  EXPECT_EQ(checked(folder, "r.cxi", R"(
e = f['entry_1']
x, y, dx, dy = e['positions/data'][()]
assert not dx.any() and not dy.any()
px, py = e['object/x_pixel_size'][()], e['object/y_pixel_size'][()]
cx, cy = e['object/col_coords'][0] + 10 * px / 2, e['object/row_coords'][-1] + 8 * py / 2
first = np.stack([(8 - 4) // 2 + (y - cy) / py, (10 - 6) // 2 + (x - cx) / px], 1)
assert np.allclose(first, offset, rtol=0, atol=1e-4), first
)"),
            "ok");
}

TEST(PynxResult, LeavesOutWhatIsNotKnown) {
  if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  TempFolder folder;
  const Sample sample;
  ResultFile least;
  least.object = sample.result.object;
  least.probe = sample.result.probe;
  write_pynx(folder / "r.cxi", least, Overwrite::refuse);
  EXPECT_EQ(checked(folder, "r.cxi", R"(
e = f['entry_1']
assert 'positions' not in e and 'sample_1' not in e and 'start_time' not in e
assert not list(e['instrument_1/source_1']) and not list(e['instrument_1/detector_1'])
)"),
            "ok");
}

TEST(PtychodusProduct, IsWhatPtychodusReads) {
  if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  TempFolder folder;
  write_ptychodus(folder / "r.h5", Sample().result, Overwrite::refuse);
  EXPECT_EQ(folder.names(), Names{"r.h5"});
  EXPECT_EQ(checked(folder, "r.h5", R"(
a = f.attrs
assert str(a['name']) == 'star' and str(a['comments']).startswith('ptychoflow ')
assert a['detector_object_distance_m'] == 2 and a['tomography_angle_deg'] == 12.5 and a['exposure_time_s'] == 0
assert same(a['photon_energy_eV'], 1.6e-15 / 1.602176634e-19) and a['probe_energy_eV'] == a['photon_energy_eV']
assert a['mass_attenuation_m2_per_kg'] == 0 and a['mass_attenuation_m2_kg'] == 0
assert same(a['probe_photon_count'], (abs(probe) ** 2).sum())
o, p = f['object'], f['probe']
assert o.dtype == 'complex64' and o.shape == (1, 8, 10) and (o[0] == obj[0]).all()
assert p.dtype == 'complex128' and p.shape == (1, 3, 4, 6) and (p[0] == probe).all()
for d in (o, p):
    assert (d.attrs['pixel_height_m'], d.attrs['pixel_width_m']) == (2e-9, 3e-9)
assert f['object_layer_spacing_m'].shape == (0,)
assert list(f['loss_epochs']) == [1, 2] and list(f['loss_values']) == list(f['costs']) == [.7, .6]
)"),
            "ok");
}

TEST(PtychodusProduct, ItsPositionsAreTheMiddlesOfTheViews) {
  if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  TempFolder folder;
  write_ptychodus(folder / "even.h5", Sample().result, Overwrite::refuse);
  write_ptychodus(folder / "odd.h5", Sample(3, 5).result, Overwrite::refuse);
  const std::string check = R"(
a = f['object'].attrs
(height, width), (ny, nx) = f['object'].shape[-2:], f['probe'].shape[-2:]
px = (f['probe_position_x_m'][()] - a['center_x_m']) / a['pixel_width_m'] + width / 2
py = (f['probe_position_y_m'][()] - a['center_y_m']) / a['pixel_height_m'] + height / 2
assert np.allclose(np.stack([py - ny / 2, px - nx / 2], 1), offset, rtol=0, atol=1e-6), (py, px)
assert list(f['probe_position_indexes']) == [0, 1, 2]
)";
  EXPECT_EQ(checked(folder, "even.h5", check), "ok");
  EXPECT_EQ(checked(folder, "odd.h5", check), "ok");
}

TEST(PtychodusProduct, IsNotWrittenWithoutWhatItsReaderDemands) {
  TempFolder folder;
  const Sample sample;
  const auto refuse = [&](const ResultFile& result, const char* what) {
    expect_error([&] { write_ptychodus(folder / "r.h5", result, Overwrite::refuse); }, ErrorCode::data,
                 {"r.h5", what, "formats"});
  };
  ResultFile lacking = sample.result;
  lacking.view_position_m = {};
  refuse(lacking, "positions");
  lacking = sample.result;
  lacking.distance_m = 0;
  refuse(lacking, "distance");
  lacking = sample.result;
  lacking.energy_J = 0;
  refuse(lacking, "energy");
  EXPECT_EQ(folder.names(), Names{});
}

/// What PtyPy's io.h5read does, by the words that each item carries.
const std::string h5read = R"(
def load(item):
    kind = item.attrs['type']
    if kind in ('dict', 'param'):
        return {name: load(value) for name, value in item.items()}
    return {'array': lambda: item[...], 'arraylist': lambda: list(item[...]), 'scalar': lambda: item[...].item(),
            'arraytuple': lambda: tuple(item[...].tolist()), 'string': lambda: item[()].decode('utf-8')}[kind]()
header, content = load(f['header']), load(f['content'])
)";

TEST(PtypyResult, IsWhatPtypyReads) {
  if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  TempFolder folder;
  write_ptypy(folder / "r.ptyr", Sample().result, Overwrite::refuse);
  EXPECT_EQ(folder.names(), Names{"r.ptyr"});
  EXPECT_EQ(checked(folder, "r.ptyr", h5read + R"(
assert header['kind'] == 'minimal' and f['content'].attrs['type'] == 'param' and f['content/pars'].attrs['type'] == 'param'
assert sorted(content) == ['obj', 'pars', 'positions', 'probe', 'runtime']
assert content['pars'] == {'data_type': 'single', 'run': 'star'}
for kind, expected in (('obj', obj), ('probe', probe)):
    (name, s), = content[kind].items()
    assert name == s['ID'] == 'S00G00' and (s['data'] == expected).all() and s['data'].shape == expected.shape
    assert s['shape'] == expected.shape and s['layermap'] == list(range(len(expected))) and s['nlayers'] == len(expected)
    assert list(s['_psize']) == [2e-9, 3e-9] and same(s['_center'], -s['_origin'] / s['_psize'])
assert content['obj']['S00G00']['data'].dtype == 'complex64' and content['probe']['S00G00']['data'].dtype == 'complex128'
assert same(content['probe']['S00G00']['_center'], [2, 3])
)"),
            "ok");
}

TEST(PtypyResult, ItsPositionsCutOutTheViews) {
  if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  TempFolder folder;
  write_ptypy(folder / "even.ptyr", Sample().result, Overwrite::refuse);
  write_ptypy(folder / "odd.ptyr", Sample(3, 5).result, Overwrite::refuse);
  const std::string check = h5read + R"(
s, shape = content['obj']['S00G00'], np.array(content['probe']['S00G00']['data'].shape[1:])
pixel = (content['positions']['S00G00'] - s['_origin']) / s['_psize']
assert np.allclose(pixel, np.round(pixel), rtol=0, atol=1e-6), pixel
assert (np.round(pixel).astype(int) - shape // 2 == offset).all(), pixel
)";
  EXPECT_EQ(checked(folder, "even.ptyr", check), "ok");
  EXPECT_EQ(checked(folder, "odd.ptyr", check), "ok");
}

constexpr std::array writers{write_pynx, write_ptychodus, write_ptypy};

TEST(OtherPrograms, NeedAnObjectAndAProbe) {
  TempFolder folder;
  for (const auto write : writers) {
    Sample sample;
    sample.result.probe = {};
    expect_error([&] { write(folder / "r", sample.result, Overwrite::refuse); }, ErrorCode::other, {"without"});
    sample = Sample();
    sample.result.object = {};
    expect_error([&] { write(folder / "r", sample.result, Overwrite::refuse); }, ErrorCode::other, {"without"});
  }
  EXPECT_EQ(folder.names(), Names{});
}

TEST(OtherPrograms, AFullDiskLeavesNothingAndAnOldFileStays) {
  TempFolder folder;
  std::minstd_rand random;
  std::uniform_real_distribution<float> uniform;
  std::vector<Complex<float>> noise(64 * 64);
  for (auto& v : noise) v = {uniform(random), uniform(random)};
  const Sample sample;
  ResultFile result = sample.result;
  result.object = View<const Complex<float>, 3>(noise.data(), {1, 64, 64});
  for (const auto write : writers) {
    std::ofstream(folder / "r") << "old";
    expect_error([&] { write(folder / "r", result, Overwrite::refuse); }, ErrorCode::usage, {"already there"});
    for (const rlim_t bytes : {rlim_t{100}, rlim_t{3000}, rlim_t{16000}}) {
      const FileSizeLimit limit(bytes);
      expect_error([&] { write(folder / "r", result, Overwrite::allow); }, ErrorCode::resource,
                   {"cannot be written", "File too large"});
    }
    EXPECT_EQ(folder.names(), Names{"r"});
    EXPECT_EQ(std::filesystem::file_size(folder / "r"), 3u);
    write(folder / "r", result, Overwrite::allow);
    EXPECT_GT(std::filesystem::file_size(folder / "r"), 16000u);
  }
}

}  // namespace
}  // namespace ptychoflow::io
