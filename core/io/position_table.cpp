#include "core/io/position_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "core/io/scan_content.hpp"

namespace ptychoflow::io {
namespace {

PositionTable of_text(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) throw Error(ErrorCode::data, fmt::format("{}: cannot be read: {}", file, std::strerror(errno)));
  PositionTable table{file, {}};
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    line.resize(std::min(line.find('#'), line.size()));
    std::ranges::replace(line, ',', ' ');
    std::istringstream words(line);
    std::array<double, 2> x_y{};
    std::string first;
    if (!(words >> first)) continue;
    words = std::istringstream(line);
    if (!(words >> x_y[0] >> x_y[1])) {
      throw Error(ErrorCode::data,
                  fmt::format("{}:{}: expected x and y of a frame, in metres, as in `1.2e-6 -3e-7`; got "
                              "'{}'",
                              file, number, line));
    }
    table.x_y_m.push_back(x_y);
  }
  if (table.x_y_m.empty()) throw Error(ErrorCode::data, file + ": has no positions: give x and y of a frame a line");
  return table;
}

}  // namespace

PositionTable read_positions(const std::string& file, const std::string& dataset) {
  if (dataset.empty()) return of_text(file);
  const Dataset data = InputFile(file).dataset(dataset);
  data.require_rank(2, "frame and x, y");
  ScanHeader h;
  h.frame_count = data.shape()[1] == 2 || data.shape()[1] == 3 ? data.shape()[0] : data.shape()[1];
  set_translation(h, data);
  return {data.where(), std::move(h.translation_m)};
}

}  // namespace ptychoflow::io
