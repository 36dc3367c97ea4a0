#include "plugin/host/nearest_name.hpp"

#include <algorithm>
#include <cctype>

namespace ptychoflow::host {
namespace {

// In half edits, so that a change of case can cost half a letter.
constexpr int edit = 2;

int replacement_cost(char a, char b) {
  if (a == b) return 0;
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return lower(a) == lower(b) ? edit / 2 : edit;
}

/// Optimal string alignment: the edit distance in which neighbours may be swapped once.
int distance(const std::string& a, const std::string& b) {
  const std::size_t columns = b.size() + 1;
  std::vector<int> before_last(columns), last(columns), current(columns);
  for (std::size_t j = 0; j < columns; ++j) last[j] = edit * static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = edit * static_cast<int>(i);
    for (std::size_t j = 1; j < columns; ++j) {
      current[j] =
          std::min({last[j] + edit, current[j - 1] + edit, last[j - 1] + replacement_cost(a[i - 1], b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_last[j - 2] + edit);
      }
    }
    before_last.swap(last);
    last.swap(current);
  }
  return last[b.size()];
}

/// In half edits: a third of the letters may be wrong; in a word of one or two, the case alone.
int tolerated(std::size_t length) { return length < 3 ? edit / 2 : edit * static_cast<int>(length / 3); }

}  // namespace

std::string nearest_name(const std::string& given, const std::vector<std::string>& names) {
  std::string nearest;
  int least = 0;
  for (const std::string& name : names) {
    const auto [shorter, longer] = std::minmax({given.size(), name.size()});
    const int limit = tolerated(longer);
    if (longer - shorter > longer / 3) continue;  // spares long texts the work
    const int cost = distance(given, name);
    if (cost <= limit && (nearest.empty() || cost < least)) {
      nearest = name;
      least = cost;
    }
  }
  return nearest;
}

}  // namespace ptychoflow::host
