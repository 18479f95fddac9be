// What is known of the floats of a block: its largest magnitude, its extreme, its range, whether all are finite.
#pragma once

#include "native/kernels/blocks/block_lanes.h"

namespace lowbit {
namespace {

struct LargerOf {
  static inline I of(I a, I b) { return Lanes::greater(a, b); }
};
struct LargerBitsOf {
  static inline I of(I a, I b) { return Lanes::greater_bits(a, b); }
};
struct SmallerOf {
  static inline I of(I a, I b) { return Lanes::less(a, b); }
};

// All lanes of all vectors as one.
template <typename Choice, int kN>
inline int32_t chosen(const I* v) {
  I best = v[0];
  for (int i = 1; i < kN; i++) best = Choice::of(best, v[i]);
  constexpr int w = Lanes::kWidth;
  if constexpr (w > 8) best = Choice::of(best, Lanes::bits(Lanes::template swapped<8>(Lanes::floats(best))));
  if constexpr (w > 4) best = Choice::of(best, Lanes::bits(Lanes::template swapped<4>(Lanes::floats(best))));
  if constexpr (w > 2) best = Choice::of(best, Lanes::bits(Lanes::template swapped<2>(Lanes::floats(best))));
  if constexpr (w > 1) best = Choice::of(best, Lanes::bits(Lanes::template swapped<1>(Lanes::floats(best))));
  return static_cast<int32_t>(bits_of(Lanes::first(Lanes::floats(best))));
}

// The floats of a block, and what is known of them. As numbers, the bits of floats ascend from 0 and descend from -0:
// the largest signed one is the largest float unless all are negative, the largest unsigned one the least float where
// one is negative. NaN and infinities are beyond all numbers of their sign.
template <int kN>
struct BlockOf {
  F x[kN];
  I bits[kN];

  inline void read(const float* p) {
    for (int v = 0; v < kN; v++) {
      x[v] = Lanes::load(p + v * Lanes::kWidth, AllLanes{});
      bits[v] = Lanes::bits(x[v]);
    }
  }
  // The bits of the largest magnitude; kInfinityBits or more where one is NaN or infinite.
  inline int32_t largest_magnitude() const {
    I magnitude[kN];
    for (int v = 0; v < kN; v++) magnitude[v] = Lanes::bit_and(bits[v], Lanes::of(kMagnitude));
    return chosen<LargerOf, kN>(magnitude);
  }
};

constexpr int kVectors = vectors_of(kBlock);
using Block = BlockOf<kVectors>;

inline float bits_float(int32_t bits) { return float_of(static_cast<uint32_t>(bits)); }
inline bool is_finite(int32_t bits) { return (bits & kMagnitude) < kInfinityBits; }

// The value of the largest magnitude, the first of such; 0 for nothing but zeros. NaN where one is NaN or infinite.
inline float extreme_of(const Block& block, const float* p) {
  const int32_t positive = chosen<LargerOf, kVectors>(block.bits), any = chosen<LargerBitsOf, kVectors>(block.bits);
  if (!is_finite(any) || (positive >= 0 && !is_finite(positive))) return bits_float(kNanBits);
  const int32_t negative = any < 0 ? any & kMagnitude : 0, top = positive > negative ? positive : negative;
  if (top == 0) return 0.0f;
  if (positive != negative) return positive > negative ? bits_float(positive) : -bits_float(negative);
  int i = 0;
  while ((static_cast<int32_t>(bits_of(p[i])) & kMagnitude) != top) i++;
  return p[i];
}

// Least and largest value, of zeros the first one; false where one is NaN or infinite.
inline bool range_of(const Block& block, const float* p, float* least, float* largest) {
  const int32_t positive = chosen<LargerOf, kVectors>(block.bits), any = chosen<LargerBitsOf, kVectors>(block.bits);
  if (!is_finite(any) || (positive >= 0 && !is_finite(positive))) return false;
  const float nearest = bits_float(chosen<SmallerOf, kVectors>(block.bits));
  float lo = any < 0 ? bits_float(any) : nearest, hi = positive >= 0 ? bits_float(positive) : nearest;
  if (lo == 0.0f) {
    int i = 0;
    while (p[i] != 0.0f) i++;
    lo = p[i];
  }
  if (hi == lo) hi = lo;
  *least = lo;
  *largest = hi;
  return true;
}

}  // namespace
}  // namespace lowbit
