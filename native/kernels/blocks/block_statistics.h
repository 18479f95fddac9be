// What encoding needs to know of the floats of blocks, for a group of blocks at a time: to go from the lanes of a block
// to one number and back takes long, and a group of them is on that way together.
#pragma once

#include "native/kernels/blocks/block_lanes.h"

namespace lowbit {
namespace {

constexpr int kGroup = 16;
constexpr int32_t kSign = INT32_MIN;

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
  LOWBIT_OVER_VECTORS
  for (int i = 1; i < kN; i++) best = Choice::of(best, v[i]);
  constexpr int w = Lanes::kWidth;
  if constexpr (w > 8) best = Choice::of(best, Lanes::bits(Lanes::template swapped<8>(Lanes::floats(best))));
  if constexpr (w > 4) best = Choice::of(best, Lanes::bits(Lanes::template swapped<4>(Lanes::floats(best))));
  if constexpr (w > 2) best = Choice::of(best, Lanes::bits(Lanes::template swapped<2>(Lanes::floats(best))));
  if constexpr (w > 1) best = Choice::of(best, Lanes::bits(Lanes::template swapped<1>(Lanes::floats(best))));
  return static_cast<int32_t>(bits_of(Lanes::first(Lanes::floats(best))));
}

// The bits of the largest magnitude of each block of kN vectors; kInfinityBits or more where one is NaN or infinite.
template <int kN>
inline void largest_magnitudes(const float* x, int count, int32_t* top) {
  for (int g = 0; g < count; g++, x += kN * Lanes::kWidth) {
    prefetch_lines(x, kN * Lanes::kWidth * sizeof(float));
    I magnitude[kN];
    LOWBIT_OVER_VECTORS
    for (int v = 0; v < kN; v++) {
      magnitude[v] = Lanes::bit_and(Lanes::bits(Lanes::load(x + v * Lanes::kWidth, AllLanes{})), Lanes::of(kMagnitude));
    }
    top[g] = chosen<LargerOf, kN>(magnitude);
  }
}

// As numbers, the bits of floats ascend from 0 and descend from -0. NaN and infinities are beyond all numbers of their
// sign.
struct Ends {
  int32_t positive[kGroup];  // largest signed one: the largest float, unless all are negative
  int32_t any[kGroup];       // largest unsigned one: the least float, if one is negative
  int32_t nearest[kGroup];   // least signed one: the float nearest to 0, or the largest one if all are negative
};

template <bool kNearest>
inline void ends_of(const float* x, int count, Ends* ends) {
  for (int g = 0; g < count; g++, x += kBlock) {
    prefetch_lines(x, kBlock * sizeof(float));
    I bits[kVectors];
    LOWBIT_OVER_VECTORS
    for (int v = 0; v < kVectors; v++) bits[v] = Lanes::bits(Lanes::load(x + v * Lanes::kWidth, AllLanes{}));
    ends->positive[g] = chosen<LargerOf, kVectors>(bits);
    ends->any[g] = chosen<LargerBitsOf, kVectors>(bits);
    if (kNearest) ends->nearest[g] = chosen<SmallerOf, kVectors>(bits);
  }
}

inline I ones_where_negative(I v) { return Lanes::sub(Lanes::of(int32_t{0}), Lanes::shift_right(v, 31)); }
inline I where_ones(I ones, I a, I b) {
  return Lanes::bit_or(Lanes::bit_and(ones, a), Lanes::bit_and(Lanes::exclusive_or(ones, Lanes::of(int32_t{-1})), b));
}

// Of each block the value of the largest magnitude, the first of such, 0 for nothing but zeros; NaN or an infinity
// where one is that.
inline void extremes_of(const float* x, int count, float* extreme) {
  Ends ends = {};
  ends_of<false>(x, count, &ends);
  LOWBIT_OVER_VECTORS
  for (int i = 0; i < kGroup; i += Lanes::kWidth) {
    const I any = Lanes::load(ends.any + i, AllLanes{});
    const I negative = Lanes::bit_and(Lanes::bit_and(any, ones_where_negative(any)), Lanes::of(kMagnitude));
    const I positive = Lanes::greater(Lanes::load(ends.positive + i, AllLanes{}), Lanes::of(int32_t{0}));
    const I sign = Lanes::bit_and(Lanes::sub(positive, negative), Lanes::of(kSign));
    Lanes::store(extreme + i, Lanes::floats(Lanes::bit_or(Lanes::greater(positive, negative), sign)), AllLanes{});
  }
  for (int g = 0; g < count; g++) {
    // Both signs have it.
    if ((ends.any[g] ^ ends.positive[g]) != kSign || ends.positive[g] == 0) continue;
    const float* p = x + g * kBlock;
    while ((static_cast<int32_t>(bits_of(*p)) & kMagnitude) != ends.positive[g]) p++;
    extreme[g] = *p;
  }
}

// Of each block the least value, of zeros the first one, and the largest; NaN or infinities where there are such.
inline void ranges_of(const float* x, int count, float* least, float* largest) {
  Ends ends = {};
  ends_of<true>(x, count, &ends);
  LOWBIT_OVER_VECTORS
  for (int i = 0; i < kGroup; i += Lanes::kWidth) {
    const I any = Lanes::load(ends.any + i, AllLanes{}), positive = Lanes::load(ends.positive + i, AllLanes{});
    const I nearest = Lanes::load(ends.nearest + i, AllLanes{});
    Lanes::store(least + i, Lanes::floats(where_ones(ones_where_negative(any), any, nearest)), AllLanes{});
    Lanes::store(largest + i, Lanes::floats(where_ones(ones_where_negative(positive), nearest, positive)), AllLanes{});
  }
  for (int g = 0; g < count; g++) {
    if (ends.any[g] != kSign) continue;
    const float* p = x + g * kBlock;
    while (*p != 0.0f) p++;
    least[g] = *p;
  }
}

}  // namespace
}  // namespace lowbit
