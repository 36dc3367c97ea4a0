#include "core/io/result_file.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/version.hpp"
#include "core/io/hdf5_output.hpp"

namespace ptychoflow::io {

Index rows_at_a_time(Index row_bytes) {
  constexpr Index part_bytes = Index{4} << 20;
  return std::max<Index>(1, part_bytes / row_bytes);
}

namespace {

void write_modes(OutputFile& file, const std::string& path, const ModeStack& stack) {
  std::visit(
      [&](auto modes) {
        if (modes.empty()) throw Error(ErrorCode::other, "internal error: a result without " + path);
        file.write(path, modes, {chunk_of_rows(modes.extents(), sizeof(*modes.data())), default_deflate});
      },
      stack);
}

template <class V>
void write_plane(OutputFile& file, const std::string& path, const ObjectRows& rows, Index mode,
                 std::vector<Index> start) {
  const Index height = rows.extents[1], width = rows.extents[2];
  const Index most = rows_at_a_time(width * static_cast<Index>(sizeof(V)));
  std::vector<V> part(static_cast<std::size_t>(std::min(most, height) * width));
  for (Index first = 0; first < height; first += most) {
    const Index count = std::min(most, height - first);
    rows.read(mode, first, count, part.data());
    start[start.size() - 2] = first;
    if (start.size() == 3) {
      file.write_part(path, start, View<const V, 3>(part.data(), {1, count, width}));
    } else {
      file.write_part(path, start, View<const V, 2>(part.data(), {count, width}));
    }
  }
}

template <class T>
void write_stack(OutputFile& file, const std::string& path, const ObjectRows& rows) {
  const auto [modes, height, width] = rows.extents;
  const Index most = std::min(height, rows_at_a_time(width * static_cast<Index>(sizeof(Complex<T>))));
  file.declare<Complex<T>>(path, {modes, height, width}, {{1, most, width}, default_deflate});
  for (Index mode = 0; mode < modes; ++mode) write_plane<Complex<T>>(file, path, rows, mode, {mode, 0, 0});
}

void write_object(OutputFile& file, const std::string& group, const ObjectRows& rows) {
  if (rows.is_double) {
    write_stack<double>(file, group + "data", rows);
  } else {
    write_stack<float>(file, group + "data", rows);
  }
  const auto [modes, height, width] = rows.extents;
  const Index most = std::min(height, rows_at_a_time(width * static_cast<Index>(sizeof(float))));
  file.declare<float>(group + "coverage", {height, width}, {{most, width}, default_deflate});
  write_plane<float>(file, group + "coverage", rows, modes, {0, 0});
}

void write_pair(OutputFile& file, const std::string& path, const std::array<double, 2>& pair) {
  file.write(path, View<const double, 1>(pair.data(), {2}));
}

template <class T, std::size_t Rank>
void write_if(OutputFile& file, const std::string& path, View<T, Rank> values, const Storage& storage = {}) {
  if (!values.empty()) file.write(path, values, storage);
}
template <class T>
void write_if(OutputFile& file, const std::string& path, const std::vector<T>& values) {
  if (!values.empty()) file.write(path, values);
}
void write_if(OutputFile& file, const std::string& path, const std::string& text) {
  if (!text.empty()) file.write(path, text);
}

template <class T>
void write_number_if(OutputFile& file, const std::string& path, T value) {
  if (value != 0) file.write(path, value);
}

void write_all(OutputFile& file, const ResultFile& result) {
  file.attribute("/", "creator", "ptychoflow");
  file.attribute("/", "version", version);
  file.attribute("/", "cxi_version", std::int64_t{160});
  const std::string entry = "/entry_1/";
  file.attribute("/entry_1", "NX_class", "NXentry");
  write_if(file, entry + "start_time", result.start_time);
  write_if(file, entry + "end_time", result.end_time);
  write_if(file, entry + "title", result.title);

  if (result.object_rows) {
    write_object(file, entry + "object/", *result.object_rows);
  } else {
    write_modes(file, entry + "object/data", result.object);
  }
  file.attribute(entry + "object/data", "axes", "mode:y:x");
  write_pair(file, entry + "object/pixel_size_m", result.object_pixel_size_m);
  write_pair(file, entry + "object/origin_m", result.object_origin_m);
  const auto& coverage = result.object_coverage;
  write_if(file, entry + "object/coverage", coverage,
           {chunk_of_rows(coverage.extents(), sizeof(float)), default_deflate});

  write_modes(file, entry + "probe/data", result.probe);
  file.attribute(entry + "probe/data", "axes", "mode:y:x");
  write_pair(file, entry + "probe/pixel_size_m", result.probe_pixel_size_m);
  write_if(file, entry + "probe/occupancy", result.probe_occupancy);

  write_if(file, entry + "views/offset_px", result.view_offset_px);
  write_if(file, entry + "views/position_m", result.view_position_m);

  if (result.rotation_deg) {
    file.write(entry + "sample_1/rotation_angle", *result.rotation_deg);
    file.attribute(entry + "sample_1/rotation_angle", "units", "deg");
  }
  write_number_if(file, entry + "instrument_1/source_1/energy", result.energy_J);
  const std::string detector = entry + "instrument_1/detector_1/";
  write_number_if(file, detector + "distance", result.distance_m);
  write_number_if(file, detector + "x_pixel_size", result.detector_pixel_m[1]);
  write_number_if(file, detector + "y_pixel_size", result.detector_pixel_m[0]);

  const std::string process = entry + "process_1/";
  write_if(file, process + "program", result.process.program);
  write_if(file, process + "version", result.process.version);
  write_if(file, process + "command", result.process.command);
  write_if(file, process + "backend", result.process.backend);
  write_number_if(file, process + "ranks", result.process.ranks);
  write_number_if(file, process + "threads", result.process.threads);
  write_if(file, process + "pipeline", result.process.pipeline);

  const std::string history = process + "history/";
  write_if(file, history + "iteration", result.history.iteration);
  write_if(file, history + "object_change", result.history.object_change);
  write_if(file, history + "probe_change", result.history.probe_change);
  write_if(file, history + "exit_wave_change", result.history.exit_wave_change);
  write_if(file, history + "fourier_error", result.history.fourier_error);
  write_if(file, history + "seconds", result.history.seconds);

  file.link(entry + "result_1", entry + "object");
  file.link(entry + "result_2", entry + "probe");
}

/// Reads a result's datasets and keeps those that views will point to.
class ResultReader {
 public:
  explicit ResultReader(const std::filesystem::path& path) : file_(path) {}

  ModeStack modes(const std::string& path) {
    const Dataset data = file_.dataset(path);
    data.require_rank(3, "mode, y, x");
    if (data.kind() != Kind::complex) {
      throw Error(ErrorCode::data,
                  fmt::format("{}: its elements are {}, but a result's are complex", data.where(), data.type_text()));
    }
    if (data.element_bytes() == sizeof(Complex<float>)) return read_view<Complex<float>, 3>(data);
    return read_view<Complex<double>, 3>(data);
  }

  /// An empty view if there is no such dataset.
  template <class T, std::size_t Rank>
  View<const T, Rank> view(const std::string& path) {
    if (!file_.has(path)) return {};
    const Dataset data = file_.dataset(path);
    data.require_rank(static_cast<Index>(Rank), "as in a result file");
    return read_view<T, Rank>(data);
  }

  template <class T>
  std::vector<T> list(const std::string& path) const {
    return file_.has(path) ? file_.dataset(path).read<T>() : std::vector<T>{};
  }

  template <class T>
  T number(const std::string& path) const {
    return file_.has(path) ? file_.dataset(path).scalar<T>() : T{};
  }

  std::optional<double> number_if_any(const std::string& path) const {
    if (!file_.has(path)) return {};
    return file_.dataset(path).scalar<double>();
  }

  std::array<double, 2> pair(const std::string& path) const {
    if (!file_.has(path)) return {};
    const Dataset data = file_.dataset(path);
    const auto values = data.read<double>();
    if (values.size() != 2) {
      throw Error(ErrorCode::data, fmt::format("{}: has the shape {}, but must be two numbers, y and x", data.where(),
                                               data.shape_text()));
    }
    return {values[0], values[1]};
  }

  std::string text(const std::string& path) const { return file_.has(path) ? file_.dataset(path).text() : ""; }

  std::shared_ptr<const void> storage() const { return storage_; }

 private:
  template <class T, std::size_t Rank>
  View<const T, Rank> read_view(const Dataset& data) {
    auto values = std::make_shared<std::vector<T>>(data.read<T>());
    Extents<Rank> extents{};
    std::copy(data.shape().begin(), data.shape().end(), extents.begin());
    storage_->push_back(values);
    return {values->data(), extents};
  }

  InputFile file_;
  std::shared_ptr<std::vector<std::shared_ptr<void>>> storage_ = std::make_shared<std::vector<std::shared_ptr<void>>>();
};

}  // namespace

void write_result(const std::filesystem::path& file, const ResultFile& result, Overwrite overwrite) {
  AtomicFile atomic(file, overwrite);
  OutputFile out = OutputFile::create(atomic.temporary());
  write_all(out, result);
  out.close();
  atomic.commit();
}

ResultFile read_result(const std::filesystem::path& file) {
  ResultReader in(file);
  ResultFile r;
  const std::string entry = "/entry_1/";
  r.title = in.text(entry + "title");
  r.start_time = in.text(entry + "start_time");
  r.end_time = in.text(entry + "end_time");

  r.object = in.modes(entry + "object/data");
  r.object_pixel_size_m = in.pair(entry + "object/pixel_size_m");
  r.object_origin_m = in.pair(entry + "object/origin_m");
  r.object_coverage = in.view<float, 2>(entry + "object/coverage");

  r.probe = in.modes(entry + "probe/data");
  r.probe_pixel_size_m = in.pair(entry + "probe/pixel_size_m");
  r.probe_occupancy = in.list<double>(entry + "probe/occupancy");

  r.view_offset_px = in.view<std::int32_t, 2>(entry + "views/offset_px");
  r.view_position_m = in.view<double, 2>(entry + "views/position_m");

  r.rotation_deg = in.number_if_any(entry + "sample_1/rotation_angle");
  r.energy_J = in.number<double>(entry + "instrument_1/source_1/energy");
  const std::string detector = entry + "instrument_1/detector_1/";
  r.distance_m = in.number<double>(detector + "distance");
  r.detector_pixel_m = {in.number<double>(detector + "y_pixel_size"), in.number<double>(detector + "x_pixel_size")};

  const std::string process = entry + "process_1/";
  r.process = {in.text(process + "program"),
               in.text(process + "version"),
               in.text(process + "command"),
               in.text(process + "backend"),
               in.number<std::int64_t>(process + "ranks"),
               in.number<std::int64_t>(process + "threads"),
               in.text(process + "pipeline")};

  const std::string history = process + "history/";
  r.history = {in.list<std::int64_t>(history + "iteration"), in.view<double, 2>(history + "object_change"),
               in.view<double, 2>(history + "probe_change"), in.list<double>(history + "exit_wave_change"),
               in.list<double>(history + "fourier_error"),   in.list<double>(history + "seconds")};
  r.storage = in.storage();
  return r;
}

ResultKinds read_result_kinds(const std::filesystem::path& file) {
  const InputFile in(file);
  const auto is_double = [&](const char* path) { return in.dataset(path).element_bytes() == sizeof(Complex<double>); };
  return {is_double("/entry_1/object/data"), is_double("/entry_1/probe/data"), in.has("/entry_1/object/coverage")};
}

}  // namespace ptychoflow::io
