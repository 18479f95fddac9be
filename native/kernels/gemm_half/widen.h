// Numbers of 16 bits and floats: exact one way, rounded to nearest even the other.
#pragma once

#include <cstdint>
#include <cstring>

namespace lowbit {

inline float float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}

inline uint32_t bits_of_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

inline float bf16_value(uint16_t code) { return float_of_bits(static_cast<uint32_t>(code) << 16); }

inline float f16_value(uint16_t code) {
  const uint32_t magnitude = (code & 0x7fffu) << 13;
  // The exponent moves from bias 15 to bias 127 by a product that is exact, for subnormals too.
  const uint32_t value = bits_of_float(float_of_bits(magnitude) * 0x1p112f);
  const uint32_t special = magnitude >= 0x0f800000u ? 0x7f800000u : 0;  // infinities and NaN
  return float_of_bits(value | special | (code & 0x8000u) << 16);
}

// To nearest, ties to even; NaN stays NaN (quiet), and what is too large becomes infinite.
inline uint16_t bf16_code(float value) {
  const uint32_t bits = bits_of_float(value);
  const uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
  const uint32_t quiet = bits >> 16 | 0x40u;
  return static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

inline uint16_t f16_code(float value) {
  const uint32_t bits = bits_of_float(value);
  const uint32_t sign = bits >> 16 & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u | (magnitude >> 13 & 0x1ffu));
  // 65520, halfway to what would follow the largest number, rounds away from it.
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);
  // Subnormals: adding 1/2 leaves the code in the low bits, rounded by the addition.
  if (magnitude < 0x38800000u) {
    return static_cast<uint16_t>(sign | (bits_of_float(float_of_bits(magnitude) + 0.5f) - 0x3f000000u));
  }
  const uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return static_cast<uint16_t>(sign | ((rounded >> 13) - (112u << 10)));
}

}  // namespace lowbit
