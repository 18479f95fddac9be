// layer_norm_f32: rows normalized to mean 0 and variance 1, the same bytes on every instruction set.
#pragma once

#include <cstdint>

namespace lowbit {

// z = f32(x + addend) (addend null = x);  mean = f32(sum z / n);  d = f32(z - mean), or z with subtract_mean 0;
// inverse = f32(1 / sqrt(f32(f32(sum d^2 / n) + epsilon)));
// y = f32(f32(f32(d * inverse) * scale[c]) + bias[c]) (bias null = none).
// Both sums are taken in 16 interleaved partial sums that are added in a fixed tree, without fused multiply-add, so the
// result does not depend on the vector width. y may be x or addend. mean and inverse, one per row, are written where
// not null. Exact across ISAs. With u = 2^-24: a sum of n terms is within (n / 16 + 5) u of the sum of magnitudes.
struct LayerNormArgs {
  const float* x;
  const float* addend;
  const float* scale;
  const float* bias;
  float* y;
  float* mean;
  float* inverse;
  int64_t rows, columns;
  float epsilon;
  int32_t subtract_mean;
};

}  // namespace lowbit
