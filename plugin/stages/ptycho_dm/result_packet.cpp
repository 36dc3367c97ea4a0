#include "plugin/stages/ptycho_dm/result_packet.hpp"

#include <utility>

namespace ptychoflow::ptycho_dm {
namespace {

using namespace ptycho;
using stage::Json;
using stage::Tensor;

template <class Figure>
Tensor per_iteration(const std::vector<IterationFigures>& history, Figure figure) {
  using Value = decltype(figure(history.front()));
  std::vector<Value> values;
  for (const auto& f : history) values.push_back(figure(f));
  const auto count = static_cast<std::int64_t>(values.size());
  return Tensor::own(std::move(values), {count});
}

template <class Figure>
Tensor per_iteration_and_mode(const std::vector<IterationFigures>& history, Figure figure) {
  std::vector<double> values;
  for (const auto& f : history) values.insert(values.end(), figure(f).begin(), figure(f).end());
  const auto count = static_cast<std::int64_t>(history.size());
  const auto modes = static_cast<std::int64_t>(values.size()) / count;
  return Tensor::own(std::move(values), {count, modes});
}

}  // namespace

template <class T>
void fill_packet(stage::Packet& packet, Result<T>& result, const Layout& layout,
                 const std::vector<Yx<double>>& positions_m, std::optional<device::Share> rows) {
  std::vector<std::int32_t> offsets;
  std::vector<double> positions;
  for (const auto& w : layout.windows) {
    offsets.push_back(static_cast<std::int32_t>(w.y));
    offsets.push_back(static_cast<std::int32_t>(w.x));
  }
  for (const auto& r : positions_m) positions.insert(positions.end(), {r.y, r.x});
  const std::int64_t views = layout.view_count();
  const auto& h = result.history;
  const auto set = [&](const char* name, Tensor tensor) { packet.tensors.insert_or_assign(name, std::move(tensor)); };
  if (rows) {
    set("object_rows", Tensor::own(std::move(result.object)));
    set("object_coverage_rows", Tensor::own(std::move(result.coverage)));
    packet.metadata["object_first_row"] = rows->first;
    packet.metadata["object_height_px"] = layout.object.y;
  } else if (!result.object.empty()) {
    set("object", Tensor::own(std::move(result.object)));
    set("object_coverage", Tensor::own(std::move(result.coverage)));
  }
  set("probe", Tensor::own(device::Array<Complex<T>, 3>::copy_of(result.probe)));
  set("probe_occupancy", Tensor::own(result.occupancy, {static_cast<std::int64_t>(result.occupancy.size())}));
  set("view_offset_px", Tensor::own(std::move(offsets), {views, 2}));
  set("view_position_m", Tensor::own(std::move(positions), {views, 2}));
  set("history_iteration", per_iteration(h, [](const auto& f) { return static_cast<std::int64_t>(f.iteration); }));
  set("history_object_change", per_iteration_and_mode(
                                   h, [](const auto& f) -> const auto& { return f.object_change; }));
  set("history_probe_change", per_iteration_and_mode(
                                  h, [](const auto& f) -> const auto& { return f.probe_change; }));
  set("history_exit_wave_change", per_iteration(h, [](const auto& f) { return f.exit_wave_change; }));
  set("history_fourier_error", per_iteration(h, [](const auto& f) { return f.fourier_error; }));
  set("history_seconds", per_iteration(h, [](const auto& f) { return f.seconds; }));
  packet.metadata["pixel_size_m"] = {layout.pixel_size_m.y, layout.pixel_size_m.x};
  packet.metadata["object_origin_m"] = {layout.origin_m.y, layout.origin_m.x};
  packet.metadata["r_factor"] = result.r_factor;
  packet.metadata["iterations"] = h.size();
  packet.metadata["stopped"] = result.stopped;
}

template void fill_packet(stage::Packet&, Result<float>&, const Layout&, const std::vector<Yx<double>>&,
                          std::optional<device::Share>);
template void fill_packet(stage::Packet&, Result<double>&, const Layout&, const std::vector<Yx<double>>&,
                          std::optional<device::Share>);

void declare_result(stage::Description& output, const char* complex_type, Index probe_modes_or_0, Index object_modes,
                    Yx<Index> frame, const Json& frame_count, bool object_is_whole) {
  const Json probe_modes = probe_modes_or_0 > 0 ? Json(probe_modes_or_0) : Json();
  output.add(object_is_whole ? "object" : "object_rows", complex_type, {object_modes, nullptr, nullptr}, "mode:y:x",
             "1");
  output.add(object_is_whole ? "object_coverage" : "object_coverage_rows", "float32", {nullptr, nullptr}, "y:x", "1");
  output.add("probe", complex_type, {probe_modes, frame.y, frame.x}, "mode:y:x", "√count");
  output.add("probe_occupancy", "float64", {probe_modes}, "mode", "1");
  output.add("view_offset_px", "int32", {frame_count, 2}, "view:y,x", "px");
  output.add("view_position_m", "float64", {frame_count, 2}, "view:y,x", "m");
  output.add("history_iteration", "int64", Json::array({nullptr}), "iteration", "1");
  output.add("history_object_change", "float64", {nullptr, object_modes}, "iteration:mode", "1");
  output.add("history_probe_change", "float64", {nullptr, probe_modes}, "iteration:mode", "1");
  output.add("history_exit_wave_change", "float64", Json::array({nullptr}), "iteration", "1");
  output.add("history_fourier_error", "float64", Json::array({nullptr}), "iteration", "1");
  output.add("history_seconds", "float64", Json::array({nullptr}), "iteration", "s");
}

}  // namespace ptychoflow::ptycho_dm
