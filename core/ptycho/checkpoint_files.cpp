#include "core/ptycho/checkpoint_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <system_error>

#include "core/base/error.hpp"
#include "core/io/atomic_file.hpp"

namespace ptychoflow::ptycho {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t generations_kept = 2;
constexpr const char* heading = "ptychoflow checkpoint";

fs::path folder_of(const fs::path& file) { return file.has_parent_path() ? file.parent_path() : fs::path("."); }

/// The iteration in "NAME.000050…"; none if `name` is no file of checkpoint NAME.
std::optional<Index> iteration_in(const std::string& name, const std::string& checkpoint) {
  if (!name.starts_with(checkpoint + ".")) return std::nullopt;
  const std::string rest = name.substr(checkpoint.size() + 1);
  const std::size_t digits = std::min(rest.find('.'), rest.size());
  if (digits < 6 || rest.find_first_not_of("0123456789") < digits) return std::nullopt;
  return std::stoll(rest.substr(0, digits));
}

}  // namespace

CheckpointFiles::CheckpointFiles(fs::path file) : file_(std::move(file)) {
  io::check_target(file_, io::Overwrite::allow);
}

fs::path CheckpointFiles::list_of(Index iteration) const {
  return folder_of(file_) / fmt::format("{}.{:06}", file_.filename().string(), iteration);
}

fs::path CheckpointFiles::part(Index iteration, int rank, int size) const {
  return fs::path(fmt::format("{}.{}of{}", list_of(iteration).string(), rank, size));
}

std::vector<Index> CheckpointFiles::iterations() const {
  std::vector<Index> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder_of(file_), ignored)) {
    const auto iteration = iteration_in(entry.path().filename().string(), file_.filename().string());
    if (iteration && entry.path() == list_of(*iteration)) found.push_back(*iteration);
  }
  std::ranges::sort(found, std::greater{});
  return found;
}

Generation CheckpointFiles::read(Index iteration) const {
  Generation generation{iteration, {}, {}};
  std::ifstream list(list_of(iteration));
  std::string line, name;
  std::size_t parts = 0;
  io::Checksum sum;
  if (!std::getline(list, line) || line != heading || !(list >> parts)) parts = 0;
  while (generation.parts.size() < parts && list >> name >> sum.bytes >> sum.crc) {
    generation.parts.push_back(folder_of(file_) / name);
    generation.checksums.push_back(sum);
  }
  if (parts == 0 || generation.parts.size() != parts) {
    throw Error(ErrorCode::data, list_of(iteration).string() + ": is cut short, or no checkpoint of this program");
  }
  return generation;
}

std::optional<Generation> CheckpointFiles::newest(const comm::Communicator& ranks,
                                                  const std::function<void(const std::string&)>& warn) const {
  std::string listed;  // by the root: all ranks must look at the same
  for (const Index i : ranks.is_root() ? iterations() : std::vector<Index>{}) listed += std::to_string(i) + ' ';
  ranks.broadcast(listed);
  std::string damage;
  for (std::size_t at = 0; at < listed.size();) {
    std::size_t length = 0;
    const Index iteration = std::stoll(listed.substr(at), &length);
    at += length + 1;
    std::string fault;
    Generation generation;
    try {
      generation = read(iteration);
      for (std::size_t p = static_cast<std::size_t>(ranks.rank()); p < generation.parts.size();
           p += static_cast<std::size_t>(ranks.size())) {
        const io::Checksum found = io::checksum_of(generation.parts[p]);
        if (found.bytes != generation.checksums[p].bytes) {
          fault = fmt::format("{}: is cut short: {} of {} bytes are there", generation.parts[p].string(), found.bytes,
                              generation.checksums[p].bytes);
        } else if (found != generation.checksums[p]) {
          fault = generation.parts[p].string() + ": is damaged: its checksum is not what was written";
        }
      }
    } catch (const Error& e) {
      fault = e.what();
    }
    if (ranks.max(fault.empty() ? 0 : 1) == 0) return generation;
    if (!fault.empty()) {
      warn(fault);
      damage += "\n  " + fault;
    }
  }
  if (!listed.empty()) {
    throw Error(ErrorCode::data,
                fmt::format("checkpoint: no generation of {} is whole{}\nremove its files to start afresh",
                            file_.string(), damage));
  }
  return std::nullopt;
}

void CheckpointFiles::complete(const Generation& generation) const {
  io::AtomicFile list(list_of(generation.iteration), io::Overwrite::allow);
  {
    std::ofstream out(list.temporary());
    out << heading << '\n' << generation.parts.size() << '\n';
    for (std::size_t p = 0; p < generation.parts.size(); ++p) {
      out << generation.parts[p].filename().string() << ' ' << generation.checksums[p].bytes << ' '
          << generation.checksums[p].crc << '\n';
    }
    out.close();
    if (!out) throw Error(ErrorCode::resource, list.target().string() + ": cannot be written: the disk may be full");
  }
  list.commit();
  auto kept = iterations();
  kept.resize(std::min(kept.size(), generations_kept));
  remove_if_not([&](Index iteration) { return std::ranges::count(kept, iteration) > 0; });
}

void CheckpointFiles::remove_all() const {
  remove_if_not([](Index) { return false; });
}

/// Removes the files of all iterations that `keep(iteration)` does not name: lists first, so that none names a part
/// that is gone.
template <class Keep>
void CheckpointFiles::remove_if_not(const Keep& keep) const {
  std::vector<fs::path> lists, others;
  std::error_code ignored;
  const std::string name = file_.filename().string();
  for (const auto& entry : fs::directory_iterator(folder_of(file_), ignored)) {
    const std::string found = entry.path().filename().string();
    const bool temporary = found.starts_with("." + name + ".") && found.find(".tmp-") != std::string::npos;
    const auto iteration = iteration_in(temporary ? found.substr(1) : found, name);
    if (!iteration || keep(*iteration)) continue;
    (entry.path() == list_of(*iteration) ? lists : others).push_back(entry.path());
  }
  for (const auto* files : {&lists, &others}) {
    for (const auto& path : *files) fs::remove(path, ignored);
  }
}

}  // namespace ptychoflow::ptycho
