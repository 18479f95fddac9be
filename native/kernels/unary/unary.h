// unary_f32: functions of one float, the same bytes on every instruction set.
#pragma once

#include <cstdint>

namespace lowbit {

// y[i] = f(x[i]) by `kind`, with u = 2^-24:
//   0 exp  1 log  2 sqrt  3 reciprocal 1/x  4 negative  5 absolute value  6 erf  7 Gelu x * (1 + erf(x / sqrt 2)) / 2
//   8 Gelu by tanh, x / (1 + exp(-2 sqrt(2/pi) (x + 0.044715 x^3)))  9 tanh  10 sigmoid 1 / (1 + exp(-x))
//   11 Swish x / (1 + exp(-alpha x))  12 HardSigmoid max(0, min(1, alpha x + beta))
//   13 HardSwish x * max(0, min(1, x / 6 + 1/2))  14 LeakyRelu (x < 0 ? alpha x : x)
//   15 Elu (x < 0 ? alpha (exp(x / beta) - 1) : x)  16 Softplus log(1 + exp(x))  17 Softsign x / (1 + |x|)
//   18 floor  19 ceil  20 round half to even  21 sign  22 Mish x * tanh(Softplus(x))
//   23 ThresholdedRelu (x > alpha ? x : 0)
// Polynomials of fixed operations without fused multiply-add, so the result does not depend on the instruction set. NaN
// gives NaN. `rows` rows of n floats, x_stride and y_stride apart. Within 4u of the result: exp, log, tanh and erf
// (twice that for |x| < 2^-126 and results below 2^-126); Gelu within 4u * |x| of the real one. y may be x. Exact
// across ISAs.
struct UnaryArgs {
  const float* x;
  float* y;
  int64_t n;
  int32_t kind;
  float alpha, beta;
  int64_t rows, x_stride, y_stride;
};

constexpr int32_t kUnaryKinds = 24;

}  // namespace lowbit
