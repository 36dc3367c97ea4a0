// One exception type for everything a user can meet: what is wrong, where, and what to do about it.
#pragma once

#include <stdexcept>
#include <string>

namespace ptychoflow {

/// What kind of fault it is. The values are the program's exit codes.
enum class ErrorCode {
  other = 1,     ///< anything else: a fault of the program, an unexpected library error
  usage = 2,     ///< command line, pipeline file or parameters
  data = 3,      ///< the input data
  resource = 4,  ///< GPU, memory, disk space or a plugin is missing
};

/// Thrown by every part of the core; caught once, at the stage boundary (`plugin/api/stage.hpp`) or in `main`.
class __attribute__((visibility("default"))) Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  Error(const Error&) = default;
  Error& operator=(const Error&) = default;
  ~Error() override;

  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

/// A broken promise between two parts of this program, not a user's fault.
/// @throws Error with code `other` if `condition` is false
inline void expect(bool condition, const char* what) {
  if (!condition) throw Error(ErrorCode::other, std::string("internal error: ") + what);
}

}  // namespace ptychoflow
