// Elementwise kernels over one row: float and integer binary operations, clamp, table lookup.
#pragma once

#include <cstdint>

namespace lowbit {

// binary_f32: y[i] = clamp(a[i * a_step] op b[i * b_step], lo, hi) for kind 0 add, 1 subtract, 2 multiply, 3 divide;
// steps 0 or 1. NaN stays. Exact: one IEEE operation each (sign and payload of a NaN are the processor's). y may be a
// or b.
struct BinaryF32Args {
  const float* a;
  const float* b;
  float* y;
  int64_t n, a_step, b_step;
  int32_t kind;
  float lo, hi;
};

// binary_i8 (codes u8 or i8, chosen by *_signed): the formulas of ops.inc `binary_i8`, kind 0 or 2. Exact.
struct BinaryI8Args {
  const void* a;
  const void* b;
  void* y;
  int64_t n, a_step, b_step;
  int32_t kind;
  bool a_signed, b_signed, y_signed;
  int32_t a_zero, b_zero, y_zero;
  float a_ratio, b_ratio;
  int32_t qlo, qhi;
};

// clamp_f32: y[i] = x[i] < lo ? lo : x[i] > hi ? hi : x[i] (NaN stays). Exact. In place is allowed.
struct ClampArgs {
  const float* x;
  float* y;
  int64_t n;
  float lo, hi;
};

// bias_clamp_f32: y[r][c] = clamp(f32(y[r][c] + bias[c]), lo, hi) in place; bias null = none. The epilogue of float
// GEMM. Exact.
struct BiasClampArgs {
  float* y;
  int64_t y_stride, rows, columns;
  const float* bias;
  float lo, hi;
};

// lookup_8: y[i] = table[x[i]].
struct LookupArgs {
  const uint8_t* x;
  const uint8_t* table;
  uint8_t* y;
  int64_t n;
};

// interleave_8: y[3 * i + j] = x[i + j * plane] for i < n, j < 3: three planes become pixels.
struct InterleaveArgs {
  const uint8_t* x;
  int64_t plane;
  uint8_t* y;
  int64_t n;
};

}  // namespace lowbit
