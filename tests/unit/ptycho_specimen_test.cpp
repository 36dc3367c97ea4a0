#include "core/ptycho/specimen.hpp"

#include <gtest/gtest.h>
#include <png.h>
#include <unistd.h>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/base/error.hpp"

namespace ptychoflow::ptycho {
namespace {

TEST(Specimen, spans_from_nothing_to_the_most_material) {
  for (auto kind : {SpecimenKind::siemens_star, SpecimenKind::grains}) {
    Specimen s;
    s.kind = kind;
    s.amplitude_min = 0.7;
    s.phase_min_rad = -0.9;
    const auto object = make_specimen(s, {160, 150});
    double least = 1, most = 0, deepest = 0;
    Index empty = 0;
    for (const auto& v : object) {
      least = std::min(least, abs(v));
      most = std::max(most, abs(v));
      deepest = std::min(deepest, arg(v));
      empty += abs(v) == 1;
      EXPECT_NEAR(std::log(abs(v)) / std::log(0.7), arg(v) / -0.9, 1e-6);  // both say the same thickness
    }
    EXPECT_EQ(most, 1);
    EXPECT_NEAR(least, 0.7, 0.03);
    EXPECT_NEAR(deepest, -0.9, 0.1);
    EXPECT_GT(empty, object.size() / 4);
    EXPECT_LT(empty, object.size() * 9 / 10);
  }
}

TEST(Specimen, the_star_has_the_symmetry_of_its_spokes) {
  Specimen s;
  s.kind = SpecimenKind::siemens_star;
  const auto object = make_specimen(s, {101, 101});
  for (Index y = 0; y < 101; ++y) {
    for (Index x = 0; x < 101; ++x) EXPECT_NEAR(abs(object(y, x) - object(100 - y, x)), 0, 1e-6);
  }
}

TEST(Specimen, grains_follow_the_seed) {
  Specimen s;
  s.seed = 4;
  const auto a = make_specimen(s, {60, 60}), b = make_specimen(s, {60, 60});
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin()));
  s.seed = 5;
  const auto c = make_specimen(s, {60, 60});
  EXPECT_FALSE(std::equal(a.begin(), a.end(), c.begin()));
}

/// A file of this test's own, removed at its end.
struct ScratchFile {
  std::string path;
  explicit ScratchFile(const std::string& name)
      : path((std::filesystem::temp_directory_path() / (std::to_string(getpid()) + "_" + name)).string()) {}
  ~ScratchFile() { std::filesystem::remove(path); }
};

void write_png(const std::string& path, Index height, Index width, const std::vector<std::uint8_t>& grey) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.height = static_cast<png_uint_32>(height);
  image.width = static_cast<png_uint_32>(width);
  image.format = PNG_FORMAT_GRAY;
  ASSERT_TRUE(png_image_write_to_file(&image, path.c_str(), 0, grey.data(), 0, nullptr)) << image.message;
}

TEST(Specimen, takes_amplitude_and_phase_from_images) {
  const ScratchFile amplitude("amplitude.png"), phase("phase.png");
  write_png(amplitude.path, 2, 2, {255, 0, 51, 255});
  write_png(phase.path, 4, 4, {0, 0, 255, 255, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255});
  Specimen s{SpecimenKind::images, 0.5, -2.0, 0, amplitude.path, phase.path, 0};
  const auto object = make_specimen(s, {2, 2});
  EXPECT_NEAR(abs(object(0, 0)), 1, 1e-7);
  EXPECT_NEAR(abs(object(0, 1)), 0.5, 1e-7);
  EXPECT_NEAR(abs(object(1, 0)), 0.6, 1e-7);
  EXPECT_NEAR(arg(object(0, 0)), -2, 1e-6);  // four pixels of the larger image, averaged
  EXPECT_NEAR(arg(object(0, 1)), 0, 1e-6);
}

TEST(Specimen, names_an_image_that_is_missing_or_no_png) {
  const auto complaint = [](const std::string& file) {
    try {
      check_specimen({SpecimenKind::images, 0.5, -1, 0, "", file, 0});
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::data);
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(complaint("/nowhere/phase.png").find("no image file '/nowhere/phase.png'"), std::string::npos);
  const ScratchFile text("text.png");
  std::ofstream(text.path) << "not a picture";
  EXPECT_NE(complaint(text.path).find("cannot be read as a PNG"), std::string::npos) << complaint(text.path);
  EXPECT_THROW(check_specimen({SpecimenKind::images, 0.5, -1, 0, "", "", 0}), Error);
}

}  // namespace
}  // namespace ptychoflow::ptycho
