#include "core/ptycho/initial_guess.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.hpp"

namespace ptychoflow::ptycho {
namespace {

constexpr Index n = 32;

struct Guess : ::testing::Test {
  Layout layout;
  ScanLight light;
  GuessSettings settings;
  const device::Share whole{0, 50};

  Guess() {
    layout.frame = {n, n};
    layout.object = {50, 60};
    layout.pixel_size_m = {1e-8, 1e-8};
    light.wavelength_m = 1e-10;
    light.mean_counts = device::Array<double, 2>({n, n});
    light.mask = device::Array<std::uint8_t, 2>({n, n});
    for (Index y = 12; y < 20; ++y) {
      for (Index x = 12; x < 20; ++x) light.mean_counts(y, x) = 10;
    }
    light.initial_probe = device::Array<Complex<double>, 3>({2, n, n});
    light.initial_probe(0, n / 2, n / 2) = {2, 0};
    light.initial_probe(0, n / 2, n / 2 + 3) = {1, 0};
    light.initial_probe(1, n / 2 + 1, n / 2) = {0, 1};
  }

  static double power(const device::Array<Complex<double>, 3>& modes) {
    double sum = 0;
    for (const auto& p : modes) sum += norm(p);
    return sum;
  }
};

TEST_F(Guess, EveryProbeIsScaledToTheMeanCountsOfAFrame) {
  const std::vector<ProbeStart> starts = {
      ProbeOfScan{}, ProbeFromData{1e-5}, ProbeAperture{1e-7}, ProbeGaussian{8e-8}, ZonePlate{100e-6, 30e-9, 0, 0},
      ProbeRandom{}};
  for (const auto& start : starts) {
    settings.probe = start;
    for (const Index modes : {1, 3}) {
      const auto probe = start_probe(settings, light, layout, modes);
      EXPECT_EQ(probe.extents(), (Extents<3>{modes, n, n}));
      EXPECT_NEAR(power(probe), 640, 1e-6) << "start " << start.index();
    }
  }
}

TEST_F(Guess, FurtherModesOfTheFileAreTakenIfAsked) {
  settings.mode_start.reset();
  const auto probe = start_probe(settings, light, layout, 2);
  EXPECT_EQ(probe(0, n / 2 + 1, n / 2), (Complex<double>{}));
  EXPECT_GT(abs(probe(1, n / 2 + 1, n / 2)), 0);
  EXPECT_THROW(start_probe(settings, light, layout, 3), Error);
}

TEST_F(Guess, SaysWhatToDoWithoutAProbe) {
  light.initial_probe = {};
  try {
    start_probe(settings, light, layout, 1);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::usage);
    EXPECT_NE(std::string(e.what()).find("from_data"), std::string::npos);
  }
}

TEST_F(Guess, RefusesAProbeThatIsZeroOrNotFinite) {
  for (auto& p : light.initial_probe) p = {};
  EXPECT_THROW(start_probe(settings, light, layout, 1), Error);
  light.initial_probe(0, 0, 0) = {NAN, 0};
  EXPECT_THROW(start_probe(settings, light, layout, 1), Error);
}

TEST_F(Guess, ObjectIsOnesOrRandomBySeed) {
  const auto ones = start_object(settings, layout, whole, 1);
  EXPECT_EQ(ones(0, 49, 59), (Complex<double>{1, 0}));
  settings.object = ObjectRandom{};
  const auto a = start_object(settings, layout, whole, 1), b = start_object(settings, layout, whole, 1);
  settings.seed = 2;
  const auto c = start_object(settings, layout, whole, 1);
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin()));
  EXPECT_FALSE(std::equal(a.begin(), a.end(), c.begin()));
}

TEST_F(Guess, RowsOfAnObjectAreThoseOfTheWhole) {
  settings.object = ObjectRandom{};
  const auto object = start_object(settings, layout, whole, 3), rows = start_object(settings, layout, {7, 12}, 3);
  for (Index l = 0; l < 3; ++l) {
    for (Index y = 0; y < 5; ++y) EXPECT_EQ(rows(l, y, 11), object(l, 7 + y, 11));
  }
}

TEST_F(Guess, FurtherObjectModesDifferFromTheFirst) {
  const auto object = start_object(settings, layout, whole, 2);
  EXPECT_EQ(object(0, 3, 3), (Complex<double>{1, 0}));
  EXPECT_GT(abs(object(1, 3, 3) - object(0, 3, 3)), 1e-3);
  EXPECT_GT(abs(object(1, 3, 3) - object(1, 3, 4)), 1e-3);
}

TEST_F(Guess, AFileThatIsNotThereIsNamed) {
  settings.probe = ProbeOfFile{"no_such_result.h5"};
  try {
    start_probe(settings, light, layout, 1);
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("no_such_result.h5"), std::string::npos);
  }
}

}  // namespace
}  // namespace ptychoflow::ptycho
