// Expecting an Error with a certain code, whose message says certain things.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "core/base/error.hpp"

namespace ptychoflow::test {

/// Fails unless `body` throws an Error of `code` whose message contains all of `parts`.
template <class Body>
void expect_error(Body&& body, ErrorCode code, std::initializer_list<const char*> parts) {
  try {
    body();
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_EQ(static_cast<int>(e.code()), static_cast<int>(code)) << message;
    for (const char* part : parts) {
      EXPECT_NE(message.find(part), std::string::npos) << "'" << part << "' is not in: " << message;
    }
    return;
  }
  ADD_FAILURE() << "nothing was thrown, though a message with '" << *parts.begin() << "' was expected";
}

}  // namespace ptychoflow::test
