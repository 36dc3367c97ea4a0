#include "core/io/scan_writer.hpp"

#include <gtest/gtest.h>

#include "core/base/units.hpp"
#include "core/io/scan.hpp"
#include "tests/support/h5py.hpp"
#include "tests/support/temp_folder.hpp"

namespace ptychoflow::io {
namespace {

using test::TempFolder;

TEST(ScanWriter, WritesFromSeveralHandsWhatScanReads) {
  TempFolder folder;
  const auto file = folder / "s.cxi";
  std::vector<std::uint16_t> counts(4 * 2 * 3);
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = static_cast<std::uint16_t>(i);
  const std::vector<double> yx{1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<std::uint8_t> mask{0, 1, 0, 0, 0, 1};
  const std::vector<Complex<float>> waves(2 * 2 * 3, Complex<float>{1, 2});
  const std::vector<std::int32_t> offsets{0, 1, 2, 3, 4, 5, 6, 7};
  const ModeStack modes = View<const Complex<float>, 3>(waves.data(), {2, 2, 3});

  auto first = ScanWriter::create(file, {.title = "t",
                                         .frame_type = "uint16",
                                         .frame_count = 4,
                                         .frame = {2, 3},
                                         .energy_J = 1e-15,
                                         .distance_m = 2,
                                         .detector_pixel_m = {3e-5, 4e-5}});
  first.write_mask({mask.data(), {2, 3}});
  first.write_initial_probe(modes);
  first.write_truth(modes, modes, {offsets.data(), {4, 2}});
  first.write_frames(2, View<const std::uint16_t, 3>(&counts[12], {2, 2, 3}));
  first.write_positions(2, {&yx[4], {2, 2}});
  first.close();
  auto second = ScanWriter::reopen(file);
  second.write_frames(0, View<const std::uint16_t, 3>(counts.data(), {2, 2, 3}));
  second.write_positions(0, {yx.data(), {2, 2}});
  second.close();

  const Scan scan(file);
  const ScanHeader& h = scan.header();
  EXPECT_EQ(h.frame_count, 4);
  EXPECT_EQ(h.frame_shape, (Extents<2>{2, 3}));
  EXPECT_EQ(h.frame_type, "uint16");
  EXPECT_EQ(h.translation_m[3], (std::array{8.0, 7.0}));  // x, y
  EXPECT_EQ(h.energy_J, 1e-15);
  EXPECT_EQ(h.distance_m, 2);
  EXPECT_EQ(h.pixel_y_m, 3e-5);
  EXPECT_EQ(h.pixel_x_m, 4e-5);
  EXPECT_FALSE(h.negative_is_masked);
  std::vector<std::uint16_t> read(counts.size());
  scan.read_frames(0, 4, 1, {0, 0, {2, 3}}, read.data());
  EXPECT_EQ(read, counts);
  const auto bad = scan.mask();
  EXPECT_EQ(std::vector<std::uint8_t>(bad.begin(), bad.end()), mask);
  EXPECT_EQ(std::get<0>(scan.initial_probe())(1, 1, 2), (Complex<float>{1, 2}));
  EXPECT_EQ(std::get<0>(scan.truth_object()).extents(), (Extents<3>{2, 2, 3}));
  EXPECT_EQ(scan.truth_offset_px()(3, 1), 7);
  if (!test::have_h5py()) GTEST_SKIP() << "the rest needs python3-h5py";
  EXPECT_EQ(test::run_python(folder.path(), "f = h5py.File('" + file.string() + R"(')
d = f['entry_1/data_1/data']
print(d.dtype, d.shape, d.chunks, d.compression, d.shuffle, d[3, 1].tolist())
print(f['entry_1/data_1/translation'][0].tolist(), f['entry_1/instrument_1/detector_1/mask'][0].tolist()))"),
            "uint16 (4, 2, 3) (1, 2, 3) gzip True [21, 22, 23]\n[2.0, 1.0, 0.0] [0, 1, 0]");
}

TEST(Scan, TakesTheWavelengthAndOneSidedPixelsAndPyNXPositions) {
  if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  TempFolder folder;
  test::make_cxi(folder / "a.cxi",
                 "del f[s + 'energy'], f[t], f[d + 'y_pixel_size']\n"
                 "f[s + 'wavelength'] = 2e-10\n"
                 "f[d + 'translation'] = xyz.T\n"
                 "f[d + 'data_dark'] = np.stack([np.full((ny, nx), 1.), np.full((ny, nx), 4.)])\n"
                 "f['entry_1/instrument_1/initial_probe'] = np.ones((ny, nx), 'complex128')\n");
  const Scan scan(folder / "a.cxi");
  EXPECT_DOUBLE_EQ(*scan.header().energy_J, energy_J_from_wavelength_m(2e-10));
  EXPECT_EQ(scan.header().pixel_y_m, 1e-5);
  EXPECT_EQ(scan.header().translation_path, "/entry_1/instrument_1/detector_1/translation");
  EXPECT_DOUBLE_EQ(scan.header().translation_m[3][1], 4e-6);
  EXPECT_EQ(scan.dark()(3, 4), 2.5);
  EXPECT_EQ(scan.header().initial_probe, (Extents<3>{1, 16, 20}));
  EXPECT_EQ(std::get<1>(scan.initial_probe())(0, 1, 1).re, 1);
  const auto mask = scan.mask();
  EXPECT_EQ(mask(0, 0), 1);
  EXPECT_EQ(mask(1, 1), 0);  // 0x1000: has signal
}

}  // namespace
}  // namespace ptychoflow::io
