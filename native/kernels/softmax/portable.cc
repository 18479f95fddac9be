// The softmax kernels in plain C++: what the other instruction sets must agree with.

#include <limits>

#include "native/kernels/kernels.h"
#include "native/kernels/loop.h"
#include "native/kernels/softmax/exponential.h"

namespace lowbit {
namespace {

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

inline float maximum_of(const float* x, int64_t n) {
  float lanes[kPartialSums];
  for (int j = 0; j < kPartialSums; j++) lanes[j] = -std::numeric_limits<float>::infinity();
  int64_t i = 0;
  for (; i + kPartialSums <= n; i += kPartialSums) {
    for (int j = 0; j < kPartialSums; j++) lanes[j] = x[i + j] > lanes[j] ? x[i + j] : lanes[j];
  }
  for (int j = 0; i < n; i++, j++) lanes[j] = x[i] > lanes[j] ? x[i] : lanes[j];
  float most = lanes[0];
  for (int j = 1; j < kPartialSums; j++) most = lanes[j] > most ? lanes[j] : most;
  return most;
}

// Lane j adds the elements j, j + 16, j + 32, … in order; the lanes are added as a tree.
inline float sum_of(const float* x, int64_t n) {
  float lanes[kPartialSums] = {};
  int64_t i = 0;
  for (; i + kPartialSums <= n; i += kPartialSums) {
    for (int j = 0; j < kPartialSums; j++) lanes[j] = lanes[j] + x[i + j];
  }
  for (int j = 0; i < n; i++, j++) lanes[j] = lanes[j] + x[i];
  for (int half = kPartialSums / 2; half > 0; half /= 2) {
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

void softmax_f32_portable(const SoftmaxArgs& args) { softmax_rows(args); }

}  // namespace lowbit
