#include "core/ptycho/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/device/on_host.hpp"
#include "core/io/atomic_file.hpp"
#include "core/io/hdf5_output.hpp"

namespace ptychoflow::ptycho {
namespace {

constexpr Index views_at_a_time = 8;  ///< unpacked for a file

std::vector<double> flat(const std::vector<IterationFigures>& history) {
  std::vector<double> numbers;
  for (const auto& f : history) {
    numbers.insert(numbers.end(), {static_cast<double>(f.iteration), f.exit_wave_change, f.fourier_error, f.seconds});
    numbers.insert(numbers.end(), f.object_change.begin(), f.object_change.end());
    numbers.insert(numbers.end(), f.probe_change.begin(), f.probe_change.end());
  }
  return numbers;
}

std::vector<IterationFigures> unflattened(const std::vector<double>& numbers, std::size_t object_modes,
                                          std::size_t probe_modes) {
  std::vector<IterationFigures> history;
  for (auto next = numbers.begin(); next != numbers.end();) {
    auto& f = history.emplace_back();
    f.iteration = static_cast<Index>(*next++);
    f.exit_wave_change = *next++;
    f.fourier_error = *next++;
    f.seconds = *next++;
    f.object_change.assign(next, next + static_cast<std::ptrdiff_t>(object_modes));
    next += static_cast<std::ptrdiff_t>(object_modes);
    f.probe_change.assign(next, next + static_cast<std::ptrdiff_t>(probe_modes));
    next += static_cast<std::ptrdiff_t>(probe_modes);
  }
  return history;
}

/// [mode][row][x] of the rows [first, last).
template <class V>
device::Array<V, 3> some_rows(View<const V, 3> stack, device::Share rows) {
  device::Array<V, 3> part({stack.extent(0), rows.size(), stack.extent(2)});
  for (Index m = 0; m < part.extent(0); ++m) {
    if (rows.size() > 0) std::copy_n(&stack(m, rows.first, 0), rows.size() * stack.extent(2), &part(m, 0, 0));
  }
  return part;
}

template <class V, std::size_t Rank>
void write_if_any(io::OutputFile& file, const char* path, View<V, Rank> values) {
  if (!values.empty()) file.write(path, values);
}

}  // namespace

template <class T>
Checkpoints<T>::Checkpoints(CheckpointSettings settings, Identity identity, const Problem<T>& problem,
                            Kernels<T>& kernels, comm::Communicator ranks,
                            const std::function<void(const std::string&)>& warn)
    : settings_(std::move(settings)),
      identity_(std::move(identity)),
      problem_(problem),
      kernels_(kernels),
      ranks_(std::move(ranks)),
      files_(settings_.file),
      found_(files_.newest(ranks_, warn)) {
  if (!found_) return;
  const io::InputFile part(found_->parts.front());
  check_identity(part);
  probe_modes_ = part.dataset("/probe").shape().at(0);
}

template <class T>
void Checkpoints<T>::check_identity(const io::InputFile& part) const {
  std::string differences;
  for (const auto& [name, value] : identity_) {
    const std::string path = "/identity/" + name;
    const std::string there = part.has(path) ? part.dataset(path).text() : "not said";
    if (there != value) differences += fmt::format("\n  {}: {} there, {} now", name, there, value);
  }
  for (const auto& name : part.names_in("/identity")) {
    if (std::ranges::none_of(identity_, [&](const auto& now) { return now.first == name; }))
      differences += fmt::format("\n  {}: {} there, not said now", name, part.dataset("/identity/" + name).text());
  }
  if (differences.empty()) return;
  throw Error(
      ErrorCode::usage,
      fmt::format("checkpoint: {} is of another reconstruction:{}\nname another file, or remove this one to start "
                  "afresh",
                  part.name(), differences));
}

template <class T>
void Checkpoints<T>::save(Index iteration, Progress<T> progress) const {
  const auto part = files_.part(iteration, ranks_.rank(), ranks_.size());
  write_part(part, iteration, progress);
  const io::Checksum mine = io::checksum_of(part);
  const auto all = ranks_.gather(std::vector<std::int64_t>{mine.bytes, mine.crc});
  Generation generation{iteration, {}, {}};
  for (int r = 0; r < ranks_.size(); ++r) {
    const std::size_t at = 2 * static_cast<std::size_t>(r);
    generation.parts.push_back(files_.part(iteration, r, ranks_.size()));
    generation.checksums.push_back({all[at], all[at + 1]});
  }
  if (ranks_.is_root()) files_.complete(generation);
}

template <class T>
void Checkpoints<T>::write_part(const std::filesystem::path& part, Index iteration, Progress<T>& progress) const {
  io::AtomicFile atomic(part, io::Overwrite::allow);
  io::OutputFile file = io::OutputFile::create(atomic.temporary());
  for (const auto& [name, value] : identity_) file.write("/identity/" + name, value);
  file.write("/iteration", std::int64_t{iteration});
  const device::OnHost probe(progress.state.probe), object(progress.state.object);
  const device::Share owned = problem_.owned_rows();
  file.write("/first_row", std::int64_t{problem_.distribution().owned.first});
  write_if_any(file, "/object", some_rows<Complex<T>>(object.view(), owned).view());
  file.write("/means", std::int64_t{progress.mean_object.count()});
  if (progress.mean_object.count() > 0) {
    write_if_any(file, "/mean_object",
                 some_rows<Complex<double>>(std::as_const(progress.mean_object.sum()).view(), owned).view());
  }
  if (ranks_.is_root()) {
    file.write("/probe", probe.view());
    file.write("/history", flat(progress.history));
    if (progress.mean_probe.count() > 0) file.write("/mean_probe", std::as_const(progress.mean_probe.sum()).view());
  }
  if (settings_.exit_waves == StoredExitWaves::all && problem_.local_count() > 0) write_exit_waves(file, progress);
  file.close();
  atomic.commit();
}

template <class T>
void Checkpoints<T>::write_exit_waves(io::OutputFile& file, Progress<T>& progress) const {
  const auto [frame_y, frame_x] = problem_.layout().frame;
  const Index mode_pairs = progress.state.mode_pairs();
  std::vector<std::int64_t> views;
  for (const auto& v : problem_.views()) views.push_back(v.scan_index);
  file.write("/views", views);
  file.declare<Complex<T>>("/exit_waves", {problem_.local_count(), mode_pairs, frame_y, frame_x},
                           {{1, mode_pairs, frame_y, frame_x}});
  Pager<T>& pager = progress.engine.pager();
  pager.start_sweep(Begin::at_either_end);
  pager.for_slabs({0, problem_.local_count()}, [&](device::Share slab) {
    for (Index first = slab.first; first < slab.last; first += views_at_a_time) {
      const device::Share some{first, std::min(slab.last, first + views_at_a_time)};
      const auto waves = kernels_.unpacked_exit_waves(progress.state, some);
      file.write_rows("/exit_waves", first, waves.view());
    }
  });
}

template <class T>
void Checkpoints<T>::restore_fields(State<T>& state) const {
  const io::InputFile first(found_->parts.front());
  const auto probe = first.dataset("/probe");
  state.probe = device::Array<Complex<T>, 3>({probe.shape().at(0), probe.shape().at(1), probe.shape().at(2)});
  probe.read(state.probe.data());
  read_rows("/object", state.object.view());
}

template <class T>
void Checkpoints<T>::restore(Progress<T> progress) const {
  const io::InputFile first(found_->parts.front());
  const auto object_modes = static_cast<std::size_t>(progress.state.object_modes());
  progress.history = unflattened(first.dataset("/history").read<double>(), object_modes,
                                 static_cast<std::size_t>(progress.state.probe_modes()));
  if (const auto count = first.dataset("/means").scalar<std::int64_t>(); count > 0) {
    device::Array<Complex<double>, 3> object(progress.state.object.extents()), probe(progress.state.probe.extents());
    read_rows("/mean_object", object.view());
    first.dataset("/mean_probe").read(probe.data());
    progress.mean_object.resume(std::move(object), count);
    progress.mean_probe.resume(std::move(probe), count);
  }
  if (first.has("/exit_waves")) read_exit_waves(progress);
  progress.engine.resume(found_->iteration);
}

/// Rows that this rank holds, whoever wrote them.
template <class T>
template <class V>
void Checkpoints<T>::read_rows(const char* dataset, View<V, 3> rows) const {
  const device::Share held = problem_.distribution().rows;
  for (const auto& path : found_->parts) {
    const io::InputFile part(path);
    if (!part.has(dataset)) continue;
    const auto data = part.dataset(dataset);
    const Index first = part.dataset("/first_row").scalar<std::int64_t>(), last = first + data.shape().at(1);
    const Index from = std::max(first, held.first), to = std::min(last, held.last);
    for (Index m = 0; from < to && m < rows.extent(0); ++m) {
      data.read(io::Selection{{m, from - first, 0}, {1, to - from, rows.extent(2)}, {1, 1, 1}},
                &rows(m, from - held.first, 0));
    }
  }
}

template <class T>
void Checkpoints<T>::read_exit_waves(Progress<T>& progress) const {
  struct Place {
    std::size_t part;
    Index row;
  };
  std::map<Index, Place> places;
  for (std::size_t p = 0; p < found_->parts.size(); ++p) {
    const io::InputFile part(found_->parts[p]);
    if (!part.has("/views")) continue;
    const auto views = part.dataset("/views").template read<std::int64_t>();
    for (std::size_t row = 0; row < views.size(); ++row) places[views[row]] = {p, static_cast<Index>(row)};
  }
  const Yx<Index> frame = problem_.layout().frame;
  const Index mode_pairs = progress.state.mode_pairs();
  device::Array<Complex<T>, 4> waves({1, mode_pairs, frame.y, frame.x});
  std::map<std::size_t, io::Dataset> open;
  Pager<T>& pager = progress.engine.pager();
  pager.start_sweep(Begin::at_either_end);
  pager.for_slabs({0, problem_.local_count()}, [&](device::Share slab) {
    for (Index v = slab.first; v < slab.last; ++v) {
      const auto found = places.find(problem_.scan_index(v));
      if (found == places.end()) {
        throw Error(ErrorCode::data, fmt::format("checkpoint: {}: view {} is missing from its parts",
                                                 settings_.file.string(), problem_.scan_index(v)));
      }
      const auto [p, row] = found->second;
      if (!open.contains(p)) open.emplace(p, io::InputFile(found_->parts[p]).dataset("/exit_waves"));
      open.at(p).read(io::Selection{{row, 0, 0, 0}, {1, mode_pairs, frame.y, frame.x}, {1, 1, 1, 1}}, waves.data());
      kernels_.pack_exit_waves(waves.view(), v, progress.state);
    }
  });
}

template class Checkpoints<float>;
template class Checkpoints<double>;

}  // namespace ptychoflow::ptycho
