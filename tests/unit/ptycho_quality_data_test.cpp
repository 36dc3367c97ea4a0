// The program's own judgement of a result file against the independent one that lies beside the test data.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>

#include "core/io/hdf5.hpp"
#include "core/io/result_file.hpp"
#include "core/ptycho/quality.hpp"

namespace ptychoflow {
namespace {

namespace fs = std::filesystem;

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::string text;
  std::array<char, 256> part{};
  while (pipe && std::fgets(part.data(), part.size(), pipe.get())) text += part.data();
  return text;
}

/// The number, or the first of the list, that `name` stands for.
double figure(const std::string& json, const std::string& name) {
  const auto at = json.find("\"" + name + "\": ");
  return at == std::string::npos ? std::nan("")
                                 : std::stod(json.substr(json.find_first_of("-0123456789", at + name.size() + 3)));
}

/// The truth as a reconstruction might return it: moved, ramped, scaled, with noise, in an array of another margin.
Image degraded(const Image& truth, const Area& area) {
  std::mt19937 random(5);
  std::normal_distribution<double> noise(0, 0.02);
  Image object = cut(shifted(truth, {0.37, -0.61}), area);
  for (Index y = 0; y < object.extent(0); ++y) {
    for (Index x = 0; x < object.extent(1); ++x) {
      const double ramp_rad = 0.004 * static_cast<double>(y) - 0.007 * static_cast<double>(x);
      object(y, x) = (object(y, x) + Complex<double>{noise(random), noise(random)}) * polar(1.3, 0.9 + ramp_rad);
    }
  }
  return object;
}

TEST(QualityData, AgreesWithTheIndependentScore) {
  const char* data = std::getenv("PTYCHOFLOW_DATA");
  if (!data) GTEST_SKIP() << "PTYCHOFLOW_DATA, the folder of test scans, is not set";
  const fs::path scan = fs::path(data) / "peer/small_3mode.cxi", score = fs::path(data) / "../tools/score.py";
  if (!fs::exists(scan) || !fs::exists(score)) GTEST_SKIP() << "no " << scan << " or no " << score;

  const io::InputFile file(scan);
  const auto read = [&](const char* path) { return file.dataset(path); };
  const io::Dataset object = read("truth/object"), probe = read("truth/probe"), offset = read("truth/frame_offset_px");
  auto object_values = object.read<Complex<double>>();
  auto probe_values = probe.read<Complex<double>>();
  auto truth_offsets = offset.read<std::int32_t>();
  const Index n = probe.shape()[2], views = offset.shape()[0];
  const Image truth = Image::copy_of(ImageView(object_values.data(), {object.shape()[1], object.shape()[2]}));
  const View<const std::int32_t, 2> truth_offset_px(truth_offsets.data(), {views, 2});

  const Area area{{1, 2}, {truth.extent(0) - 2, truth.extent(1) - 2}};
  const Image result = degraded(truth, area);
  auto offsets = truth_offsets;
  for (std::size_t i = 0; i < offsets.size(); ++i) offsets[i] -= static_cast<std::int32_t>(area.first[i % 2]);
  const View<const std::int32_t, 2> offset_px(offsets.data(), {views, 2});

  const fs::path folder = fs::path(testing::TempDir()) / ("ptychoflow_quality_" + std::to_string(getpid()));
  fs::create_directories(folder);
  io::ResultFile contents;
  contents.object = View<const Complex<double>, 3>(result.data(), {1, area.size[0], area.size[1]});
  contents.probe = View<const Complex<double>, 3>(probe_values.data(), {probe.shape()[0], n, n});
  contents.view_offset_px = offset_px;
  io::write_result(folder / "result.h5", contents, io::Overwrite::refuse);
  const std::string json = output_of("/usr/bin/python3 '" + score.string() + "' '" + (folder / "result.h5").string() +
                                     "' '" + scan.string() + "'");
  fs::remove_all(folder);

  const TruthComparison c = compare_with_truth(result, offset_px, truth, truth_offset_px, {n, n});
  EXPECT_NEAR(c.object_nrmse, figure(json, "object_nrmse"), 0.001) << json;
  EXPECT_NEAR(c.phase_rms_rad, figure(json, "phase_rms_rad"), 0.001) << json;
  EXPECT_GT(c.object_nrmse, 0.02);  // the noise is there
  const auto powers = mode_powers(View<const Complex<double>, 3>(probe_values.data(), {probe.shape()[0], n, n}));
  EXPECT_NEAR(powers[0], figure(json, "mode_powers"), 1e-4) << json;
}

}  // namespace
}  // namespace ptychoflow
