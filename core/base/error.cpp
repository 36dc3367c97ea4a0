#include "core/base/error.hpp"

namespace ptychoflow {

// The type's home: its vtable and type information live in libptychoflow-core alone, so that an Error thrown in one
// shared object is caught in another.
Error::~Error() = default;

}  // namespace ptychoflow
