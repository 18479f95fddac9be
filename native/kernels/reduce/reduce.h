// reduce_f32: one number for each row, the same bytes on every instruction set.
#pragma once

#include <cstdint>

namespace lowbit {

// y[o][i] over a of x[o][a][i], by kind: 0 sum, 1 mean (the sum divided by the count), 2 maximum, 3 minimum, 4 product,
// 5 sum of squares, 6 sum of magnitudes. With inner 1 a row is taken in 16 interleaved partial results that are
// combined as a fixed tree; else in the order of a. NaN is passed over by maximum and minimum. Exact across ISAs.
struct ReduceArgs {
  const float* x;
  float* y;
  int64_t outer, axis, inner;
  int32_t kind;
};

constexpr int32_t kReduceKinds = 7;

}  // namespace lowbit
