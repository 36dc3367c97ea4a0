#include "core/image/text.hpp"

#include <algorithm>
#include <vector>

#include "core/image/glyphs.hpp"

namespace ptychoflow::image {
namespace {

constexpr double baseline = 4, cap_units = 12, gap_units = 3.2;
constexpr double raised_scale = 0.72, raised_units = 6.5;

/// The code point at the front of `text`, which moves on. Broken UTF-8 gives a code that no glyph has.
char32_t next_code(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
  char32_t code = length == 1 ? (lead < 0x80 ? lead : 0) : lead & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < std::min(length, text.size()); ++i) {
    code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3Fu);
  }
  text.remove_prefix(std::min(length, text.size()));
  return code;
}

const Glyph& glyph_of(char32_t code) {
  const auto found = std::find_if(glyphs.begin(), glyphs.end(), [&](const Glyph& g) { return g.code == code; });
  return found == glyphs.end() ? unknown_glyph : *found;
}

int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

Point between(Point a, Point b) { return {(a.x + b.x) / 2, (a.y + b.y) / 2}; }

/// The line through the midpoints of `corners`, each corner cut by a parabola.
Polyline rounded(const Polyline& corners, bool closed) {
  constexpr int steps = 8;
  const std::size_t n = corners.size();
  Polyline line;
  if (!closed) line.push_back(corners.front());
  for (std::size_t i = closed ? 0 : 1; i < (closed ? n : n - 1); ++i) {
    const Point from = between(corners[(i + n - 1) % n], corners[i]), to = between(corners[i], corners[(i + 1) % n]);
    for (int s = 0; s <= steps; ++s) {
      const double t = static_cast<double>(s) / steps;
      const double a = (1 - t) * (1 - t), b = 2 * t * (1 - t), c = t * t;
      line.push_back({a * from.x + b * corners[i].x + c * to.x, a * from.y + b * corners[i].y + c * to.y});
    }
  }
  if (!closed) line.push_back(corners.back());
  return line;
}

/// Lines of a glyph in grid units.
std::vector<Polyline> outline(const Glyph& glyph) {
  std::vector<Polyline> lines;
  for (const char* s = glyph.strokes; *s;) {
    const char kind = *s++;
    Polyline corners;
    for (; *s && *s != ' '; s += 2) corners.push_back({double(digit(s[0])), double(digit(s[1]))});
    lines.push_back(kind == '-' ? corners : rounded(corners, kind == 'o'));
    if (*s == ' ') ++s;
  }
  return lines;
}

/// Calls `place(glyph, x, y, scale)` for each letter, in grid units from the baseline's start; returns the width.
template <class Place>
double set_text(std::string_view text, Place&& place) {
  double x = 0, scale = 1;
  while (!text.empty()) {
    const char32_t code = next_code(text);
    if (code == U'^' && scale == 1) {
      scale = raised_scale;
      continue;
    }
    if (code == U' ') scale = 1;
    const Glyph& glyph = glyph_of(code);
    place(glyph, x, scale < 1 ? raised_units : 0, scale);
    x += (glyph.width + gap_units) * scale;
  }
  return std::max(0.0, x - gap_units * scale);
}

}  // namespace

double text_width(std::string_view text, double cap_height_px) {
  return cap_height_px / cap_units * set_text(text, [](auto&&...) {});
}

void draw_text(Canvas& canvas, Point at, std::string_view text, const TextStyle& style) {
  const double unit_px = style.cap_height_px / cap_units;
  const double shift = style.align == Align::left ? 0 : style.align == Align::centre ? 0.5 : 1;
  const double start = -shift * text_width(text, style.cap_height_px);
  std::vector<Polyline> lines;
  set_text(text, [&](const Glyph& glyph, double x, double y, double scale) {
    for (Polyline& line : outline(glyph)) {
      for (Point& p : line) {
        const double along = start + unit_px * (x + scale * p.x), up = unit_px * (y + scale * (p.y - baseline));
        p = style.direction == Direction::rightwards ? Point{at.x + along, at.y - up} : Point{at.x - up, at.y - along};
      }
      lines.push_back(std::move(line));
    }
  });
  const double width_px = std::max(1.2, 0.125 * style.cap_height_px);
  canvas.stroke(lines, width_px, style.colour);
}

}  // namespace ptychoflow::image
