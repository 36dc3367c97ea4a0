#include "plugin/host/yaml_scalar.hpp"

#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <cstdint>

namespace ptychoflow::host {
namespace {

using Json = nlohmann::json;

bool all_of(const std::string& text, std::size_t from, const char* allowed) {
  return from < text.size() && text.find_first_not_of(allowed, from) == std::string::npos;
}

/// [-+]? ( \.[0-9]+ | [0-9]+ ( \.[0-9]* )? ) ( [eE][-+]?[0-9]+ )?
bool looks_like_float(const std::string& text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t begin = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i - begin;
  };
  const auto skip = [&](const char* any) {
    const bool found = i < text.size() && std::string_view(any).find(text[i]) != std::string_view::npos;
    i += found;
    return found;
  };
  skip("+-");
  const std::size_t whole = digits();
  const std::size_t fraction = skip(".") ? digits() : 0;
  if (whole + fraction == 0) return false;
  if (skip("eE")) {
    skip("+-");
    if (digits() == 0) return false;
  }
  return i == text.size();
}

bool is_non_finite(const std::string& text) {
  const std::string unsigned_text = text[0] == '+' || text[0] == '-' ? text.substr(1) : text;
  return unsigned_text == ".inf" || unsigned_text == ".Inf" || unsigned_text == ".INF" || text == ".nan" ||
         text == ".NaN" || text == ".NAN";
}

std::optional<Json> integer(const std::string& text, std::size_t skip, int base) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data() + skip, end, value, base);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return Json(value);
}

std::optional<Json> floating(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data() + (text[0] == '+'), end, value);
  if (result.ec != std::errc() || result.ptr != end || !std::isfinite(value)) return std::nullopt;
  return Json(value);
}

}  // namespace

std::optional<Json> resolve_plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return Json();
  if (text == "true" || text == "True" || text == "TRUE") return Json(true);
  if (text == "false" || text == "False" || text == "FALSE") return Json(false);
  if (is_non_finite(text)) return std::nullopt;
  constexpr const char* decimal = "0123456789";
  if (text.starts_with("0o") && all_of(text, 2, "01234567")) return integer(text, 2, 8);
  if (text.starts_with("0x") && all_of(text, 2, "0123456789abcdefABCDEF")) return integer(text, 2, 16);
  if (all_of(text, text[0] == '+' || text[0] == '-', decimal)) return integer(text, text[0] == '+', 10);
  if (looks_like_float(text)) return floating(text);
  return Json(text);
}

Json resolve_override(const std::string& text) {
  const bool quoted = text.size() > 1 && (text.front() == '"' || text.front() == '\'') && text.front() == text.back();
  if (quoted) {
    try {
      const YAML::Node node = YAML::Load(text);
      if (node.IsScalar()) return node.Scalar();
    } catch (const YAML::Exception&) {  // then the quotes are part of the text
    }
    return text;
  }
  const std::optional<Json> value = resolve_plain_scalar(text);
  return value && !value->is_null() ? *value : Json(text);
}

}  // namespace ptychoflow::host
