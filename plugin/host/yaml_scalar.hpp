// What a plain YAML scalar means: the core schema of YAML 1.2.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace ptychoflow::host {

/// The value of an unquoted scalar by YAML 1.2's core schema: null, true/false, a 64-bit integer (decimal, 0o, 0x), a
/// double, else the text itself, so that `off`, `yes` and `1_000` are text. Nothing if it is a number that has no
/// finite value here: `.inf`, `.nan`, 1e999, or an integer beyond 64 bits.
std::optional<nlohmann::json> resolve_plain_scalar(const std::string& text);

/// The value of a `--set` text: quoted as in YAML, it is that text; otherwise a plain scalar, or the text as it is if
/// that gives no value or null.
nlohmann::json resolve_override(const std::string& text);

}  // namespace ptychoflow::host
