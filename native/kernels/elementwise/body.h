// The loops of the elementwise kernels, compiled once per instruction set.
#pragma once

#include "native/kernels/elementwise/elementwise.h"
#include "native/kernels/loop.h"

namespace lowbit {
namespace {

enum BinaryKind : int32_t { kAdd = 0, kSubtract = 1, kMultiply = 2, kDivide = 3 };

inline float clamped(float v, float lo, float hi) {
  v = v < lo ? lo : v;
  return v > hi ? hi : v;
}

template <int kKind, int kAStep, int kBStep>
void binary_f32_run(const BinaryF32Args& args) {
  const float* a = args.a;
  const float* b = args.b;
  float* y = args.y;
  const float lo = args.lo, hi = args.hi, a0 = *a, b0 = *b;
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < args.n; i++) {
    const float p = kAStep == 0 ? a0 : a[i], q = kBStep == 0 ? b0 : b[i];
    y[i] = clamped(kKind == kAdd ? p + q : kKind == kSubtract ? p - q : kKind == kMultiply ? p * q : p / q, lo, hi);
  }
}

template <int kKind>
void binary_f32_kind(const BinaryF32Args& args) {
  if (args.a_step == 0) {
    args.b_step == 0 ? binary_f32_run<kKind, 0, 0>(args) : binary_f32_run<kKind, 0, 1>(args);
  } else {
    args.b_step == 0 ? binary_f32_run<kKind, 1, 0>(args) : binary_f32_run<kKind, 1, 1>(args);
  }
}

void binary_f32_any(const BinaryF32Args& args) {
  if (args.n <= 0) return;
  switch (args.kind) {
    case kAdd:
      return binary_f32_kind<kAdd>(args);
    case kSubtract:
      return binary_f32_kind<kSubtract>(args);
    case kMultiply:
      return binary_f32_kind<kMultiply>(args);
    default:
      return binary_f32_kind<kDivide>(args);
  }
}

void clamp_run(const ClampArgs& args) {
  const float* x = args.x;
  float* y = args.y;
  const float lo = args.lo, hi = args.hi;
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < args.n; i++) y[i] = clamped(x[i], lo, hi);
}

void bias_clamp_block(const BiasClampArgs& args) {
  const float lo = args.lo, hi = args.hi;
  for (int64_t r = 0; r < args.rows; r++) {
    float* y = args.y + r * args.y_stride;
    const float* bias = args.bias;
    if (bias == nullptr) {
      LOWBIT_INDEPENDENT
      for (int64_t c = 0; c < args.columns; c++) y[c] = clamped(y[c], lo, hi);
    } else {
      LOWBIT_INDEPENDENT
      for (int64_t c = 0; c < args.columns; c++) y[c] = clamped(y[c] + bias[c], lo, hi);
    }
  }
}

inline void interleave_run(const uint8_t* x, int64_t plane, uint8_t* y, int64_t n) {
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < n; i++) {
    const uint8_t a = x[i], b = x[i + plane], c = x[i + 2 * plane];
    y[3 * i] = a;
    y[3 * i + 1] = b;
    y[3 * i + 2] = c;
  }
}

// Four independent loads per step; a table lookup has no vector form without byte shuffles.
inline void lookup_run(const uint8_t* x, const uint8_t* table, uint8_t* y, int64_t n) {
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    const uint8_t t0 = table[x[i]], t1 = table[x[i + 1]], t2 = table[x[i + 2]], t3 = table[x[i + 3]];
    y[i] = t0;
    y[i + 1] = t1;
    y[i + 2] = t2;
    y[i + 3] = t3;
  }
  for (; i < n; i++) y[i] = table[x[i]];
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_ELEMENTWISE_KERNELS(isa)                                            \
  namespace lowbit {                                                               \
  void binary_f32_##isa(const BinaryF32Args& args) { binary_f32_any(args); }       \
  void clamp_f32_##isa(const ClampArgs& args) { clamp_run(args); }                 \
  void bias_clamp_f32_##isa(const BiasClampArgs& args) { bias_clamp_block(args); } \
  }
