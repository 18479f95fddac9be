// Products of codes widened to int16, for the units of AVX2 and AVX-512. Included inside the region of an ISA file.
#pragma once

#include "native/isa/unroll.h"

namespace lowbit {

namespace {

constexpr int kThinRows = 2;

// Unit: Vector; kCodes, how many int16 it holds; kDepth, of k at a time; kRowSpan, int16 between widened rows; zero,
// store and broadcast; widen for kCodes codes, and widen_some for fewer, zeros behind them; add_products, vpmaddwd and
// vpaddd in place.

// to[i] = a[i] as int16 for i < depth, zero up to the next multiple of kCodes.
template <typename Unit, bool Signed>
LOWBIT_INLINE void widen_row(const uint8_t* a, int64_t depth, int16_t* to) {
  int64_t i = 0;
  for (; i + Unit::kCodes <= depth; i += Unit::kCodes) Unit::store(to + i, Unit::template widen<Signed>(a + i));
  if (i < depth) Unit::store(to + i, Unit::template widen_some<Signed>(a + i, depth - i));
}

// Rows x kCodes / 2 columns over `groups` of 4 values of k. sum[r][h] holds, for the columns of half h, the sums over
// k = 0, 1 and k = 2, 3 (mod 4): [c0 c0' c1 c1' …].
template <typename Unit, int Rows>
LOWBIT_INLINE void multiply_wide(const int16_t* a, const int8_t* b, int64_t groups,
                                 typename Unit::Vector (&sum)[Rows][2]) {
  typename Unit::Vector zero = Unit::zero();
  LOWBIT_OPAQUE(zero);
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int h = 0; h < 2; ++h) sum[r][h] = zero;
  }
  for (int64_t g = groups; g > 0; --g, a += 4, b += 64) {
    // Few rows wait for their weights: those that the next chunk reads come while this one multiplies.
    if constexpr (Rows <= kThinRows) _mm_prefetch(reinterpret_cast<const char*>(b + 16 * Unit::kDepth), _MM_HINT_T0);
    const typename Unit::Vector left = Unit::template widen<true>(b),
                                right = Unit::template widen<true>(b + Unit::kCodes);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      int64_t four;
      memcpy(&four, a + r * Unit::kRowSpan, 8);
      const typename Unit::Vector codes = Unit::broadcast(four);
      Unit::add_products(sum[r][0], codes, left);
      Unit::add_products(sum[r][1], codes, right);
    }
  }
}

}  // namespace

}  // namespace lowbit
