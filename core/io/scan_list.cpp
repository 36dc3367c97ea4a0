#include "core/io/scan_list.hpp"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "core/base/error.hpp"

namespace ptychoflow::io {

std::string ScanFile::name() const { return std::filesystem::path(file).stem().string(); }

std::vector<ScanFile> matching_scans(const std::string& pattern) {
  glob_t found{};
  const int status = ::glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found);
  std::vector<ScanFile> scans;
  for (std::size_t i = 0; status == 0 && i < found.gl_pathc; ++i) scans.push_back({found.gl_pathv[i], {}});
  ::globfree(&found);
  if (scans.empty()) {
    throw Error(ErrorCode::usage, fmt::format("files: no file matches '{}': check the folder and the pattern (* and ? "
                                              "stand for any characters and for one)",
                                              pattern));
  }
  std::ranges::sort(scans, [](const ScanFile& a, const ScanFile& b) {
    return ::strverscmp(a.file.c_str(), b.file.c_str()) < 0;  // scan_9 before scan_10
  });
  return scans;
}

std::vector<ScanFile> scans_of_table(const std::string& table) {
  std::ifstream stream(table);
  if (!stream) {
    throw Error(ErrorCode::data, fmt::format("files: table: {}: cannot be read: {}", table, std::strerror(errno)));
  }
  const auto folder = std::filesystem::path(table).parent_path();
  std::vector<ScanFile> scans;
  std::string line;
  for (int number = 1; std::getline(stream, line); ++number) {
    line.resize(std::min(line.find('#'), line.size()));
    std::istringstream words(line);
    std::string file, rest;
    double angle = 0;
    if (!(words >> file)) continue;
    if (!(words >> angle) || words >> rest) {
      throw Error(ErrorCode::data,
                  fmt::format("{}:{}: expected a file and its angle in degrees, as in `scan_1.cxi 0.5`; "
                              "got '{}'",
                              table, number, line));
    }
    scans.push_back({(folder / file).string(), angle});  // an absolute name stays as it is
  }
  if (scans.empty())
    throw Error(ErrorCode::data, table + ": the table names no scan: give a file and its angle a line");
  return scans;
}

void require_distinct_names(const std::vector<ScanFile>& scans) {
  std::map<std::string, std::string> owners;
  for (const auto& scan : scans) {
    const auto [owner, is_new] = owners.emplace(scan.name(), scan.file);
    if (!is_new) {
      throw Error(ErrorCode::usage, fmt::format("files: {} and {} are both scan '{}', and their results would have one "
                                                "name: rename one or leave it out",
                                                owner->second, scan.file, scan.name()));
    }
  }
}

}  // namespace ptychoflow::io
