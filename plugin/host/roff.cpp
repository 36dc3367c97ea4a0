#include "plugin/host/roff.hpp"

#include <fmt/format.h>

#include "core/base/version.hpp"

namespace ptychoflow::host {
namespace {

/// The character of UTF-8 that begins at `at`, which then stands behind it.
unsigned next_character(const std::string& text, std::size_t& at) {
  const auto byte = [&] { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
  unsigned character = byte();
  ++at;
  if (character < 0x80) return character;
  character &= character < 0xE0 ? 0x1F : character < 0xF0 ? 0x0F : 0x07;
  for (; (byte() & 0xC0) == 0x80; ++at) character = character << 6 | (byte() & 0x3F);
  return character;
}

std::string escaped(unsigned character) {
  switch (character) {
    case '\\':
      return "\\(rs";
    case '-':
      return "\\-";
    case '\'':
      return "\\(aq";
    case '"':
      return "\\(dq";
    case '`':
      return "\\(ga";
    case '^':
      return "\\(ha";
    case '~':
      return "\\(ti";
    default:
      return character < 0x80 ? std::string(1, static_cast<char>(character)) : fmt::format("\\[u{:04X}]", character);
  }
}

}  // namespace

std::string roff(const std::string& text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '.' && (at == 0 || text[at - 1] == '\n')) result += "\\&";
    result += escaped(next_character(text, at));
  }
  return result;
}

std::string roff_page(const std::string& name, int section, const std::string& manual, const std::string& summary) {
  return fmt::format(".TH \"{0}\" {1} \"\" \"ptychoflow {2}\" \"{3}\"\n.nh\n.ad l\n.SH NAME\n{0} \\- {4}\n", roff(name),
                     section, version, roff(manual), roff(summary));
}

std::string roff_item(const std::string& tag, const std::string& text) {
  return fmt::format(".TP\n{}\n{}\n", tag, text);
}

}  // namespace ptychoflow::host
