#include "core/io/ptypy_result.hpp"

#include "core/base/version.hpp"
#include "core/io/hdf5_output.hpp"
#include "core/io/result_export.hpp"

namespace ptychoflow::io {

namespace {

const char* const storage_name = "S00G00";

/// What h5read makes of a group or dataset; it knows the word only if h5py gives it as str.
void set_type(OutputFile& out, const std::string& path, const char* type) {
  out.attribute(path, "type", type, TextLength::variable);
}

void write_text(OutputFile& out, const std::string& path, const std::string& text) {
  out.write(path, text, TextLength::variable);
  set_type(out, path, "string");
}

template <class T>
void write_scalar(OutputFile& out, const std::string& path, T value) {
  out.write(path, value);
  set_type(out, path, "scalar");
}

template <class T>
void write_list(OutputFile& out, const std::string& path, const std::vector<T>& values, const char* type) {
  out.write(path, values);
  set_type(out, path, type);
}

std::vector<double> list(const std::array<double, 2>& pair) { return {pair[0], pair[1]}; }

/// Modes and where they lie: `origin_m` is the coordinate of pixel [0][0].
void write_storage(OutputFile& out, const std::string& container, const ModeStack& stack,
                   const std::array<double, 2>& pixel_m, const std::array<double, 2>& origin_m) {
  const Extents<3> extents = extents_of(stack);
  const std::string group = container + "/" + storage_name;
  set_type(out, container, "dict");
  set_type(out, group, "dict");
  std::visit(
      [&](auto modes) {
        out.write(group + "/data", modes, {chunk_of_rows(modes.extents(), sizeof(*modes.data())), default_deflate});
      },
      stack);
  set_type(out, group + "/data", "array");
  std::vector<std::int64_t> layers;
  for (Index m = 0; m < extents[0]; ++m) layers.push_back(m);
  write_text(out, group + "/ID", storage_name);
  write_list(out, group + "/shape", std::vector<std::int64_t>(extents.begin(), extents.end()), "arraytuple");
  write_list(out, group + "/layermap", layers, "arraylist");
  write_scalar(out, group + "/nlayers", std::int64_t{extents[0]});
  write_list(out, group + "/_psize", list(pixel_m), "array");
  write_list(out, group + "/_origin", list(origin_m), "array");
  write_list(out, group + "/_center", list({-origin_m[0] / pixel_m[0], -origin_m[1] / pixel_m[1]}), "array");
  write_scalar(out, group + "/fill_value", 0.0);
  for (const char* name : {"/padding", "/padonly", "/distributed", "/DataTooSmall"}) {
    write_scalar(out, group + name, std::int64_t{0});
  }
  write_scalar(out, group + "/model_initialized", std::int64_t{1});
}

}  // namespace

void write_ptypy(const std::filesystem::path& file, const ResultFile& result, Overwrite overwrite) {
  const Extents<3> probe = extents_of(result.probe);
  std::array<double, 2> object_origin_m{}, probe_origin_m{};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const auto half_view_px = static_cast<double>(probe[axis + 1] / 2);
    object_origin_m[axis] = result.object_origin_m[axis] - half_view_px * result.object_pixel_size_m[axis];
    probe_origin_m[axis] = -half_view_px * result.probe_pixel_size_m[axis];
  }

  AtomicFile target(file, overwrite);
  OutputFile out = OutputFile::create(target.temporary());
  out.attribute("/", "h5rw_version", "0.1", TextLength::variable);
  set_type(out, "/header", "dict");
  write_text(out, "/header/kind", "minimal");
  write_text(out, "/header/description", std::string("ptychoflow ") + version);
  set_type(out, "/content", "param");
  write_storage(out, "/content/probe", result.probe, result.probe_pixel_size_m, probe_origin_m);
  write_storage(out, "/content/obj", result.object, result.object_pixel_size_m, object_origin_m);
  set_type(out, "/content/positions", "dict");
  if (!result.view_position_m.empty()) {
    out.write(std::string("/content/positions/") + storage_name, result.view_position_m);
    set_type(out, std::string("/content/positions/") + storage_name, "array");
  }
  set_type(out, "/content/pars", "param");
  const bool is_double = std::holds_alternative<View<const Complex<double>, 3>>(result.object);
  write_text(out, "/content/pars/data_type", is_double ? "double" : "single");
  if (!result.title.empty()) write_text(out, "/content/pars/run", result.title);
  set_type(out, "/content/runtime", "param");
  if (!result.start_time.empty()) write_text(out, "/content/runtime/start", result.start_time);
  if (!result.end_time.empty()) write_text(out, "/content/runtime/stop", result.end_time);
  out.close();
  target.commit();
}

}  // namespace ptychoflow::io
