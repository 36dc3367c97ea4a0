// Volumes written slab by slab: Data Exchange files and stacks of TIFF pictures.
#include <gtest/gtest.h>
#include <tiffio.h>

#include <fstream>
#include <numeric>

#include "core/io/data_exchange.hpp"
#include "core/io/tiff_stack.hpp"
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
using Slab = View<const float, 3>;

/// A volume of 5 × 3 × 4 (z, y, x) whose voxels are numbered.
struct Voxels {
  std::vector<float> delta = std::vector<float>(60), beta = std::vector<float>(60);
  Voxels() {
    std::iota(delta.begin(), delta.end(), 0.0f);
    std::iota(beta.begin(), beta.end(), 100.0f);
  }
  static Slab slab(const std::vector<float>& v, Index first, Index count) {
    return {v.data() + first * 12, {count, 3, 4}};
  }
};

VolumeLayout layout(Beta beta) {
  return {.title = "walnut",
          .shape = {5, 3, 4},
          .voxel_size_m = {3e-8, 2e-8, 1e-8},
          .beta = beta,
          .wavelength_m = 1.2398419843320026e-10};  // 10 keV
}

TEST(VolumeFile, SlabsInAnyOrderMakeAWholeVolume) {
  if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  TempFolder folder;
  const Voxels v;
  {
    VolumeFile file(folder / "v.h5", layout(Beta::present), Overwrite::refuse);
    file.write(3, Voxels::slab(v.delta, 3, 2), Voxels::slab(v.beta, 3, 2));
    file.write(0, Voxels::slab(v.delta, 0, 3), Voxels::slab(v.beta, 0, 3));
    EXPECT_FALSE(std::filesystem::exists(folder / "v.h5"));
    file.commit();
  }
  EXPECT_EQ(folder.names(), Names{"v.h5"});
  EXPECT_EQ(test::run_python(folder.path(), "f = h5py.File('" + (folder / "v.h5").string() + R"(')
assert f['implements'][()] == b'exchange'
d, b = f['exchange/data'], f['exchange/data_beta']
assert d.dtype == 'float32' and (d[...] == np.arange(60).reshape(5, 3, 4)).all()
assert d.chunks is None and d.attrs['axes'] == b'z:y:x' and b'delta' in d.attrs['description']
assert (b[...] == 100 + d[...]).all() and b.attrs['axes'] == b'z:y:x' and b'beta' in b.attrs['description']
s = f['exchange/voxel_size']
assert list(s) == [3e-8, 2e-8, 1e-8] and s.attrs['units'] == b'm' and s.attrs['description'] == b'z, y, x'
assert f['exchange/title'][()] == b'walnut' and 'theta' not in f['exchange']
assert abs(f['measurement/instrument/monochromator/energy'][()] - 10) < 1e-9  # double precision
print('ok'))"),
            "ok");
}

TEST(VolumeFile, RefusesSlabsThatDoNotFit) {
  TempFolder folder;
  const Voxels v;
  VolumeFile file(folder / "v.h5", layout(Beta::absent), Overwrite::refuse);
  const auto refused = [&](Index first, Slab delta, Slab beta, std::initializer_list<const char*> words) {
    expect_error([&] { file.write(first, delta, beta); }, ErrorCode::other, words);
  };
  refused(4, Voxels::slab(v.delta, 3, 2), {}, {"v.h5", "2 × 3 × 4", "slice 4", "5 × 3 × 4", "slab_first"});
  refused(-1, Voxels::slab(v.delta, 3, 2), {}, {"does not fit"});
  refused(0, {v.delta.data(), {1, 4, 3}}, {}, {"1 × 4 × 3", "does not fit"});
  refused(0, {v.delta.data(), {0, 3, 4}}, {}, {"does not fit"});
  refused(0, Voxels::slab(v.delta, 0, 1), Voxels::slab(v.beta, 0, 1), {"1 × 3 × 4 voxels of beta", "volume_beta"});
  file.write(1, Voxels::slab(v.delta, 1, 2), {});
  refused(2, Voxels::slab(v.delta, 2, 2), {}, {"slice 2 comes a second time"});
  expect_error([&] { file.commit(); }, ErrorCode::other, {"v.h5", "without slice 0 of 5"});
  VolumeFile both(folder / "w.h5", layout(Beta::present), Overwrite::refuse);
  expect_error([&] { both.write(0, Voxels::slab(v.delta, 0, 1), {}); }, ErrorCode::other, {"0 × 0 × 0 voxels of beta"});
  VolumeLayout flat = layout(Beta::absent);
  flat.shape = {0, 3, 4};
  expect_error([&] { VolumeFile(folder / "x.h5", flat, Overwrite::refuse); }, ErrorCode::other, {"without voxels"});
}

TEST(VolumeFile, LeavesNothingUnlessCommitted) {
  TempFolder folder;
  const Voxels v;
  {
    VolumeFile file(folder / "v.h5", layout(Beta::absent), Overwrite::refuse);
    file.write(0, Voxels::slab(v.delta, 0, 5), {});
    EXPECT_EQ(folder.names().size(), 1u);  // under another name
  }
  EXPECT_EQ(folder.names(), Names{});
}

TEST(VolumeFile, ReportsAFullDiskAndLeavesNothing) {
  TempFolder folder;
  const std::vector<float> slices(2 * 64 * 64);
  VolumeLayout large = layout(Beta::absent);
  large.shape = {4, 64, 64};
  for (const rlim_t bytes : {rlim_t{100}, rlim_t{3000}, rlim_t{40000}}) {
    const FileSizeLimit limit(bytes);
    expect_error(
        [&] {
          VolumeFile file(folder / "v.h5", large, Overwrite::refuse);
          for (const Index first : {0, 2}) file.write(first, {slices.data(), {2, 64, 64}}, {});
          file.commit();
        },
        ErrorCode::resource, {"cannot be written", "File too large"});
    EXPECT_EQ(folder.names(), Names{}) << bytes;
  }
}

struct Picture {
  std::uint32_t width = 0, height = 0;
  std::uint16_t bits = 0, format = 0, unit = 0;
  float per_cm = 0;
  std::vector<float> values;
};

Picture read_tiff(const std::filesystem::path& file) {
  Picture p;
  TIFF* tiff = TIFFOpen(file.c_str(), "r");
  expect(tiff != nullptr, "no TIFF there");
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &p.width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &p.height);
  TIFFGetField(tiff, TIFFTAG_BITSPERSAMPLE, &p.bits);
  TIFFGetField(tiff, TIFFTAG_SAMPLEFORMAT, &p.format);
  TIFFGetField(tiff, TIFFTAG_RESOLUTIONUNIT, &p.unit);
  TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &p.per_cm);
  p.values.resize(static_cast<std::size_t>(p.width) * p.height);
  for (std::uint32_t y = 0; y < p.height; ++y) TIFFReadScanline(tiff, p.values.data() + y * p.width, y, 0);
  TIFFClose(tiff);
  return p;
}

TEST(TiffStack, KeepsEveryValue) {
  TempFolder folder;
  std::vector<float> wide(700 * 600);  // more than one strip
  std::iota(wide.begin(), wide.end(), -1000.25f);
  TiffStack stack(folder / "s_tiff", "s", 1e-8, Overwrite::refuse);
  stack.write(0, {wide.data(), {2, 3}});
  stack.write(12, {wide.data(), {700, 600}});
  EXPECT_FALSE(std::filesystem::exists(folder / "s_tiff"));
  stack.commit();
  EXPECT_EQ(folder.names(), Names{"s_tiff"});
  const Picture small = read_tiff(folder / "s_tiff/s_0000.tif"), large = read_tiff(folder / "s_tiff/s_0012.tif");
  EXPECT_EQ(small.width, 3u);
  EXPECT_EQ(small.height, 2u);
  EXPECT_EQ(small.bits, 32);
  EXPECT_EQ(small.format, SAMPLEFORMAT_IEEEFP);
  EXPECT_EQ(small.unit, RESUNIT_CENTIMETER);
  EXPECT_EQ(small.per_cm, 1e6f);  // 10 nm
  EXPECT_EQ(small.values, std::vector<float>(wide.begin(), wide.begin() + 6));
  EXPECT_EQ(large.values, wide);
}

TEST(TiffStack, ReplacesAnOlderStackAndNothingElse) {
  TempFolder folder;
  const std::vector<float> v(6, 1.5f);
  const View<const float, 2> picture(v.data(), {2, 3});
  std::filesystem::create_directory(folder / "s");
  std::ofstream(folder / "s/s_0099.tif") << "old";
  expect_error([&] { TiffStack(folder / "s", "s", 0, Overwrite::refuse); }, ErrorCode::usage,
               {"already there", "overwrite: true"});
  {
    TiffStack stack(folder / "s", "s", 0, Overwrite::allow);
    stack.write(0, picture);
  }
  EXPECT_TRUE(std::filesystem::exists(folder / "s/s_0099.tif")) << "not committed";
  {
    TiffStack stack(folder / "s", "s", 0, Overwrite::allow);
    stack.write(0, picture);
    stack.commit();
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "s/s_0099.tif"));
  EXPECT_EQ(read_tiff(folder / "s/s_0000.tif").values, v);
  EXPECT_EQ(folder.names(), Names{"s"});

  std::ofstream(folder / "s/notes.txt") << "mine";
  expect_error([&] { TiffStack(folder / "s", "s", 0, Overwrite::allow); }, ErrorCode::usage,
               {"more than TIFF", "notes.txt"});
  std::ofstream(folder / "file") << "mine";
  expect_error([&] { TiffStack(folder / "file", "s", 0, Overwrite::allow); }, ErrorCode::usage,
               {"a file has this name"});
  expect_error([&] { TiffStack(folder / "none/s", "s", 0, Overwrite::allow); }, ErrorCode::usage, {"no folder"});
}

TEST(TiffStack, ReportsAFullDiskAndLeavesNothing) {
  TempFolder folder;
  const std::vector<float> v(64 * 64);
  for (const rlim_t bytes : {rlim_t{4}, rlim_t{1000}, rlim_t{64 * 64 * 4 + 20}}) {
    const FileSizeLimit limit(bytes);
    expect_error(
        [&] {
          TiffStack stack(folder / "s", "s", 0, Overwrite::refuse);
          stack.write(7, {v.data(), {64, 64}});
          stack.commit();
        },
        ErrorCode::resource, {"s_0007.tif", "cannot be written", "File too large"});
    EXPECT_EQ(folder.names(), Names{}) << bytes;
  }
}

}  // namespace
}  // namespace ptychoflow::io
