// One scan in every format, as h5py writes it by the formats' descriptions: what comes out must be the same.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <hdf5.h>

#include <fstream>
#include <map>

#include "tests/support/fake_host.hpp"
#include "tests/support/h5py.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/throws.hpp"

namespace ptychoflow {
namespace {

using stage::Json;
using stage::Packet;
using test::expect_error;
using test::FakeHost;
using test::LoadedStage;

/// After make_cxi's scan: `f` is that file, `g` another one of the format.
constexpr const char* nexus = R"(
g['entry_1/definition'] = 'NXcxi_ptycho'
i = 'entry_1/instrument_1/'
g[i + 'source_1/energy'] = 3e9  # of the electrons
g[i + 'source_1/energy'].attrs['units'] = 'eV'
g[i + 'beam_1/energy'] = energy / 1.602176634e-19
g[i + 'beam_1/energy'].attrs['units'] = 'eV'
g[d + 'data'] = frames
g[d + 'distance'] = 2000.0
g[d + 'distance'].attrs['units'] = 'mm'
g[d + 'x_pixel_size'], g[d + 'y_pixel_size'] = 1e-5, 1e-5
g[d + 'translation'] = 1e6 * xyz
g[d + 'translation'].attrs['units'] = np.bytes_('um')
g[d + 'pixel_mask'] = (mask == 1).astype('u4')
)";
constexpr const char* diamond = R"(
g['entry_1/data/data'] = frames.reshape(3, 4, ny, nx)
g['entry_1/data/x'], g['entry_1/data/y'] = xyz[:, 0].reshape(3, 4), xyz[:, 1].reshape(3, 4)
g['entry_1/instrument_1/beam_1/energy'] = energy
g[d + 'distance'], g[d + 'x_pixel_size'], g[d + 'y_pixel_size'] = 2.0, 1e-5, 1e-5
g[d + 'mask'] = (mask == 1).astype('u1')
g[d + 'darkfield'] = np.ones((ny, nx))
)";
constexpr const char* ptyd = R"(
for k, (a, b) in enumerate(((0, 5), (5, 10), (10, 12))):
    c = f'chunks/{k + 8}/'  # 8, 9, 10: by number, not by letters
    g[c + 'data'], g[c + 'indices'] = frames[a:b], np.arange(a, b)
    g[c + 'positions'] = xyz[a:b, 1::-1]
    g[c + 'weights'] = np.broadcast_to((mask != 1).astype('f4'), (b - a, ny, nx))
g['meta/distance'], g['meta/energy'], g['meta/psize'] = 2.0, energy / 1.602176634e-16, [1e-5, 1e-5]
)";
constexpr const char* hxn = R"(
turned = np.stack([np.fft.fftshift(np.rot90(frame, axes=(1, 0))) for frame in frames])
g['diffamp'] = np.sqrt(turned.astype('f8'))
g['angle'] = 60.0
g['points'] = 1e6 * np.stack([-xyz[:, 0] / np.cos(np.deg2rad(60)), xyz[:, 1]])
g['z_m'], g['lambda_nm'], g['ccd_pixel_um'] = 2.0, 0.1, 10.0
)";
constexpr const char* eiger = R"(
import pathlib
here = pathlib.Path(g.filename)
for k, part in enumerate(np.split(frames, 3)):
    with h5py.File(here.parent / f'part_{k}.h5', 'w') as p:
        p['entry/data/data'] = part
    g[f'entry/data/data_{k + 1:06}'] = h5py.ExternalLink(f'part_{k}.h5', '/entry/data/data')
e = 'entry/instrument/detector/'
g[e + 'detectorSpecific/pixel_mask'] = (mask == 1).astype('u4')
g[e + 'detector_distance'], g[e + 'x_pixel_size'], g[e + 'y_pixel_size'] = 2.0, 1e-5, 1e-5
g['entry/instrument/beam/incident_wavelength'] = 1.0
np.savetxt(here.parent / 'positions.txt', xyz[:, :2], header='x y', delimiter=', ')
with h5py.File(here.parent / 'positions.h5', 'w') as p:
    p['motors/xy'] = 1e3 * xyz[:, :2].T
    p['motors/xy'].attrs['units'] = 'mm'
)";

class LoadFormats : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::have_h5py()) GTEST_SKIP() << "needs python3-h5py";
  }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  /// The same scan as CXI, and in another format by `program`.
  void make(const std::string& program) {
    test::make_cxi(folder_ / "a.cxi", "energy = f[s + 'energy'][()]\ng = h5py.File('" + path("b.h5") + "', 'w')\n" +
                                          program + "\ng.close()");
  }

  /// All frames of a file in one packet.
  Packet load(const std::string& file, const Json& more = Json::object()) {
    Json params{{"file", path(file)}, {"block_frames", 12}};
    params.update(more);
    host_.packets.clear();
    LoadedStage loader(STAGE_MODULE, host_);
    loader.configure(params);
    loader.produce();
    return std::move(host_.packets.at(0));
  }

  /// @param frame_error  of counts that were stored as their roots
  static void expect_same(const Packet& a, const Packet& b, double frame_error = 0) {
    for (const char* key : {"frame_count", "wavelength_m", "distance_m", "detector_pixel_m"}) {
      const Json one = a.metadata.at(key), other = b.metadata.at(key);
      for (std::size_t i = 0; i < one.size(); ++i) {  // a number is a list of one
        const auto number = [&](const Json& v) { return (v.is_array() ? v[i] : v).get<double>(); };
        EXPECT_NEAR(number(one) / number(other), 1, 1e-12) << key;
      }
    }
    const auto p = a.at("positions_m").view<const double, 2>(), q = b.at("positions_m").view<const double, 2>();
    ASSERT_EQ(p.extents(), q.extents());
    for (Index i = 0; i < p.size(); ++i) EXPECT_NEAR(p.data()[i], q.data()[i], 1e-17) << i;
    const auto counts = a.at("frames").view<const std::uint16_t, 3>();
    const auto compare = [&](auto frames) {
      ASSERT_EQ(frames.extents(), counts.extents());
      for (Index i = 0; i < counts.size(); ++i) {
        ASSERT_NEAR(static_cast<double>(frames.data()[i]), static_cast<double>(counts.data()[i]), frame_error) << i;
      }
    };
    if (frame_error == 0) {
      compare(b.at("frames").view<const std::uint16_t, 3>());
    } else {
      compare(b.at("frames").view<const float, 3>());
    }
  }

  static void expect_same_mask(const Packet& a, const Packet& b) {
    const auto m = a.at("mask").view<const std::uint8_t, 2>(), n = b.at("mask").view<const std::uint8_t, 2>();
    EXPECT_EQ(m(0, 0), 1);
    for (Index i = 0; i < m.size(); ++i) EXPECT_EQ(m.data()[i], n.data()[i]) << i;
  }

  test::TempFolder folder_;
  FakeHost host_;
};

TEST_F(LoadFormats, NeXus) {
  make(nexus);
  const Packet a = load("a.cxi");
  const Packet b = load("b.h5");
  expect_same(a, b);
  expect_same_mask(a, b);
}

TEST_F(LoadFormats, DiamondsRasters) {
  make(diamond);
  const Packet a = load("a.cxi");
  const Packet b = load("b.h5");
  expect_same(a, b);
  expect_same_mask(a, b);
  const Packet dark = load("b.h5", {{"dark", "file"}});
  const auto counts = a.at("frames").view<const std::uint16_t, 3>();
  const auto corrected = dark.at("frames").view<const float, 3>();
  EXPECT_EQ(corrected(3, 8, 10), static_cast<float>(counts(3, 8, 10)) - 1);
}

TEST_F(LoadFormats, PtyPysChunks) {
  make(ptyd);
  const Packet a = load("a.cxi");
  const Packet b = load("b.h5");
  expect_same(a, b);
  expect_same_mask(a, b);
  const Packet some = load("b.h5", {{"frames", {{"first", 1}, {"step", 3}}}});  // across the borders of chunks
  const auto counts = a.at("frames").view<const std::uint16_t, 3>(),
             cut = some.at("frames").view<const std::uint16_t, 3>();
  ASSERT_EQ(cut.extent(0), 4);
  for (Index j = 0; j < 4; ++j) EXPECT_TRUE(std::equal(cut[j].begin(), cut[j].end(), counts[1 + 3 * j].begin())) << j;
}

TEST_F(LoadFormats, HxnsRoots) {
  make(hxn);
  const Packet a = load("a.cxi");
  expect_same(a, load("b.h5"), 1e-4);
  const Packet part = load("b.h5", {{"frame_size", {6, 8}}, {"center", {8, 11}}});
  const auto counts = a.at("frames").view<const std::uint16_t, 3>();
  const auto cut = part.at("frames").view<const float, 3>();
  EXPECT_NEAR(cut(2, 0, 0), counts(2, 5, 7), 1e-4);
  EXPECT_NEAR(cut(2, 5, 7), counts(2, 10, 14), 1e-4);
}

TEST_F(LoadFormats, EigersWithPositionsOfTheirOwn) {
  make(eiger);
  const Packet a = load("a.cxi");
  for (const Json& positions :
       {Json{{"file", path("positions.txt")}}, Json{{"file", path("positions.h5")}, {"dataset", "motors/xy"}}}) {
    const Packet b = load("b.h5", {{"positions", positions}});
    expect_same(a, b);
    expect_same_mask(a, b);
  }
  expect_error([&] { load("b.h5"); }, ErrorCode::data, {"b.h5", "eiger", "positions: {file: TABLE}"});
  std::ofstream(path("short.txt")) << "1e-6 2e-6\n";
  expect_error(
      [&] {
        load("b.h5", {{"positions", {{"file", path("short.txt")}}}});
      },
      ErrorCode::data, {"short.txt", "has 1 positions", "12 frames"});
  std::ofstream(path("wrong.txt")) << "1e-6 2e-6\n3e-6 north\n";
  expect_error(
      [&] {
        load("b.h5", {{"positions", {{"file", path("wrong.txt")}}}});
      },
      ErrorCode::data, {"wrong.txt:2", "north"});
  expect_error(
      [&] {
        load("b.h5", {{"positions", {{"file", path("none.txt")}}}});
      },
      ErrorCode::data, {"none.txt", "No such file"});
}

TEST_F(LoadFormats, APositionFileGoesBeforeTheScansOwn) {
  test::make_cxi(folder_ / "a.cxi", "np.savetxt('" + path("p.txt") + "', 2 * xyz[:, :2])");
  const Packet own = load("a.cxi");
  const Packet other = load("a.cxi", {{"positions", {{"file", path("p.txt")}}}});
  const auto p = own.at("positions_m").view<const double, 2>(), q = other.at("positions_m").view<const double, 2>();
  for (Index i = 0; i < p.size(); ++i) EXPECT_NEAR(2 * p.data()[i], q.data()[i], 1e-17);
}

TEST_F(LoadFormats, AFormatCanBeNamed) {
  make(nexus);  // what this file calls energy is wrong by CXI
  expect_error([&] { load("b.h5", {{"format", "cxi"}}); }, ErrorCode::data, {"photon energy"});
  make(ptyd);
  expect_error([&] { load("b.h5", {{"format", "hxn"}}); }, ErrorCode::data, {"b.h5", "diffamp", "chunks"});
}

TEST_F(LoadFormats, WhatIsWrongIsNamed) {
  make("g['other/data'] = frames");
  expect_error([&] { load("b.h5"); }, ErrorCode::data, {"b.h5", "format is not known", "/diffamp (hxn)", "other"});
  make(std::string(nexus) + "g[d + 'distance'].attrs['units'] = 'furlong'");
  expect_error([&] { load("b.h5"); }, ErrorCode::data, {"distance", "furlong"});
  make(std::string(ptyd) + "del g['chunks/9/positions']\ng['chunks/9/positions'] = xyz[:3, :2]");
  expect_error([&] { load("b.h5"); }, ErrorCode::data, {"/chunks/9/positions", "(3, 2)", "5 frames"});
  make(std::string(ptyd) + "del g['chunks/10/data']\ng['chunks/10/data'] = frames[:2].astype('f4')");
  expect_error([&] { load("b.h5"); }, ErrorCode::data, {"/chunks/10/data", "float32", "/chunks/8/data", "uint16"});
  make(std::string(hxn) + "del g['lambda_nm']");
  expect_error([&] { load("b.h5"); }, ErrorCode::data, {"no wavelength", "/lambda_nm"});
  make(std::string(eiger) + "(here.parent / 'part_1.h5').unlink()");
  expect_error(
      [&] {
        load("b.h5", {{"positions", {{"file", path("positions.txt")}}}});
      },
      ErrorCode::data, {"b.h5", "data_000002"});
}

TEST_F(LoadFormats, ReadsWhatDetectorsCompress) {
  int tried = 0;
  for (const auto& [filter, how] : std::map<int, std::string>{{1, "'gzip', compression_opts=4"},
                                                              {307, "307, compression_opts=(9,)"},
                                                              {32001, "32001, compression_opts=(0, 0, 0, 0, 5, 1, 1)"},
                                                              {32004, "32004, compression_opts=(0,)"},
                                                              {32008, "32008, compression_opts=(0, 2)"}}) {
    if (H5Zfilter_avail(filter) <= 0) continue;  // needs a package: see the fault's text
#ifdef __SANITIZE_ADDRESS__
    if (filter == 32001) continue;  // its plugin leaks
#endif
    ++tried;
    test::make_cxi(
        folder_ / "a.cxi",
        "g = h5py.File('" + path("b.h5") + "', 'w')\nfor n in ('entry_1', ): f.copy(n, g)\ndel g[d + 'data']\n" +
            "g.create_dataset(d + 'data', data=frames, chunks=(5, ny, nx), compression=" + how + ")\ng.close()");
    SCOPED_TRACE(filter);
    expect_same(load("b.h5"), load("a.cxi"));
  }
  EXPECT_GE(tried, 1);
}

TEST_F(LoadFormats, FramesAndChunksThatNoMemoryHoldsAreRefused) {
  const auto with_frames = [&](const std::string& how) {
    test::make_cxi(folder_ / "b.h5",
                   "del f[d + 'data']\nf.create_dataset(d + 'data', " + how + ", compression='gzip')");
  };
  with_frames("(12, 40000, 20), 'u2', chunks=(1, 40000, 20)");
  expect_error([&] { load("b.h5"); }, ErrorCode::data, {"b.h5", "data_1/data", "40000 × 20 pixels"});
  with_frames("(12, 20000, 20000), 'u2', chunks=(2, 20000, 20000)");
  expect_error([&] { load("b.h5"); }, ErrorCode::data,
               {"b.h5", "chunks are of 1.5 GiB", "h5repack -l CHUNK=1x20000x20000"});
}

TEST_F(LoadFormats, LinksMayBeKeptWithinAFolder) {
  make(eiger);
  const Json positions{{"file", path("positions.txt")}}, here = folder_.path().string();
  const Json fenced{{"positions", positions}, {"links_within", here}};
  expect_same(load("b.h5", fenced), load("b.h5", {{"positions", positions}}));
  expect_same(load("b.h5", {{"positions", positions}, {"links_within", here.get<std::string>() + "/"}}),
              load("b.h5", {{"positions", positions}}));

  std::filesystem::create_directory(folder_ / "other");
  const std::string replaced = std::string(eiger) + "del g['entry/data/data_000002']\n";
  for (const std::string& target :
       {path("part_1.h5"), std::string("../") + folder_.path().filename().string() + "/part_1.h5"}) {
    make(fmt::format("{}g['entry/data/data_000002'] = h5py.ExternalLink('{}', '/entry/data/data')", replaced, target));
    load("b.h5", fenced);
    expect_error(
        [&] {
          load("b.h5", {{"positions", positions}, {"links_within", path("other")}});
        },
        ErrorCode::data, {"b.h5", "data_000001", "part_0.h5", "does not lie below", "other"});
  }
  // A link in a file that is linked to, and a way round by a symbolic link.
  make(replaced + "(here.parent / 'other/far.h5').write_bytes((here.parent / 'part_1.h5').read_bytes())\n" +
       "(here.parent / 'in').mkdir(exist_ok=True)\n" +
       "(here.parent / 'in/near.h5').unlink(missing_ok=True)\n(here.parent / "
       "'in/near.h5').symlink_to('../other/far.h5')\n" +
       "g['entry/data/data_000002'] = h5py.ExternalLink('in/near.h5', '/entry/data/data')\n" +
       "for k in (1, 3):\n    del g[f'entry/data/data_{k:06}']\n    g[f'entry/data/data_{k:06}'] = frames[:4]");
  expect_error(
      [&] {
        load("b.h5", {{"positions", positions}, {"links_within", path("in")}});
      },
      ErrorCode::data, {"b.h5", "data_000002", "in/near.h5", "does not lie below"});
}

TEST_F(LoadFormats, ValuesInOtherFilesMayBeKeptWithinAFolderToo) {
  std::filesystem::create_directory(folder_ / "other");
  test::make_cxi(folder_ / "b.h5",
                 "with h5py.File('" + path("raw.h5") + "', 'w') as r: r['x'] = frames\n" +
                     "del f[d + 'data']\nv = h5py.VirtualLayout(frames.shape, frames.dtype)\n" +
                     "v[:] = h5py.VirtualSource('raw.h5', 'x', frames.shape)\nf.create_virtual_dataset(d + 'data', v)");
  load("b.h5", {{"links_within", folder_.path().string()}});
  expect_error(
      [&] {
        load("b.h5", {{"links_within", path("other")}});
      },
      ErrorCode::data, {"b.h5", "data_1/data", "raw.h5", "does not lie below"});
  test::make_cxi(folder_ / "b.h5", "frames.tofile('" + path("raw.bin") + "')\ndel f[d + 'data']\n" +
                                       "f.create_dataset(d + 'data', frames.shape, frames.dtype, external='" +
                                       path("raw.bin") + "')");
  load("b.h5", {{"links_within", folder_.path().string()}});
  expect_error(
      [&] {
        load("b.h5", {{"links_within", path("other")}});
      },
      ErrorCode::data, {"data_1/data", "raw.bin", "does not lie below"});
}

}  // namespace
}  // namespace ptychoflow
