// Functions of a float over the lanes of an instruction set, as fixed sequences of operations. Include inside a target
// region, behind the lanes.
#pragma once

#include "native/kernels/softmax/exponential_lanes.h"

namespace lowbit {
namespace {

constexpr int32_t kSignBit = INT32_MIN;
constexpr int32_t kWithoutSign = 0x7fffffff;

inline F absolute(F v) { return Lanes::floats(Lanes::bit_and(Lanes::bits(v), Lanes::of(kWithoutSign))); }
inline F negative(F v) { return Lanes::floats(Lanes::exclusive_or(Lanes::bits(v), Lanes::of(kSignBit))); }
// v with the sign of `sign`; v has none.
inline F with_sign(F v, F sign) {
  return Lanes::floats(Lanes::bit_or(Lanes::bits(v), Lanes::bit_and(Lanes::bits(sign), Lanes::of(kSignBit))));
}
// a * b + c, rounded twice.
inline F twice(F a, F b, F c) { return Lanes::add(Lanes::mul(a, b), c); }

// 2^n for a whole n in [-126, 127] that is in the low bits of `biased` = n + kRound.
inline F power_of_two(F biased) {
  return Lanes::floats(Lanes::shift_left_23(Lanes::add(Lanes::bits(biased), less_bits(127))));
}

// e^v as in softmax, for every v: the power of two is applied in two halves, so that the largest and the smallest
// results are reached, rounded once.
inline F exp_of(F v) {
  // Above, the result is infinite; below, it is 0.
  const F x = Lanes::less(Lanes::of(89.0f), Lanes::greater(Lanes::of(-104.0f), v));
  const F round = Lanes::of(kRound);
  const F n = Lanes::sub(twice(x, Lanes::of(kLog2E), round), round);
  const F r = Lanes::sub(Lanes::sub(x, Lanes::mul(n, Lanes::of(kLn2High))), Lanes::mul(n, Lanes::of(kLn2Low)));
  F q = Lanes::of(kQ4);
  q = twice(q, r, Lanes::of(kQ3));
  q = twice(q, r, Lanes::of(kQ2));
  q = twice(q, r, Lanes::of(kQ1));
  q = twice(q, r, Lanes::of(kQ0));
  const F e = Lanes::add(twice(q, Lanes::mul(r, r), r), Lanes::of(1.0f));
  const F half = twice(n, Lanes::of(0.5f), round);
  const F rest = Lanes::add(Lanes::sub(n, Lanes::sub(half, round)), round);
  return Lanes::mul(Lanes::mul(e, power_of_two(half)), power_of_two(rest));
}

// log(v): v = m * 2^e with m in [sqrt(1/2), sqrt(2)), log m = f - f^2/2 + f^3 * p(f) with f = m - 1, p a minimax
// polynomial of degree 7 (1.4e-7 absolute, times |f|^3 < 0.08).
inline F log_of(F v) {
  constexpr float kSmallestNormal = 0x1p-126f;
  const F one = Lanes::of(1.0f);
  const F tiny = Lanes::of(kSmallestNormal);
  const F x = Lanes::where_less(v, tiny, Lanes::mul(v, Lanes::of(0x1p24f)), v);
  const I word = Lanes::bits(x);
  F m = Lanes::floats(Lanes::bit_or(Lanes::bit_and(word, Lanes::of(0x007fffff)), Lanes::of(0x3f800000)));
  F e = Lanes::mul(Lanes::to_float(Lanes::bit_and(word, Lanes::of(0x7f800000))), Lanes::of(0x1p-23f));
  e = Lanes::sub(e, Lanes::where_less(v, tiny, Lanes::of(151.0f), Lanes::of(127.0f)));
  const F root = Lanes::of(0x1.6a09e6p0f);
  e = Lanes::where_less(root, m, Lanes::add(e, one), e);
  m = Lanes::where_less(root, m, Lanes::mul(m, Lanes::of(0.5f)), m);
  const F f = Lanes::sub(m, one);
  F p = Lanes::of(-0x1.543148p-4f);
  p = twice(p, f, Lanes::of(0x1.061f4cp-3f));
  p = twice(p, f, Lanes::of(-0x1.0914b8p-3f));
  p = twice(p, f, Lanes::of(0x1.229db0p-3f));
  p = twice(p, f, Lanes::of(-0x1.54dbd0p-3f));
  p = twice(p, f, Lanes::of(0x1.99a374p-3f));
  p = twice(p, f, Lanes::of(-0x1.0000bcp-2f));
  p = twice(p, f, Lanes::of(0x1.555550p-2f));
  const F square = Lanes::mul(f, f);
  F small = Lanes::mul(Lanes::mul(square, f), p);
  small = twice(e, Lanes::of(kLn2Low), small);
  small = Lanes::sub(small, Lanes::mul(square, Lanes::of(0.5f)));
  const F result = Lanes::add(twice(e, Lanes::of(kLn2High), f), small);
  // log of infinity is infinity, of 0 minus infinity, of less NaN.
  const F infinite = Lanes::of(kInfinity);
  const F nan = Lanes::of(std::numeric_limits<float>::quiet_NaN());
  const F zero = Lanes::of(0.0f);
  F y = Lanes::where_less(v, infinite, result, v);
  y = Lanes::where_less(zero, v, y, Lanes::where_less(v, zero, nan, negative(infinite)));
  return Lanes::where_number(v, y, v);
}

// erf: below kErfSmall x * p(x^2), a minimax polynomial (1.2e-8 relative); above 1 - e^-t(|x|), t a polynomial for
// -log(erfc) (1.2e-8 absolute); from 4 on 1.
inline F erf_of(F v) {
  constexpr float kErfSmall = 0.9f;
  const F a = Lanes::less(absolute(v), Lanes::of(4.0f));
  const F square = Lanes::mul(a, a);
  F p = Lanes::of(-0x1.3f4f6ep-11f);
  p = twice(p, square, Lanes::of(0x1.4876c8p-8f));
  p = twice(p, square, Lanes::of(-0x1.b6bee2p-6f));
  p = twice(p, square, Lanes::of(0x1.ce1dd2p-4f));
  p = twice(p, square, Lanes::of(-0x1.8126fap-2f));
  p = twice(p, square, Lanes::of(0x1.20dd74p0f));
  F t = Lanes::of(-0x1.ae2a06p-20f);
  t = twice(t, a, Lanes::of(0x1.7c760ep-15f));
  t = twice(t, a, Lanes::of(-0x1.35b45ep-11f));
  t = twice(t, a, Lanes::of(0x1.3600e8p-8f));
  t = twice(t, a, Lanes::of(-0x1.af7b38p-6f));
  t = twice(t, a, Lanes::of(0x1.c240e4p-4f));
  t = twice(t, a, Lanes::of(0x1.4394e4p-1f));
  t = twice(t, a, Lanes::of(0x1.21504cp0f));
  t = twice(t, a, Lanes::of(-0x1.349110p-12f));
  const F large = Lanes::sub(Lanes::of(1.0f), exponential(negative(t)));
  const F magnitude = Lanes::where_less(a, Lanes::of(kErfSmall), Lanes::mul(a, p), large);
  return Lanes::where_number(v, with_sign(magnitude, v), v);
}

// Vectors of Gelu that are computed side by side.
constexpr int kGelus = Lanes::kWidth == 16 ? 4 : 1;

// erf for Gelu, which asks for the absolute error alone: x * p(x^2) / q(x^2), minimax on |x| < 3.92 (1.9e-8 relative),
// held there, where it is 1; the two polynomials are not one chain of operations.
template <int kCount>
inline void erf_quotients_of(F (&v)[kCount]) {
  const F most = Lanes::of(3.92f), one = Lanes::of(1.0f);
  F s[kCount], t[kCount], p[kCount], q[kCount];
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) v[i] = clamped(v[i], negative(most), most);
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) s[i] = Lanes::mul(v[i], v[i]);
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) t[i] = Lanes::mul(s[i], s[i]);
  // Both in pairs of coefficients: half as long a chain as one coefficient after the other.
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) {
    p[i] = twice(Lanes::of(0x1.132798p-19f), s[i], Lanes::of(0x1.2ab852p-12f));
    q[i] = twice(Lanes::of(0x1.3f88a2p-15f), s[i], Lanes::of(0x1.30c096p-10f));
  }
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) {
    p[i] = twice(p[i], t[i], twice(Lanes::of(0x1.ed91ecp-9f), s[i], Lanes::of(0x1.b01e44p-5f)));
    q[i] = twice(q[i], t[i], twice(Lanes::of(0x1.ea8358p-7f), s[i], Lanes::of(0x1.d36462p-4f)));
  }
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) {
    p[i] = twice(p[i], t[i], twice(Lanes::of(0x1.85f43ap-3f), s[i], Lanes::of(0x1.20dd74p0f)));
    q[i] = twice(q[i], t[i], twice(Lanes::of(0x1.011034p-1f), s[i], one));
  }
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) v[i] = clamped(Lanes::div(Lanes::mul(v[i], p[i]), q[i]), negative(one), one);
}

// x * (1 + erf(x / sqrt 2)) / 2
template <int kCount>
inline void gelus_of(F (&v)[kCount]) {
  F erf[kCount];
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) erf[i] = Lanes::mul(v[i], Lanes::of(0x1.6a09e6p-1f));
  erf_quotients_of(erf);
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) {
    v[i] = Lanes::mul(Lanes::mul(v[i], Lanes::of(0.5f)), Lanes::add(erf[i], Lanes::of(1.0f)));
  }
}

// tanh: below 5/8 x * p(x^2) (3.9e-9 relative), above 1 - 2 / (e^2|x| + 1).
inline F tanh_of(F v) {
  constexpr float kTanhSmall = 0.625f;
  const F one = Lanes::of(1.0f);
  const F a = absolute(v);
  const F square = Lanes::mul(a, a);
  F p = Lanes::of(-0x1.72eedap-8f);
  p = twice(p, square, Lanes::of(0x1.515cdcp-6f));
  p = twice(p, square, Lanes::of(-0x1.b8153ep-5f));
  p = twice(p, square, Lanes::of(0x1.110580p-3f));
  p = twice(p, square, Lanes::of(-0x1.555524p-2f));
  const F small = twice(Lanes::mul(square, p), a, a);
  const F large = Lanes::sub(one, Lanes::div(Lanes::of(2.0f), Lanes::add(exp_of(Lanes::add(a, a)), one)));
  return Lanes::where_number(v, with_sign(Lanes::where_less(a, Lanes::of(kTanhSmall), small, large), v), v);
}

// log(1 + exp(v)) = max(v, 0) + log(1 + t), t = e^-|v|; with w = f32(1 + t), log(1 + t) = log(w) * t / (w - 1), which
// takes out the rounding of w.
inline F softplus_of(F v) {
  const F one = Lanes::of(1.0f), zero = Lanes::of(0.0f);
  const F t = exp_of(negative(absolute(v)));
  const F w = Lanes::add(one, t);
  const F d = Lanes::sub(w, one);
  const F corrected = Lanes::div(Lanes::mul(log_of(w), t), d);
  const F tail = Lanes::where_less(zero, d, corrected, t);
  return Lanes::where_number(v, Lanes::add(Lanes::greater(v, zero), tail), v);
}

inline F floor_of(F v) {
  // From 2^23 on every float is whole.
  const F round = Lanes::of(0x1p23f);
  const F a = absolute(v);
  const F whole = with_sign(Lanes::sub(Lanes::add(a, round), round), v);
  const F lower = Lanes::where_less(v, whole, Lanes::sub(whole, Lanes::of(1.0f)), whole);
  return Lanes::where_less(a, round, lower, v);
}

inline F round_of(F v) {
  const F round = Lanes::of(0x1p23f);
  const F a = absolute(v);
  return Lanes::where_less(a, round, with_sign(Lanes::sub(Lanes::add(a, round), round), v), v);
}

}  // namespace
}  // namespace lowbit
