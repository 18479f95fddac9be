// The loops of the statistics kernels, compiled once per instruction set.
#pragma once

#include "native/kernels/loop.h"
#include "native/kernels/statistics/statistics.h"

namespace lowbit {
namespace {

// Merges x[0..n) into (lo, hi) one by one; a comparison with NaN is false, so NaN is left out.
inline void merge_range(const float* x, int64_t n, float* lo, float* hi) {
  for (int64_t i = 0; i < n; i++) {
    *lo = x[i] < *lo ? x[i] : *lo;
    *hi = x[i] > *hi ? x[i] : *hi;
  }
}

// Merges lanes of minima and lanes of maxima into (lo, hi).
inline void merge_lanes(const float* least, const float* most, int lanes, float* lo, float* hi) {
  for (int i = 0; i < lanes; i++) {
    *lo = least[i] < *lo ? least[i] : *lo;
    *hi = most[i] > *hi ? most[i] : *hi;
  }
}

// -0 becomes +0, everything else stays.
inline void store_range(float lo, float hi, float* out) {
  out[0] = lo + 0.0f;
  out[1] = hi + 0.0f;
}

template <typename Code>
void row_sum_block(const RowSumArgs& args) {
  for (int64_t r = 0; r < args.rows; r++) {
    const Code* codes = static_cast<const Code*>(args.codes) + r * args.stride;
    int32_t sum = 0;
    for (int64_t c = 0; c < args.columns; c++) sum += codes[c];
    args.sum[r] = sum;
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_ROW_SUM_KERNELS(isa)                                                   \
  namespace lowbit {                                                                  \
  void row_sum_u8_i32_##isa(const RowSumArgs& args) { row_sum_block<uint8_t>(args); } \
  void row_sum_i8_i32_##isa(const RowSumArgs& args) { row_sum_block<int8_t>(args); }  \
  }
