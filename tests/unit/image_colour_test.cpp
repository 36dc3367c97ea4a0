// Colours, and what is drawn on a canvas.
#include <gtest/gtest.h>

#include <cmath>

#include "core/base/error.hpp"
#include "core/base/units.hpp"
#include "core/image/canvas.hpp"
#include "core/image/text.hpp"

namespace ptychoflow::image {
namespace {

TEST(Colour, GrayIsTheValueItself) {
  EXPECT_EQ(map_colour(ColourMap::gray, 0), (Rgb{0, 0, 0}));
  EXPECT_EQ(map_colour(ColourMap::gray, 0.2), (Rgb{51, 51, 51}));
  EXPECT_EQ(map_colour(ColourMap::gray, 7), white);
  EXPECT_EQ(map_colour(ColourMap::gray, -1), black);
}

TEST(Colour, OklabOfKnownColours) {
  EXPECT_EQ(oklch(1, 0, 0), white);
  EXPECT_EQ(oklch(0, 0, 0), black);
  // Oklab of sRGB red is L 0.628, a 0.225, b 0.126.
  EXPECT_EQ(oklch(0.62796, std::hypot(0.22486, 0.12585), std::atan2(0.12585, 0.22486)), (Rgb{255, 0, 0}));
  EXPECT_NEAR(lightness({255, 0, 0}), 0.62796, 1e-4);
  EXPECT_NEAR(lightness(white), 1, 1e-4);
}

TEST(Colour, SequentialMapRisesInEvenStepsOfLightness) {
  double last = lightness(map_colour(ColourMap::sequential, 0));
  for (int i = 1; i <= 20; ++i) {
    const double now = lightness(map_colour(ColourMap::sequential, i / 20.0));
    EXPECT_NEAR(now - last, 0.86 / 20, 0.012) << "step " << i;  // 8-bit steps are coarse near black
    last = now;
  }
}

TEST(Colour, ComplexNumbersOfOneMagnitudeAreEquallyLight) {
  for (double brightness : {1.0, 0.6}) {
    const double want = lightness(complex_colour(0, brightness));
    for (int i = 0; i < 36; ++i) {
      EXPECT_NEAR(lightness(complex_colour(i * pi / 18, brightness)), want, 0.006) << "phase " << i * 10;
    }
  }
  EXPECT_EQ(complex_colour(1.2, 0), black);
  EXPECT_LT(lightness(complex_colour(1, 0.4)), lightness(complex_colour(1, 0.5)));
}

TEST(Colour, HueFollowsThePhase) {
  const Rgb plus = complex_colour(0, 1), minus = complex_colour(pi, 1);
  EXPECT_GT(plus.r, plus.g + 60);  // 1 is red
  EXPECT_GT(plus.r, plus.b + 60);
  EXPECT_GT(minus.g, minus.r + 60);  // −1 is teal
  EXPECT_GT(minus.b, minus.r + 60);
  const Rgb below = complex_colour(-pi / 2, 1);  // −i is violet
  EXPECT_GT(below.b, below.g + 40);
  const Rgb above = complex_colour(pi / 2, 1);  // i is yellow-green
  EXPECT_GT(above.g, above.b + 60);
  EXPECT_EQ(complex_colour(-pi, 1), minus);
  EXPECT_EQ(map_colour(ColourMap::cyclic, 0), map_colour(ColourMap::cyclic, 1));
}

TEST(Canvas, RectanglesAndPicturesAreCutAtTheEdge) {
  Canvas canvas(3, 2, black);
  canvas.fill_rectangle(1, -1, 10, 2, white);
  EXPECT_EQ(canvas.at(0, 0), black);
  EXPECT_EQ(canvas.at(1, 0), white);
  EXPECT_EQ(canvas.at(2, 0), white);
  EXPECT_EQ(canvas.at(2, 1), black);
  canvas.blit(Canvas(2, 2, Rgb{9, 8, 7}), -1, 1);
  EXPECT_EQ(canvas.at(0, 1), (Rgb{9, 8, 7}));
  EXPECT_EQ(canvas.at(1, 1), black);
  EXPECT_EQ(canvas.at(0, 0), black);
  EXPECT_THROW(Canvas(0, 4), Error);
}

TEST(Canvas, ALineCoversWhatItsWidthSays) {
  Canvas canvas(7, 5, white);
  canvas.stroke(std::vector<Polyline>{{{1.5, 2.5}, {5.5, 2.5}}}, 2, black);
  EXPECT_EQ(canvas.at(3, 2), black);
  EXPECT_EQ(canvas.at(3, 1), (Rgb{128, 128, 128}));  // half of the row above and half of the row below
  EXPECT_EQ(canvas.at(3, 3), (Rgb{128, 128, 128}));
  EXPECT_EQ(canvas.at(3, 0), white);
  canvas.stroke(std::vector<Polyline>{{{-1e9, 1e9}, {-1e8, 1e9}}}, 3, black);  // far outside
  EXPECT_EQ(canvas.at(0, 4), white);
}

TEST(Canvas, CrossingLinesAreOneShape) {
  Canvas canvas(5, 5, white);
  canvas.stroke(std::vector<Polyline>{{{0, 2.5}, {5, 2.5}}, {{2.5, 0}, {2.5, 5}}}, 1, black, 0.5);
  EXPECT_EQ(canvas.at(2, 2), canvas.at(2, 0));
}

int inked(const Canvas& canvas, int x0, int x1) {
  int count = 0;
  for (int y = 0; y < canvas.height(); ++y) {
    for (int x = x0; x < x1; ++x) count += canvas.at(x, y) != white;
  }
  return count;
}

TEST(Text, TakesThePlaceItSaysItTakes) {
  const double width = text_width("mode 1: 74.5 %", 12);
  EXPECT_GT(width, 100);
  EXPECT_LT(width, 180);
  Canvas canvas(260, 30);
  draw_text(canvas, {30, 20}, "mode 1: 74.5 %");
  EXPECT_GT(inked(canvas, 30, 30 + static_cast<int>(width)), 300);
  EXPECT_EQ(inked(canvas, 0, 27), 0);
  EXPECT_EQ(inked(canvas, 33 + static_cast<int>(width), 260), 0);
  Canvas right(260, 30);
  draw_text(right, {250, 20}, "mode 1: 74.5 %", {.align = Align::right});
  EXPECT_EQ(inked(right, 0, 250 - static_cast<int>(width) - 3), 0);
}

TEST(Text, KnowsTheSymbolsOfThePictures) {
  // An unknown letter is a box as wide as a digit, with ink in its corner.
  const auto corner = [](const char* text) {
    Canvas canvas(40, 30);
    draw_text(canvas, {10, 20}, text);
    return canvas.at(10, 8) != white && canvas.at(18, 8) != white && canvas.at(10, 19) != white &&
           canvas.at(18, 19) != white && canvas.at(14, 8) != white && canvas.at(10, 14) != white;
  };
  EXPECT_TRUE(corner("中"));
  EXPECT_TRUE(corner("\xff"));  // not UTF-8
  for (const char* known : {"µ", "ε", "π", "²", "·", "−", "×", "°", "%", "μ"}) EXPECT_FALSE(corner(known)) << known;
}

TEST(Text, PartsAreRaised) {
  EXPECT_LT(text_width("10^3", 12), text_width("103", 12));
  Canvas canvas(60, 40);
  draw_text(canvas, {5, 30}, "^2", {});
  int low = 0;
  for (int y = 26; y < 40; ++y) {
    for (int x = 0; x < 60; ++x) low += canvas.at(x, y) != white;
  }
  EXPECT_EQ(low, 0);
  EXPECT_GT(inked(canvas, 0, 60), 10);
}

}  // namespace
}  // namespace ptychoflow::image
