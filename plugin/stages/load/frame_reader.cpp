#include "plugin/stages/load/frame_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/io/frame_types.hpp"
#include "core/io/scan_checks.hpp"
#include "core/ptycho/distribution.hpp"

namespace ptychoflow::load {

namespace {

template <class T>
device::Array<T, 2> cut(View<const T, 2> whole, const io::FrameWindow& window) {
  auto part = device::Array<T, 2>::uninitialized(window.extent);
  for (Index y = 0; y < window.extent[0]; ++y) {
    std::copy_n(&whole(window.y + y, window.x), window.extent[1], &part(y, Index{0}));
  }
  return part;
}

/// Copies `part` into `whole`, its first pixel at `at`.
template <class T>
void paste(View<const T, 2> part, View<T, 2> whole, Extents<2> at) {
  for (Index y = 0; y < part.extent(0); ++y) {
    std::copy_n(&part(y, Index{0}), part.extent(1), &whole(at[0] + y, at[1]));
  }
}

device::Array<double, 2> read_dark(const io::Scan& scan, const io::FrameWindow& window) {
  if (!scan.header().has_dark) {
    throw Error(ErrorCode::data, scan.header().file +
                                     ": dark: file was asked for, but there is no "
                                     "/entry_1/instrument_1/detector_1/data_dark: set dark: none");
  }
  const auto whole = scan.dark();
  return cut(whole.view(), window);
}

}  // namespace

FrameReader::FrameReader(const io::Scan& scan, const io::DetectorWindow& window, Corrections corrections)
    : scan_(scan),
      window_(window),
      corrections_(corrections),
      stored_type_(io::frame_type_for(scan.header().frame_type)),
      type_(corrections.saturation || corrections.subtract_dark ? "float32" : stored_type_),
      mask_(window.size) {
  const auto mask = scan.mask();
  io::check_mask(mask.view(), scan.header().file);
  stored_mask_ = cut(mask.view(), window.stored);
  io::check_mask(stored_mask_.view(), scan.header().file + ": within the window that frame_size cuts");
  std::fill(mask_.begin(), mask_.end(), std::uint8_t{1});
  paste(std::as_const(stored_mask_).view(), mask_.view(), window.at);
  if (!corrections.subtract_dark) return;
  dark_ = read_dark(scan, window.stored);
  for (Index i = 0; i < dark_.size(); ++i) {
    if (!std::isfinite(dark_.data()[i]) && stored_mask_.data()[i] == 0) {
      throw Error(ErrorCode::data,
                  fmt::format("{}: data_dark is NaN or infinite at pixel y {}, x {}: mark the pixel in "
                              "the mask, or set dark: none",
                              scan.header().file, window.stored.y + i / dark_.extent(1),
                              window.stored.x + i % dark_.extent(1)));
    }
  }
}

stage::Tensor FrameReader::read(std::span<const Index> numbers, Index first, Index step) {
  return io::with_frame_type(stored_type_, [&]<class T>(std::type_identity<T>) {
    auto counts = read_stored<T>(numbers, first, step);
    return corrections_.saturation || corrections_.subtract_dark ? pad(correct(counts)) : pad(std::move(counts));
  });
}

template <class T>
device::Array<T, 3> FrameReader::read_stored(std::span<const Index> numbers, Index first, Index step) {
  const auto& stored = window_.stored;
  auto counts =
      device::Array<T, 3>::uninitialized({static_cast<Index>(numbers.size()), stored.extent[0], stored.extent[1]});
  if (numbers.empty()) return counts;
  const auto& header = scan_.header();
  Index done = 0;
  ptycho::for_runs(numbers, [&](Index number, Index count) {
    const Index in_file = first + number * step;
    const View<T, 3> run(counts[done].data(), {count, stored.extent[0], stored.extent[1]});
    scan_.read_frames(in_file, count, step, stored, run.data());
    const bool light = io::check_frames(run, std::as_const(stored_mask_).view(),
                                        {fmt::format("{}: dataset {}", header.file, header.frames_path), in_file, step,
                                         stored.y, stored.x, header.negative_is_masked});
    seen_light_ = seen_light_ || light;
    done += count;
  });
  return counts;
}

template <class T>
device::Array<float, 3> FrameReader::correct(const device::Array<T, 3>& counts) const {
  auto frames = device::Array<float, 3>::uninitialized(counts.extents());
  const double saturation = corrections_.saturation.value_or(std::numeric_limits<double>::infinity());
  for (Index j = 0; j < counts.extent(0); ++j) {
    const T* in = counts[j].data();
    float* out = frames.view()[j].data();
    for (Index i = 0; i < stored_mask_.size(); ++i) {
      const double count = static_cast<double>(in[i]);
      if (stored_mask_.data()[i] != 0) {
        out[i] = 0;
      } else if (count < 0 || count >= saturation) {  // negative only where the file marks pixels so
        out[i] = -1;
      } else {
        out[i] = static_cast<float>(dark_.empty() ? count : std::max(count - dark_.data()[i], 0.0));
      }
    }
  }
  return frames;
}

template <class T>
stage::Tensor FrameReader::pad(device::Array<T, 3> frames) const {
  if (!window_.padded()) return stage::Tensor::own(std::move(frames));
  device::Array<T, 3> whole({frames.extent(0), window_.size[0], window_.size[1]});
  for (Index j = 0; j < frames.extent(0); ++j) paste(std::as_const(frames)[j], whole.view()[j], window_.at);
  return stage::Tensor::own(std::move(whole));
}

}  // namespace ptychoflow::load
