// One float to a code of a small float format and back, in plain integer arithmetic that compilers vectorize.
#pragma once

#include "native/kernels/codec/codec.h"
#include "native/kernels/loop.h"

namespace lowbit {
namespace {

// 2^exponent, also below the normal numbers.
inline float power_of_two(int32_t exponent) {
  return float_of(exponent >= -126 ? static_cast<uint32_t>(exponent + 127) << 23 : 1u << (exponent + 149));
}

constexpr int32_t kMagnitude = 0x7FFFFFFF;
constexpr int32_t kInfinityBits = 0x7F800000;
constexpr int32_t kNanBits = 0x7FC00000;

// The constants of a loop over codes of one format.
struct EncodeFloatStep {
  int32_t shift;
  uint32_t rebias, half, round_bits;
  float round;  // a sum with this has its unit in the last place at the step between the smallest codes
  int32_t least_normal, sign_bit, zero_sign, max, overflow, nan;

  explicit EncodeFloatStep(const FloatFormat& f)
      : shift(23 - f.mantissa),
        rebias(static_cast<uint32_t>(127 - f.bias) << 23),
        half((1u << (shift - 1)) - 1),
        round_bits(static_cast<uint32_t>(128 - f.bias + shift) << 23),
        round(float_of(round_bits)),
        least_normal((128 - f.bias) << 23),
        sign_bit(1 << (f.exponent + f.mantissa)),
        zero_sign(f.negative_zero ? sign_bit : 0),
        max(f.max),
        overflow(f.overflow),
        nan(f.nan) {}

  int32_t code_of(float v) const {
    const uint32_t bits = bits_of(v);
    const uint32_t magnitude = bits & static_cast<uint32_t>(kMagnitude);
    const uint32_t moved = magnitude - rebias;
    const int32_t normal = static_cast<int32_t>((moved + half + ((moved >> shift) & 1)) >> shift);
    const int32_t small = static_cast<int32_t>(bits_of(float_of(magnitude) + round) - round_bits);
    int32_t code = static_cast<int32_t>(magnitude) < least_normal ? small : normal;
    code = code > max ? overflow : code;
    const int32_t sign = static_cast<int32_t>(bits) >> 31;
    code |= sign & (code == 0 ? zero_sign : sign_bit);
    return static_cast<int32_t>(magnitude) > kInfinityBits ? nan : code;
  }
};

// bf16, whose codes are the upper halves of floats.
struct EncodeUpperHalfStep {
  int32_t max, overflow, nan;
  explicit EncodeUpperHalfStep(const FloatFormat& f) : max(f.max), overflow(f.overflow), nan(f.nan) {}
  int32_t code_of(float v) const {
    const uint32_t bits = bits_of(v), magnitude = bits & static_cast<uint32_t>(kMagnitude);
    int32_t code = static_cast<int32_t>((magnitude + 0x7FFFu + (magnitude >> 16 & 1)) >> 16);
    code = code > max ? overflow : code;
    code |= static_cast<int32_t>(bits >> 16 & 0x8000u);
    return static_cast<int32_t>(magnitude) > kInfinityBits ? nan : code;
  }
};

struct DecodeUpperHalfStep {
  explicit DecodeUpperHalfStep(const FloatFormat&) {}
  float value_of(int32_t code) const { return float_of(static_cast<uint32_t>(code) << 16); }
};

inline bool is_upper_half(const FloatFormat& f) { return f.exponent == 8 && f.mantissa == 7 && f.bias == 127; }

struct DecodeFloatStep {
  int32_t shift, rebias, least_normal;
  float unit;
  int32_t sign_bit, sign_shift, no_number, max, infinity;

  // bias < 127
  explicit DecodeFloatStep(const FloatFormat& f)
      : shift(23 - f.mantissa),
        rebias((127 - f.bias) << 23),
        least_normal(1 << f.mantissa),
        unit(power_of_two(1 - f.bias - f.mantissa)),
        sign_bit(1 << (f.exponent + f.mantissa)),
        sign_shift(31 - f.exponent - f.mantissa),
        no_number(f.negative_zero ? -1 : sign_bit),
        max(f.max),
        infinity(f.infinity) {}

  float value_of(int32_t code) const {
    const int32_t rest = code & (sign_bit - 1);
    const int32_t small = static_cast<int32_t>(bits_of(static_cast<float>(rest) * unit));
    int32_t bits = rest < least_normal ? small : (rest << shift) + rebias;
    bits = rest > max ? (rest == infinity ? kInfinityBits : kNanBits) : bits;
    bits |= static_cast<int32_t>(static_cast<uint32_t>(code & sign_bit) << sign_shift);
    bits = code == no_number ? kNanBits : bits;
    return float_of(static_cast<uint32_t>(bits));
  }
};

}  // namespace
}  // namespace lowbit
