// From stored frames to those of the stream: cut, padded, checked and, where asked, corrected.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "core/device/array.hpp"
#include "core/io/detector_window.hpp"
#include "core/io/scan.hpp"
#include "plugin/api/tensor.hpp"

namespace ptychoflow::load {

class FrameReader {
 public:
  struct Corrections {
    std::optional<double> saturation;  ///< counts from here on become -1
    bool subtract_dark = false;
  };

  /// Reads the mask and, if asked, the dark frame.
  /// @throws Error (data) if no pixel within the window is measured, or there is no dark frame
  FrameReader(const io::Scan& scan, const io::DetectorWindow& window, Corrections corrections);

  /// Element type of the frames that `read` makes: the file's, or float32 once they are corrected.
  const std::string& type() const { return type_; }

  /// (y, x) of the window: 0 where measured; padding is not.
  const device::Array<std::uint8_t, 2>& mask() const { return mask_; }

  /// Frames first + n·step of the file for the given numbers n, which rise: (count, y, x). None of them needs no scan.
  /// @throws Error (data) for a measured count that is NaN, infinite or negative
  stage::Tensor read(std::span<const Index> numbers, Index first, Index step);

  /// Whether any measured count so far was above 0.
  bool seen_light() const { return seen_light_; }

 private:
  template <class T>
  device::Array<T, 3> read_stored(std::span<const Index> numbers, Index first, Index step);
  template <class T>
  device::Array<float, 3> correct(const device::Array<T, 3>& counts) const;
  template <class T>
  stage::Tensor pad(device::Array<T, 3> frames) const;

  const io::Scan& scan_;
  io::DetectorWindow window_;
  Corrections corrections_;
  std::string stored_type_;
  std::string type_;
  device::Array<std::uint8_t, 2> stored_mask_;  ///< of the stored part of the window
  device::Array<std::uint8_t, 2> mask_;
  device::Array<double, 2> dark_;  ///< of the stored part of the window
  bool seen_light_ = false;
};

}  // namespace ptychoflow::load
