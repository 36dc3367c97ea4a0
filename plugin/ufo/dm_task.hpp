// The work of the UFO filter ptychoflow-dm, without UFO: frames of one scan after the other go in, an image of each
// comes out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/io/position_table.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::ufo {

/// Row-major, x last; complex numbers as pairs.
struct Image {
  std::vector<std::int64_t> shape;  ///< [y][x], or [mode][y][x] if there are several modes
  std::vector<float> values;
};

class DmTask {
 public:
  /// Values as text, by the names of `dm_properties`.
  void set(const std::string& property, std::string value) { values_[property] = std::move(value); }

  /// What was set, else the standard value.
  std::string get(const std::string& property) const;

  /// Reads the positions and checks all properties.
  /// @throws Error (usage or data)
  void prepare();

  /// Takes a frame of the scan. Returns whether more are to come.
  /// @throws Error (data) if its size is another than that of those before
  bool take(const float* frame, std::int64_t height, std::int64_t width);

  bool has_frames() const { return taken_ > 0; }

  /// Reconstructs from the frames that were taken, and forgets them.
  /// @throws Error of any kind, (data) if frames are missing
  Image reconstruct();

 private:
  std::string pipeline() const;
  stage::Json parameters() const;

  std::map<std::string, std::string> values_;
  io::PositionTable positions_;
  std::vector<float> frames_;
  std::int64_t height_ = 0, width_ = 0, taken_ = 0, scans_ = 0;
};

}  // namespace ptychoflow::ufo
