// The loops of softmax_f32, compiled once per instruction set.
#pragma once

#include <limits>

#include "native/kernels/loop.h"
#include "native/kernels/softmax/softmax.h"

namespace lowbit {
namespace {

// e^v for v <= 0: v = n*ln2 + r with |r| <= ln2/2, e^r = 1 + r + r^2*q(r). ln2 is split so that n*kLn2High is exact
// (kLn2High has 10 significant bits, |n| <= 127). q is the minimax polynomial of degree 4 of the relative error on that
// interval (3.2e-9), rounded to float. Below kSmallest the result would leave the normal numbers: it is 0. NaN stays.
constexpr float kLog2E = 1.44269504f;
constexpr float kLn2High = 0.693359375f;
constexpr float kLn2Low = -2.12194440e-4f;
constexpr float kQ0 = 0x1.fffffcp-2f, kQ1 = 0x1.555490p-3f, kQ2 = 0x1.5558fcp-5f, kQ3 = 0x1.123b9ap-7f, kQ4 = 0x1.6a214cp-10f;
constexpr float kSmallest = -87.0f;

inline float exponential(float v) {
  const float x = v < kSmallest ? kSmallest : v;
  const float biased = x * kLog2E + kRound;
  const float n = biased - kRound;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float q = kQ4;
  q = q * r + kQ3;
  q = q * r + kQ2;
  q = q * r + kQ1;
  q = q * r + kQ0;
  const float e = (q * (r * r) + r) + 1.0f;
  // n is in the low bits of `biased`: adding it to the exponent field multiplies by 2^n.
  const float scaled = float_of(bits_of(e) + ((bits_of(biased) - kRoundBits) << 23));
  // A NaN keeps its payload out of the result: every NaN becomes the same one.
  return v < kSmallest ? 0.0f : v == v ? scaled : std::numeric_limits<float>::quiet_NaN();
}

constexpr int kLanes = 16;

inline float maximum_of(const float* x, int64_t n) {
  float lanes[kLanes];
  for (int j = 0; j < kLanes; j++) lanes[j] = -std::numeric_limits<float>::infinity();
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int j = 0; j < kLanes; j++) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  }
  for (int j = 0; i < n; i++, j++) lanes[j] = x[i] > lanes[j] ? x[i] : lanes[j];
  float most = lanes[0];
  for (int j = 1; j < kLanes; j++) most = lanes[j] > most ? lanes[j] : most;
  return most;
}

// Lane j adds the elements j, j + 16, j + 32, … in order; the lanes are added as a tree.
inline float sum_of(const float* x, int64_t n) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int j = 0; j < kLanes; j++) lanes[j] = lanes[j] + x[i + j];
  }
  for (int j = 0; i < n; i++, j++) lanes[j] = lanes[j] + x[i];
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int j = 0; j < half; j++) lanes[j] = lanes[j] + lanes[j + half];
  }
  return lanes[0];
}

void softmax_rows(const SoftmaxArgs& args) {
  const int64_t n = args.columns;
  for (int64_t r = 0; r < args.rows; r++) {
    const float* x = args.x + r * n;
    float* y = args.y + r * n;
    const float most = maximum_of(x, n);
    LOWBIT_INDEPENDENT
    for (int64_t c = 0; c < n; c++) y[c] = exponential(x[c] - most);
    const float sum = sum_of(y, n);
    LOWBIT_INDEPENDENT
    for (int64_t c = 0; c < n; c++) {
      const float q = y[c] / sum;
      y[c] = q == q ? q : std::numeric_limits<float>::quiet_NaN();
    }
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_SOFTMAX_KERNELS(isa)                                              \
  namespace lowbit {                                                             \
  void softmax_f32_##isa(const SoftmaxArgs& args) { softmax_rows(args); }        \
  }
