#include "core/tomo/volume_registration.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "core/base/error.hpp"

namespace ptychoflow::tomo {
namespace {

/// Blobs, so smooth that their samples tell all of them, around the middle of a grid of any extents, moved by `shift`.
Volume blobs(Extents<3> extents, VolumeShift shift = {}, double sigma = 1.5) {
  const double places[][4] = {{0, 0, 0, 1}, {-3, 5, 2, 0.7}, {4, -6, 3, 0.5}, {2, 3, -7, 0.8}, {-4, -4, -4, 0.6}};
  Volume v(extents);
  for (Index z = 0; z < extents[0]; ++z) {
    for (Index y = 0; y < extents[1]; ++y) {
      for (Index x = 0; x < extents[2]; ++x) {
        const double at[] = {static_cast<double>(z), static_cast<double>(y), static_cast<double>(x)};
        for (const auto& place : places) {
          double far = 0;
          for (std::size_t a = 0; a < 3; ++a) {
            const double middle = static_cast<double>(extents[a] - 1) / 2;
            far += std::pow((at[a] - middle - shift[a] - place[a]) / sigma, 2);
          }
          v(z, y, x) += static_cast<float>(1e-6 * place[3] * std::exp(-far / 2));
        }
      }
    }
  }
  return v;
}

/// Blobs cut off, as matter ends somewhere.
Volume matter(Extents<3> extents, VolumeShift shift = {}) {
  Volume v = blobs(extents, shift);
  for (float& value : v) value = value < 1e-9F ? 0 : value;
  return v;
}

void add_noise(Volume& v, double sigma) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0, static_cast<float>(sigma));
  for (float& value : v) value += normal(random);
}

void expect_shift(const VolumeShift& found, const VolumeShift& expected, double tolerance) {
  for (std::size_t a = 0; a < 3; ++a) EXPECT_NEAR(found[a], expected[a], tolerance) << "axis " << a;
}

std::string message_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::data);
    return e.what();
  }
  return "nothing thrown";
}

struct ShiftCase {
  Extents<3> volume, truth;
  VolumeShift shift;
};

class VolumeShifts : public testing::TestWithParam<ShiftCase> {};

TEST_P(VolumeShifts, AreFoundToAFractionOfAVoxel) {
  const auto& [extents, truth_extents, shift] = GetParam();
  device::ThreadPool threads(2);
  Volume volume = blobs(extents, shift);
  const Volume truth = blobs(truth_extents);
  expect_shift(find_volume_shift(volume, truth, 0.95, threads), shift, 0.005);  // rounds end below 0.002
  add_noise(volume, 0.1e-6);  // a tenth of the highest blob, in each voxel
  expect_shift(find_volume_shift(volume, truth, 0.95, threads), shift, 0.05);
}

INSTANTIATE_TEST_SUITE_P(Cases, VolumeShifts,
                         testing::Values(ShiftCase{{32, 40, 44}, {32, 40, 44}, {0, 0, 0}},
                                         ShiftCase{{32, 40, 44}, {32, 40, 44}, {0.37, -0.81, 0.5}},
                                         ShiftCase{{32, 48, 48}, {32, 48, 48}, {-2.25, 3.6, -5.4}},
                                         // grids of other extents, by odd numbers too: the middles count
                                         ShiftCase{{33, 40, 45}, {40, 31, 60}, {1.3, -0.2, 0.6}},
                                         ShiftCase{{30, 44, 44}, {25, 25, 25}, {0.2, 0.3, -0.4}}));

TEST(VolumeShift, OfAVolumeThatEndsWithinMatter) {
  device::ThreadPool threads(2);
  // Only 9 of some 20 slices of matter: above and below, the truth has more.
  const VolumeShift shift = {1.4, 0.6, -0.3};
  expect_shift(find_volume_shift(blobs({9, 40, 40}, shift), blobs({33, 40, 40}), 0.95, threads), shift, 0.05);
}

TEST(VolumeShift, OfOneSlice) {
  device::ThreadPool threads(1);
  const auto found = find_volume_shift(blobs({1, 40, 40}, {0, 1.2, 0.4}), blobs({1, 40, 40}), 0.95, threads);
  expect_shift(found, {0, 1.2, 0.4}, 0.005);
}

TEST(MovedOnto, WholeVoxelsAsTheyAre) {
  device::ThreadPool threads(2);
  Volume v({1, 2, 2});
  for (Index i = 0; i < 4; ++i) v.data()[i] = static_cast<float>(i + 1);
  const Volume moved = moved_onto(v, {3, 4, 4}, {1, 0, -1}, threads);  // from the middle, down and to the left
  const float expected[4][4] = {{0, 0, 0, 0}, {1, 2, 0, 0}, {3, 4, 0, 0}, {0, 0, 0, 0}};
  for (Index z = 0; z < 3; ++z) {
    for (Index y = 0; y < 4; ++y) {
      for (Index x = 0; x < 4; ++x) EXPECT_EQ(moved(z, y, x), z == 2 ? expected[y][x] : 0) << z << y << x;
    }
  }
  const Volume away = moved_onto(v, {1, 2, 2}, {0, 0, 5}, threads);
  for (const float value : away) EXPECT_EQ(value, 0);
}

TEST(MovedOnto, FractionsWithoutLoss) {
  device::ThreadPool threads(2);
  for (const VolumeShift& shift : {VolumeShift{0.5, -0.25, 1.7}, VolumeShift{0, 0, 0}, VolumeShift{-3.1, 0, 0.01}}) {
    const Volume expected = blobs({27, 32, 36}, shift),
                 moved = moved_onto(blobs({30, 41, 36}), {27, 32, 36}, shift, threads);
    // Blobs of σ = 1.5 voxels have exp(−(π·1.5)²/2) = 1.5e-5 of their spectrum beyond the Nyquist frequency.
    for (Index i = 0; i < moved.size(); ++i) ASSERT_NEAR(moved.data()[i], expected.data()[i], 1e-10) << i;
  }
}

TEST(MovedOnto, NothingComesInFromTheOtherSide) {
  device::ThreadPool threads(1);
  Volume v({1, 1, 32});
  v(0, 0, 31) = 1;
  const Volume moved = moved_onto(v, {1, 1, 32}, {0, 0, 0.5}, threads);
  // The sinc's tail at 31.5 voxels to the left; around the margin's corner it would be half of the peak.
  EXPECT_LT(std::abs(moved(0, 0, 0)), 0.03);
  EXPECT_NEAR(moved(0, 0, 31), 0.6366, 0.01);  // 2/π
}

VolumeError error_of(const Volume& volume, const Volume& truth, VolumeShift shift = {}) {
  device::ThreadPool threads(2);
  return volume_error(volume, truth, moved_onto(truth, volume.extents(), shift, threads), shift, threads);
}

TEST(VolumeError, OfValuesAsTheyAreAndTheirScale) {
  const Volume truth = matter({24, 32, 32});
  Volume volume = Volume::copy_of(truth);
  EXPECT_EQ(error_of(volume, truth).nrmse, 0);
  EXPECT_NEAR(error_of(volume, truth).scale, 1, 1e-6);
  for (float& v : volume) v *= 0.9F;
  EXPECT_NEAR(error_of(volume, truth).nrmse, 0.1, 1e-6);
  EXPECT_NEAR(error_of(volume, truth).scale, 0.9, 1e-6);
  for (float& v : volume) v += 1e-7F;  // an offset is an error, but no scale
  EXPECT_GT(error_of(volume, truth).nrmse, 0.2);
  EXPECT_NEAR(error_of(volume, truth).scale, 0.9, 1e-5);
}

TEST(VolumeError, CountsThreeVoxelsAroundMatter) {
  Volume truth({11, 11, 11});
  truth(5, 5, 5) = 2;
  for (const auto& [z, y, x, counts] : {std::tuple{2, 5, 5, true},
                                        {1, 5, 5, false},
                                        {5, 8, 5, true},
                                        {5, 9, 5, false},
                                        {5, 5, 2, true},
                                        {5, 5, 1, false},
                                        {8, 8, 8, true},
                                        {8, 8, 9, false}}) {
    Volume volume = Volume::copy_of(truth);
    volume(z, y, x) = 1;
    EXPECT_NEAR(error_of(volume, truth).nrmse, counts ? 0.5 : 0, 1e-12) << z << ' ' << y << ' ' << x;
  }
}

TEST(VolumeError, RegionGoesWithTheShift) {
  Volume truth({11, 11, 11}), volume({11, 11, 11});
  truth(5, 5, 3) = 2;
  volume(5, 5, 7) = 2;
  volume(5, 5, 2) = 9;  // more than 3 voxels from where the matter is
  EXPECT_EQ(error_of(volume, truth, {0, 0, 4}).nrmse, 0);
}

TEST(VolumeError, OfATruthOfOneValueEverywhere) {
  Volume truth({2, 2, 2}), volume({2, 2, 2});
  std::fill(truth.begin(), truth.end(), 2.0F);
  std::fill(volume.begin(), volume.end(), 3.0F);
  EXPECT_NEAR(error_of(volume, truth).scale, 1.5, 1e-12);
}

TEST(VolumeError, RefusesATruthWithoutMatterThere) {
  const Volume volume = matter({24, 32, 32});
  EXPECT_NE(message_of([&] {
              error_of(volume, Volume({24, 32, 32}));
            }).find("truth_volume has no matter where the volume is: it is not what this series was made from"),
            std::string::npos);
}

}  // namespace
}  // namespace ptychoflow::tomo
