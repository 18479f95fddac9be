// What the loops of kernel bodies share: the promise that lets a compiler vectorize, and rounding without libm.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>

// Before a loop whose iterations do not touch each other's memory: input and output are the same array or do not
// overlap.
#if defined(__clang__)
#define LOWBIT_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define LOWBIT_INDEPENDENT _Pragma("GCC ivdep")
#elif defined(_MSC_VER)
#define LOWBIT_INDEPENDENT __pragma(loop(ivdep))
#else
#define LOWBIT_INDEPENDENT
#endif

namespace lowbit {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// 1.5 * 2^23: for |v| <= 2^22 the sum v + kRound has its unit in the last place at 1, so the addition itself rounds v
// half to even, and the low bits of the sum are kRoundBits + rint(v).
constexpr float kRound = 12582912.0f;
constexpr uint32_t kRoundBits = 0x4B400000u;

inline uint32_t bits_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

inline float float_of(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

// rint(v) + zero as the low byte of a word, for v that is clamped to [lo, hi] first; NaN gives lo. `zero_less_bits` is
// zero - kRoundBits in wrapping arithmetic.
inline uint8_t round_to_code(float v, float lo, float hi, uint32_t zero_less_bits) {
  v = v > lo ? v : lo;
  v = v < hi ? v : hi;
  return static_cast<uint8_t>(bits_of(v + kRound) + zero_less_bits);
}

// Columns are walked in blocks so that an absent array can be stood in for by a constant one of this size.
constexpr int64_t kColumnBlock = 256;

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

}  // namespace
}  // namespace lowbit
