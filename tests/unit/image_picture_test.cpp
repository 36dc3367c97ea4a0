// PNG files, and the four pictures of a reconstruction.
#include <gtest/gtest.h>
#include <png.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <limits>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/image/panel.hpp"
#include "core/image/pictures.hpp"
#include "core/image/png.hpp"

namespace ptychoflow::image {
namespace {

namespace fs = std::filesystem;

class Folder : public testing::Test {
 protected:
  Folder() : path(fs::temp_directory_path() / ("ptychoflow_image_" + std::to_string(getpid()))) {
    fs::create_directory(path);
  }
  ~Folder() override { fs::remove_all(path); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }
  fs::path path;
};

Canvas decoded(const fs::path& file) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  expect(png_image_begin_read_from_file(&header, file.c_str()) != 0, header.message);
  header.format = PNG_FORMAT_RGB;
  std::vector<Rgb> pixels(static_cast<std::size_t>(header.width) * header.height);
  expect(png_image_finish_read(&header, nullptr, pixels.data(), 0, nullptr) != 0, header.message);
  Canvas canvas(static_cast<int>(header.width), static_cast<int>(header.height));
  for (int y = 0; y < canvas.height(); ++y) {
    for (int x = 0; x < canvas.width(); ++x) canvas.at(x, y) = pixels[static_cast<std::size_t>(y) * header.width + x];
  }
  return canvas;
}

using PngFile = Folder;

TEST_F(PngFile, ComesBackPixelByPixel) {
  Canvas canvas(3, 2, Rgb{10, 20, 30});
  canvas.at(2, 0) = {255, 0, 1};
  canvas.at(0, 1) = {0, 128, 254};
  write_png(path / "a.png", canvas);
  const Canvas back = decoded(path / "a.png");
  ASSERT_EQ(back.width(), 3);
  ASSERT_EQ(back.height(), 2);
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 3; ++x) EXPECT_EQ(back.at(x, y), canvas.at(x, y)) << x << ' ' << y;
  }
  EXPECT_EQ(files(), 1u);
}

TEST_F(PngFile, ReplacesAnOlderOneWhole) {
  std::ofstream(path / "a.png") << "old";
  write_png(path / "a.png", Canvas(1, 1, white));
  EXPECT_EQ(decoded(path / "a.png").at(0, 0), white);
  EXPECT_EQ(files(), 1u);
}

TEST_F(PngFile, SaysWhatIsWrongAndLeavesNothing) {
  try {
    write_png(path / "missing" / "a.png", Canvas(1, 1));
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::resource);
    EXPECT_NE(std::string(e.what()).find("missing/a.png"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("No such file"), std::string::npos) << e.what();
  }
  fs::create_directory(path / "taken.png");  // a folder has the name
  std::ofstream(path / "taken.png" / "inside") << "x";
  EXPECT_THROW(write_png(path / "taken.png", Canvas(1, 1)), Error);
  EXPECT_EQ(files(), 1u);
}

TEST_F(PngFile, ADiskThatTakesNoMoreLeavesTheOldOne) {
  write_png(path / "a.png", Canvas(1, 1, white));
  rlimit old{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);  // the write fails, as on a full disk
  const rlimit small{100, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(write_png(path / "a.png", convergence_picture({{1}, {}, {}, {0.5}, "title"})), Error);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(files(), 1u);
  EXPECT_EQ(decoded(path / "a.png").width(), 1);
}

TEST(Magnification, IsWholeAndKeepsTheShape) {
  const Magnification small = magnification(100, 60, {1e-8, 1e-8}, 960);
  EXPECT_EQ(small.bin, 1);
  EXPECT_EQ(small.zoom_y, 9);
  EXPECT_EQ(small.zoom_x, 9);
  const Magnification large = magnification(5000, 3000, {1e-8, 1e-8}, 960);
  EXPECT_EQ(large.bin, 4);
  EXPECT_EQ(large.zoom_y, 1);
  const Magnification oblong = magnification(100, 100, {2e-8, 1e-8}, 960);
  EXPECT_EQ(oblong.zoom_y, 2 * oblong.zoom_x);
  EXPECT_THROW(magnification(10, 10, {0, 1e-8}, 960), Error);
}

struct Sample {
  Index side;
  std::vector<Complex<float>> object;
  std::vector<float> coverage;
  ObjectScene scene() const {
    return {{object.data(), {side, side}}, {coverage.data(), {side, side}}, {1e-8, 1e-8}, "title", ""};
  }
};

/// Left half at phase 0 and amplitude 1, right half at `step` rad and amplitude 0.5, under a ramp; a dark frame around.
Sample two_halves(Index side, double step) {
  Sample s{side, {}, {}};
  for (Index y = 0; y < side; ++y) {
    for (Index x = 0; x < side; ++x) {
      const bool right = 2 * x >= side, lit = y >= 4 && x >= 4 && y < side - 4 && x < side - 4;
      s.object.push_back(polar(right ? 0.5f : 1.0f, static_cast<float>((right ? step : 0) + 0.2 * double(y) + 1)));
      s.coverage.push_back(lit ? 1.0f : 0.0f);
    }
  }
  return s;
}

/// Where the picture itself starts on the page: below the heading, at the margin.
struct Origin {
  int x, y;
};
Origin origin_of(const Canvas& page) {
  Canvas scratch(page.width(), page.height());
  return {margin_px, draw_heading(scratch, "title", "note")};
}

TEST(ObjectPicture, PhaseIsFlatInEachHalf) {
  const Sample s = two_halves(56, -1.0);  // 48 lit pixels, 20 screen pixels each
  const Canvas page = object_phase_picture(s.scene());
  const auto [x, y] = origin_of(page);
  // The halves lie 1 rad apart, 255 steps of gray; the ramp is found to about 0.01 rad across the picture.
  EXPECT_GE(page.at(x + 1, y + 1).r, 250);  // the higher phase, all over its half
  EXPECT_GE(page.at(x + 479, y + 700).r, 250);
  EXPECT_LE(page.at(x + 481, y + 1).r, 5);
  EXPECT_LE(page.at(x + 959, y + 959).r, 5);
  EXPECT_EQ(page.at(x - 1, y + 10), ink);  // the frame
  EXPECT_LE(page.width(), 1600);
}

TEST(ObjectPicture, AmplitudeIsNotMovedByTheRamp) {
  const Canvas page = object_amplitude_picture(two_halves(56, 0).scene());
  const auto [x, y] = origin_of(page);
  EXPECT_EQ(page.at(x + 100, y + 100), white);
  EXPECT_EQ(page.at(x + 800, y + 300), black);
}

TEST(ObjectPicture, AWrappedPhaseIsDrawnInCyclicColours) {
  Sample s = two_halves(56, 0);
  for (Index y = 0; y < 56; ++y) {
    for (Index x = 0; x < 56; ++x) {  // a bowl of several turns
      const double r2 = double((y - 28) * (y - 28) + (x - 28) * (x - 28));
      s.object[static_cast<std::size_t>(y * 56 + x)] = polar(1.0f, static_cast<float>(r2 / 40));
    }
  }
  const Canvas page = object_phase_picture(s.scene());
  const auto [x, y] = origin_of(page);
  int coloured = 0;
  for (int i = 10; i < 950; i += 20) coloured += page.at(x + i, y + 480).r != page.at(x + i, y + 480).b;
  EXPECT_GT(coloured, 30);
}

TEST(ObjectPicture, LargeObjectsAreBinnedDown) {
  const Sample s = two_halves(3000, -1.0);
  const Canvas page = object_phase_picture(s.scene());
  EXPECT_LE(page.width(), 1600);
  EXPECT_LE(page.height(), 1600);
  const auto [x, y] = origin_of(page);
  EXPECT_GE(page.at(x + 100, y + 100).r, 250);
  EXPECT_LE(page.at(x + 900, y + 100).r, 5);
}

TEST(ObjectPicture, RefusesWhatDoesNotFit) {
  const Sample s = two_halves(56, 0);
  ObjectScene other = s.scene();
  other.coverage = {s.coverage.data(), {28, 56}};
  EXPECT_THROW(object_phase_picture(other), Error);
}

TEST(ObjectPicture, ConstantAndNotFiniteObjectsAreDrawnToo) {
  Sample s = two_halves(56, 0);
  std::fill(s.object.begin(), s.object.end(), Complex<float>{1, 0});
  EXPECT_GT(object_phase_picture(s.scene()).width(), 0);
  EXPECT_GT(object_amplitude_picture(s.scene()).width(), 0);
  std::fill(s.object.begin(), s.object.end(), Complex<float>{NAN, NAN});
  EXPECT_GT(object_phase_picture(s.scene()).width(), 0);
  EXPECT_GT(object_amplitude_picture(s.scene()).width(), 0);
}

TEST(ProbePicture, EachModeIsAsBrightAsItsOwnMaximum) {
  // Mode 1: 1 in the left half, 0 right; mode 2: −0.1 everywhere.
  std::vector<Complex<float>> probe;
  for (int i = 0; i < 26 * 26; ++i) probe.push_back({i % 26 < 13 ? 1.0f : 0.0f, 0});
  probe.insert(probe.end(), 26 * 26, {-0.1f, 0});
  const Canvas page = probe_picture({{probe.data(), {2, 26, 26}}, {0.9, 0.1}, {1e-8, 1e-8}, "title"});
  const auto [x, y] = origin_of(page);
  EXPECT_EQ(page.at(x + 100, y + 100), complex_colour(0, 1));
  EXPECT_EQ(page.at(x + 300, y + 100), black);
  EXPECT_EQ(page.at(x + 520 + 16 + 100, y + 100), complex_colour(pi, 1));
}

TEST(ProbePicture, RefusesOccupancyOfAnotherCount) {
  const std::vector<Complex<float>> probe(32, {1, 0});
  EXPECT_THROW(probe_picture({{probe.data(), {2, 4, 4}}, {1.0}, {1e-8, 1e-8}, "title"}), Error);
  EXPECT_GT(probe_picture({{probe.data(), {2, 4, 4}}, {}, {1e-8, 1e-8}, "title"}).width(), 0);
}

int pixels_of(const Canvas& page, Rgb colour) {
  int count = 0;
  for (int y = 0; y < page.height(); ++y) {
    for (int x = 0; x < page.width(); ++x) count += page.at(x, y) == colour;
  }
  return count;
}

TEST(ConvergencePicture, LeavesOutWhatALogarithmCannotShow) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const ConvergenceScene scene{{1, 2, 3, 4},
                               {{"object", {0.1, 0.01, 0.001, 1e-4}}},
                               {{"probe", {0, none, 0.1, 0.01}}},
                               {0.5, 0.4, 0.3, 0.2},
                               "title"};
  const Canvas page = convergence_picture(scene);
  const Rgb object = oklch(0.55, 0.17, 0.65), probe = oklch(0.48, 0.13, 4.4);
  EXPECT_GT(pixels_of(page, object), 2 * pixels_of(page, probe));  // three steps against one
  EXPECT_GT(pixels_of(page, probe), 100);
}

TEST(ConvergencePicture, OneIterationIsEnoughAndLengthsMustAgree) {
  EXPECT_GT(convergence_picture({{1}, {{"object", {0.0}}}, {}, {0.5}, ""}).width(), 0);
  EXPECT_THROW(convergence_picture({{1, 2}, {{"object", {0.1}}}, {}, {0.5, 0.4}, ""}), Error);
  EXPECT_THROW(convergence_picture({{}, {}, {}, {}, ""}), Error);
}

}  // namespace
}  // namespace ptychoflow::image
