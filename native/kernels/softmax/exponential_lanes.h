// e^v for v <= 0 over the lanes of an instruction set. Include inside a target region, behind the lanes.
#pragma once

#include "native/isa/unroll.h"
#include "native/kernels/lanes.h"
#include "native/kernels/softmax/exponential.h"

namespace lowbit {
namespace {

// Of several vectors, a step of all before the next step: a processor sees ahead less far than one chain is long.
template <int kCount>
inline void exponentials(F (&v)[kCount]) {
  const F smallest = Lanes::of(kSmallest), round = Lanes::of(kRound);
  F biased[kCount], n[kCount], r[kCount], square[kCount], low[kCount], e[kCount];
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) biased[i] = Lanes::add(Lanes::mul(v[i], Lanes::of(kLog2E)), round);
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) n[i] = Lanes::sub(biased[i], round);
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) r[i] = Lanes::sub(v[i], Lanes::mul(n[i], Lanes::of(kLn2High)));
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) r[i] = Lanes::sub(r[i], Lanes::mul(n[i], Lanes::of(kLn2Low)));
  // q in pairs of coefficients: half as long a chain as one coefficient after the other.
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) square[i] = Lanes::mul(r[i], r[i]);
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) e[i] = Lanes::add(Lanes::mul(Lanes::of(kQ3), r[i]), Lanes::of(kQ2));
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) e[i] = Lanes::add(Lanes::mul(Lanes::of(kQ4), square[i]), e[i]);
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) low[i] = Lanes::add(Lanes::mul(Lanes::of(kQ1), r[i]), Lanes::of(kQ0));
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) e[i] = Lanes::add(Lanes::mul(e[i], square[i]), low[i]);
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) e[i] = Lanes::add(Lanes::mul(e[i], square[i]), r[i]);
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) e[i] = Lanes::add(e[i], Lanes::of(1.0f));
  // 2^n with n in [-126, 0]; the result is no smaller than 2^-126, so that the product is exact. Below kSmallest it is
  // anything, and 0 in its place.
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) {
    const F power = Lanes::floats(Lanes::shift_left_23(Lanes::add(Lanes::bits(biased[i]), less_bits(127))));
    v[i] = Lanes::zero_where_less(v[i], smallest, Lanes::mul(e[i], power));
  }
}

inline F exponential(F v) {
  F one[1] = {v};
  exponentials(one);
  return one[0];
}

}  // namespace
}  // namespace lowbit
