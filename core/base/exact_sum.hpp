// Sums of floating-point numbers without rounding: the same for any order and any grouping of the numbers.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace ptychoflow {

/// Holds every bit that a sum of doubles can have, as 32-bit digits in 64-bit numbers: up to 2³¹ numbers may be added
/// before a digit overflows. Sums of sums are made by adding up their digits, so that ranks can do it too.
class ExactSum {
 public:
  using Digits = std::array<std::int64_t, 70>;

  ExactSum& operator+=(double value) {
    if (!std::isfinite(value)) {
      ++digits_.back();
      return *this;
    }
    int exponent = 0;
    const auto mantissa = static_cast<std::int64_t>(std::ldexp(std::frexp(value, &exponent), 53));
    if (mantissa == 0) return *this;
    // value = mantissa · 2^(exponent − 53); digit d counts multiples of 2^(32d − lowest)
    const int place = exponent - 53 + lowest;
    const bool negative = mantissa < 0;
    const auto size = static_cast<std::uint64_t>(negative ? -mantissa : mantissa);
    auto digit = static_cast<std::size_t>(place / 32);
    const int shift = place % 32;
    const std::uint64_t low = size << shift, high = shift > 0 ? size >> (64 - shift) : 0;
    for (const std::uint64_t part : {low & 0xFFFFFFFF, low >> 32, high}) {
      digits_[digit++] += negative ? -static_cast<std::int64_t>(part) : static_cast<std::int64_t>(part);
    }
    return *this;
  }

  ExactSum& operator+=(const ExactSum& other) {
    for (std::size_t d = 0; d < digits_.size(); ++d) digits_[d] += other.digits_[d];
    return *this;
  }

  /// The sum as a double, to about one unit in the last place; NaN if a number was not finite.
  double value() const {
    if (digits_.back() != 0) return std::numeric_limits<double>::quiet_NaN();
    Digits carried = digits_;
    const std::size_t top = carried.size() - 2;
    for (std::size_t d = 0; d < top; ++d) {  // each to 0 … 2³² − 1, the sign goes to the top
      carried[d + 1] += carried[d] >> 32;
      carried[d] &= 0xFFFFFFFF;
    }
    const bool negative = carried[top] < 0;
    if (negative) {  // the size of it, digit by digit
      std::int64_t borrow = 0;
      for (std::size_t d = 0; d < top; ++d) {
        const std::int64_t digit = -carried[d] - borrow;
        borrow = digit < 0 ? 1 : 0;
        carried[d] = digit & 0xFFFFFFFF;
      }
      carried[top] = -carried[top] - borrow;
    }
    double sum = 0;
    for (std::size_t d = top + 1; d-- > 0;) {
      if (carried[d] != 0) sum += std::ldexp(static_cast<double>(carried[d]), static_cast<int>(32 * d) - lowest);
    }
    return negative ? -sum : sum;
  }

  /// To be summed over ranks, digit by digit.
  Digits& digits() { return digits_; }

 private:
  static constexpr int lowest = 1073 + 53;  ///< binary places of digit 0: as fine as the least double

  Digits digits_{};
};

}  // namespace ptychoflow
