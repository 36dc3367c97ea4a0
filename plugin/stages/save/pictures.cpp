#include "plugin/stages/save/pictures.hpp"

#include <algorithm>
#include <utility>

#include "core/device/array.hpp"
#include "core/image/pictures.hpp"
#include "core/image/png.hpp"

namespace ptychoflow::save {
namespace {

/// Pictures are drawn in single precision.
template <std::size_t Rank>
device::Array<Complex<float>, Rank> drawable(View<const Complex<double>, Rank> from) {
  auto to = device::Array<Complex<float>, Rank>::uninitialized(from.extents());
  std::transform(from.begin(), from.end(), to.begin(), [](Complex<double> v) {
    return Complex<float>{static_cast<float>(v.re), static_cast<float>(v.im)};
  });
  return to;
}

/// A view of the modes in single precision, and what holds it where a copy was needed.
struct Drawable {
  explicit Drawable(const io::ModeStack& stack, bool first_only) {
    std::visit(
        [&](auto modes) {
          mode_count = modes.extent(0);
          auto extents = modes.extents();
          if (first_only) extents[0] = 1;
          const decltype(modes) wanted(modes.data(), extents);
          if constexpr (std::is_same_v<decltype(wanted), const View<const Complex<float>, 3>>) {
            view = wanted;
          } else {
            copy = drawable(wanted);
            view = std::as_const(copy).view();
          }
        },
        stack);
  }
  device::Array<Complex<float>, 3> copy;
  View<const Complex<float>, 3> view;
  Index mode_count = 0;
};

std::vector<image::Curve> curves(View<const double, 2> change, const std::string& name) {
  std::vector<image::Curve> result;
  for (Index k = 0; k < change.extent(1); ++k) {
    image::Curve curve{change.extent(1) == 1 ? name : name + " mode " + std::to_string(k + 1), {}};
    for (Index i = 0; i < change.extent(0); ++i) curve.values.push_back(change(i, k));
    result.push_back(std::move(curve));
  }
  return result;
}

}  // namespace

std::vector<Picture> draw_pictures(const Targets& targets, const io::ResultFile& result) {
  std::vector<Picture> pictures;
  const Drawable object(result.object, true);
  const Extents<2> extents{object.view.extent(1), object.view.extent(2)};
  device::Array<float, 2> everywhere;
  image::ObjectScene scene{object.view[0], result.object_coverage, result.object_pixel_size_m, result.title,
                           object.mode_count > 1 ? "mode 1 of " + std::to_string(object.mode_count) : ""};
  if (scene.coverage.empty()) {
    everywhere = device::Array<float, 2>::uninitialized(extents);
    std::fill(everywhere.begin(), everywhere.end(), 1.0f);
    scene.coverage = everywhere;
  }
  pictures.push_back({targets.object_phase, "Phase of the object", image::object_phase_picture(scene)});
  pictures.push_back({targets.object_amplitude, "Amplitude of the object", image::object_amplitude_picture(scene)});

  const Drawable probe(result.probe, false);
  pictures.push_back(
      {targets.probe, "Modes of the probe and their share of the light",
       image::probe_picture({probe.view, result.probe_occupancy, result.probe_pixel_size_m, result.title})});
  const auto& history = result.history;
  if (!history.iteration.empty() && history.fourier_error.size() == history.iteration.size()) {
    pictures.push_back({targets.convergence,
                        "How much probe and object still change (ε), and how well they explain the frames (R)",
                        image::convergence_picture({{history.iteration.begin(), history.iteration.end()},
                                                    curves(history.object_change, "object"),
                                                    curves(history.probe_change, "probe"),
                                                    history.fourier_error,
                                                    result.title})});
  }
  return pictures;
}

std::vector<std::filesystem::path> write_pictures(const std::vector<Picture>& pictures) {
  std::vector<std::filesystem::path> written;
  for (const auto& picture : pictures) {
    image::write_png(picture.file, picture.canvas);
    written.push_back(picture.file);
  }
  return written;
}

}  // namespace ptychoflow::save
