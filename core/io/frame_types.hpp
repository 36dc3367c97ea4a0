// The element types that frames may have in memory, and the way from a type's name to the type.
#pragma once

#include <cstdint>
#include <string>
#include <type_traits>

#include "core/base/error.hpp"

namespace ptychoflow::io {

/// Calls `body(std::type_identity<T>{})` with the type that `name` ("uint16", "float32", …) stands for.
/// @throws Error (other) if frames cannot have that type
template <class Body>
decltype(auto) with_frame_type(const std::string& name, Body&& body) {
  if (name == "uint8") return body(std::type_identity<std::uint8_t>{});
  if (name == "uint16") return body(std::type_identity<std::uint16_t>{});
  if (name == "uint32") return body(std::type_identity<std::uint32_t>{});
  if (name == "int32") return body(std::type_identity<std::int32_t>{});
  if (name == "float32") return body(std::type_identity<float>{});
  if (name == "float64") return body(std::type_identity<double>{});
  throw Error(ErrorCode::other, "frames cannot be of type " + name);
}

/// The smallest of the types above that holds every count of the file's type `stored`: itself if it is one of them.
inline std::string frame_type_for(const std::string& stored) {
  if (stored == "int8" || stored == "int16") return "int32";
  if (stored == "int64" || stored == "uint64") return "float64";  // exact up to 2^53
  if (stored == "float16") return "float32";
  return stored == "uint8" || stored == "uint16" || stored == "uint32" || stored == "int32" || stored == "float32"
             ? stored
             : "float64";
}

}  // namespace ptychoflow::io
