#include "plugin/stages/save/html_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <utility>

#include "core/base/units.hpp"
#include "core/image/png.hpp"
#include "core/image/scale.hpp"
#include "plugin/stages/save/advice.hpp"
#include "report_page.hpp"

namespace ptychoflow::save {
namespace {

using stage::Json;

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string base64(const std::vector<unsigned char>& bytes) {
  constexpr const char* letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < count ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) text += k <= count ? letters[group >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

std::string data_uri(const image::Canvas& picture) {
  return "data:image/png;base64," + base64(image::png_bytes(picture));
}

std::string fact(const char* name, const std::string& value) {
  return value.empty() ? "" : fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, escaped(value));
}

std::string lengths(const std::array<double, 2>& y_x) {
  return y_x[0] == y_x[1] ? image::length_text(y_x[0])
                          : fmt::format("{} × {} (y, x)", image::length_text(y_x[0]), image::length_text(y_x[1]));
}

std::string facts(const io::ResultFile& r, const Json& metadata) {
  std::string text = fact("Views", r.view_offset_px.empty() ? "" : fmt::format("{}", r.view_offset_px.extent(0)));
  if (r.energy_J > 0) text += fact("Photon energy", fmt::format("{:.5g} keV", r.energy_J / energy_J_from_keV(1)));
  if (r.distance_m > 0) text += fact("Sample to detector", image::length_text(r.distance_m));
  if (r.rotation_deg) text += fact("Angle", fmt::format("{:.5g}°", *r.rotation_deg));
  text += fact("Object pixel", lengths(r.object_pixel_size_m));
  std::vector<std::string> shares;
  for (const double share : r.probe_occupancy) shares.push_back(fmt::format("{:.1f} %", 100 * share));
  text += fact("Light in the probe's modes", fmt::format("{}", fmt::join(shares, ", ")));
  const auto& h = r.history;
  if (!h.iteration.empty()) text += fact("Iterations", fmt::format("{}", h.iteration.back()));
  if (!h.fourier_error.empty()) text += fact("R-factor", fmt::format("{:.4f}", h.fourier_error.back()));
  const Json quality = metadata.value("quality", Json::object());
  if (const auto frc = quality.find("frc"); frc != quality.end()) {
    const std::string bound = frc->value("bound", "measured");
    text += fact("Resolution (half period)", (bound == "measured"      ? ""
                                              : bound == "better_than" ? "better than "
                                                                       : "worse than ") +
                                                 image::length_text(frc->value("half_period_m", 0.0)));
  }
  if (quality.contains("object_nrmse"))
    text +=
        fact("Object's error against the truth", fmt::format("{:.2f} %", 100 * quality["object_nrmse"].get<double>()));
  return text;
}

std::string figure(const std::string& inner, const std::string& caption) {
  return fmt::format("<figure>{}<figcaption>{}</figcaption></figure>\n", inner, escaped(caption));
}

/// Coverage in gray, at most 512 pixels wide and high; and how many of its pixels one of these is.
image::Canvas coverage_picture(View<const float, 2> coverage, Index& bin) {
  const Index ny = coverage.extent(0), nx = coverage.extent(1);
  bin = (std::max(ny, nx) + 511) / 512;
  image::Canvas canvas(static_cast<int>((nx + bin - 1) / bin), static_cast<int>((ny + bin - 1) / bin));
  for (int y = 0; y < canvas.height(); ++y) {
    for (int x = 0; x < canvas.width(); ++x) {
      const float light = coverage(std::min(ny - 1, y * bin + bin / 2), std::min(nx - 1, x * bin + bin / 2));
      canvas.at(x, y) = image::map_colour(image::ColourMap::gray, std::sqrt(std::max(light, 0.0f)));
    }
  }
  return canvas;
}

std::string positions_figure(const io::ResultFile& r) {
  if (r.object_coverage.empty() || r.view_offset_px.empty()) return "";
  const auto [half_y, half_x] = std::visit(
      [](auto modes) {
        return std::array{modes.extent(1) / 2, modes.extent(2) / 2};
      },
      r.probe);
  Index bin = 1;
  const image::Canvas coverage = coverage_picture(r.object_coverage, bin);
  const Index width = coverage.width() * bin, height = coverage.height() * bin;
  std::string dots;
  for (Index k = 0; k < r.view_offset_px.extent(0); ++k)
    dots += fmt::format("M{} {}h0", r.view_offset_px(k, 1) + half_x, r.view_offset_px(k, 0) + half_y);
  return figure(
      fmt::format(R"(<svg viewBox="0 0 {0} {1}" role="img" aria-label="Positions">)"
                  R"(<image width="{0}" height="{1}" href="{2}"/>)"
                  R"(<path d="{3}" stroke="#ff5a36" stroke-width="{4}" stroke-linecap="round"/></svg>)",
                  width, height, data_uri(coverage), dots, 0.006 * static_cast<double>(std::max(width, height))),
      "Positions of the views (middles of their frames), over the light that each pixel got");
}

/// One line of a plot of 600 × 300, frequencies scaled to 1.
std::string plotted(const std::vector<double>& x, const std::vector<double>& y) {
  std::string points;
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    if (!std::isfinite(y[i])) continue;
    points += fmt::format("{:.1f},{:.1f} ", 50 + 530 * x[i] / x.back(), 260 - 240 * std::clamp(y[i], 0.0, 1.0));
  }
  return points;
}

std::string correlation_figure(const Json& metadata) {
  const Json curve = metadata.value(Json::json_pointer("/quality/frc/curve"), Json());
  if (!curve.is_object()) return "";
  const auto frequency = curve.at("frequency_per_m").get<std::vector<double>>();
  // What is not finite comes as null.
  const auto numbers = [&](const char* name) {
    std::vector<double> values;
    for (const Json& v : curve.at(name)) values.push_back(v.is_number() ? v.get<double>() : NAN);
    return values;
  };
  if (frequency.size() < 2) return "";
  return figure(
      fmt::format(R"(<svg viewBox="0 0 600 310" role="img" aria-label="Ring correlation" fill="none" )"
                  R"(font-family="sans-serif" font-size="13"><g stroke="currentColor" stroke-width="1">)"
                  R"(<path d="M50 20V260H580"/></g><g fill="currentColor" text-anchor="end">)"
                  R"(<text x="44" y="264">0</text><text x="44" y="24">1</text><text x="580" y="280">1/{}</text></g>)"
                  R"(<text x="315" y="300" fill="currentColor" text-anchor="middle">spatial frequency</text>)"
                  R"(<polyline stroke="#888" stroke-width="1.5" stroke-dasharray="5 4" points="{}"/>)"
                  R"(<polyline stroke="#3b7dd8" stroke-width="2" points="{}"/></svg>)",
                  image::length_text(1 / frequency.back()), plotted(frequency, numbers("threshold")),
                  plotted(frequency, numbers("correlation"))),
      "Ring correlation of two half-scans (blue) and its threshold (dashed): where they first meet is the "
      "resolution");
}

std::string advice_list(const io::ResultFile& result, const Json& metadata) {
  const auto all = advice(result, metadata);
  if (all.empty()) return "";
  std::string text = "<ul class=\"advice\">\n";
  for (const auto& one : all) text += fmt::format("<li>{}</li>\n", escaped(one));
  return text + "</ul>";
}

std::string subtitle(const io::ResultFile& r, const Json& metadata) {
  const auto& p = r.process;
  std::string text =
      fmt::format("{} {}, {}, {} rank{}", p.program, p.version, p.backend, p.ranks, p.ranks == 1 ? "" : "s");
  if (!r.start_time.empty()) text += fmt::format(" · {} to {}", r.start_time, r.end_time);
  if (const std::string source = metadata.value("source", ""); !source.empty()) text += " · " + source;
  return text;
}

}  // namespace

std::string html_report(const io::ResultFile& result, const Json& metadata, const std::vector<Picture>& pictures) {
  std::string figures;
  for (const auto& picture : pictures) {
    figures += figure(fmt::format(R"(<img src="{}" alt="{}">)", data_uri(picture.canvas), escaped(picture.caption)),
                      picture.caption);
  }
  figures += positions_figure(result) + correlation_figure(metadata);
  const Json pipeline = Json::parse(result.process.pipeline, nullptr, false);
  const std::pair<const char*, std::string> contents[] = {
      {"title", escaped(result.title)},
      {"subtitle", escaped(subtitle(result, metadata))},
      {"advice", advice_list(result, metadata)},
      {"facts", facts(result, metadata)},
      {"pictures", figures},
      {"command", escaped(result.process.command)},
      {"pipeline", escaped(pipeline.is_discarded() ? result.process.pipeline : pipeline.dump(2))}};
  std::string page;
  const std::string form = report_page;
  std::size_t from = 0;
  for (std::size_t at = form.find("{{"); at != std::string::npos; at = form.find("{{", from)) {
    const std::size_t end = form.find("}}", at);
    const std::string name = form.substr(at + 2, end - at - 2);
    page += form.substr(from, at - from);
    page +=
        std::find_if(std::begin(contents), std::end(contents), [&](const auto& c) { return c.first == name; })->second;
    from = end + 2;
  }
  return page + form.substr(from);
}

void write_report(const std::filesystem::path& file, const std::string& page, io::Overwrite overwrite) {
  io::AtomicFile atomic(file, overwrite);
  std::ofstream stream(atomic.temporary(), std::ios::binary);
  stream << page;
  stream.close();
  if (!stream) {
    throw Error(ErrorCode::resource,
                fmt::format("the report '{}' cannot be written: check the free space", file.string()));
  }
  atomic.commit();
}

}  // namespace ptychoflow::save
