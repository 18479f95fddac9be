// a^b of floats through logarithm and exponential in double precision, without libm: the same everywhere.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>

namespace lowbit {
namespace {

inline uint64_t bits_of_double(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline double double_of_bits(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

constexpr double kLn2 = 0.693147180559945309417;

// log of a finite v > 0 that is no subnormal double: 2 artanh((m - 1) / (m + 1)) by its series, m in [sqrt(1/2), sqrt
// 2). The argument is below 0.1716, so eleven terms leave 1e-18.
inline double logarithm(double v) {
  const uint64_t bits = bits_of_double(v);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double m = double_of_bits((bits & 0x000FFFFFFFFFFFFFull) | 0x3FF0000000000000ull);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent++;
  }
  const double s = (m - 1.0) / (m + 1.0), square = s * s;
  double sum = 0.0;
  for (int k = 21; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
  return exponent * kLn2 + 2.0 * s * sum;
}

// e^v for |v| < 700, by its series on [-ln2 / 2, ln2 / 2].
inline double exponential_of(double v) {
  const double scaled = v / kLn2;
  const int n = static_cast<int>(scaled + (scaled < 0 ? -0.5 : 0.5));
  const double r = v - n * kLn2;
  double sum = 1.0;
  for (int k = 14; k >= 1; k--) sum = 1.0 + sum * r / k;
  return sum * double_of_bits(static_cast<uint64_t>(1023 + n) << 52);
}

// pow as IEEE 754 has it for zeros, infinities and NaN; otherwise within one unit in the last place.
inline float power_of(float a, float b) {
  constexpr float kInfinite = std::numeric_limits<float>::infinity();
  if (b == 0.0f || a == 1.0f) return 1.0f;
  if (a != a || b != b) return std::numeric_limits<float>::quiet_NaN();
  if (b == 2.0f) return a * a;
  const float magnitude = a < 0 ? -a : a;
  const bool huge = b >= 16777216.0f || b <= -16777216.0f;
  const bool integer = huge || static_cast<float>(static_cast<int32_t>(b)) == b;
  const bool odd = !huge && integer && static_cast<int32_t>(b) % 2 != 0;
  // The sign of a zero counts too.
  const bool negative = (bits_of_double(a) >> 63) != 0;
  float result;
  if (b == kInfinite || b == -kInfinite) {
    const bool grows = (magnitude > 1.0f) == (b > 0);
    result = magnitude == 1.0f ? 1.0f : grows ? kInfinite : 0.0f;
  } else if (magnitude == 0.0f || magnitude == kInfinite) {
    result = (magnitude == 0.0f) == (b > 0) ? 0.0f : kInfinite;
  } else if (negative && !integer) {
    return std::numeric_limits<float>::quiet_NaN();
  } else {
    const double exponent = logarithm(magnitude) * b;
    result = exponent > 100.0 ? kInfinite : exponent < -110.0 ? 0.0f : static_cast<float>(exponential_of(exponent));
  }
  return negative && odd ? -result : result;
}

}  // namespace
}  // namespace lowbit
