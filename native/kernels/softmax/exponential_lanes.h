// e^v for v <= 0 over the lanes of an instruction set. Include inside a target region, behind the lanes.
#pragma once

#include "native/isa/unroll.h"
#include "native/kernels/lanes.h"
#include "native/kernels/softmax/exponential.h"

namespace lowbit {
namespace {

// A whole number near 0 as instruction sets have it best: itself, or its sum with kRound, whose low bits it is.
template <typename L>
inline F nearest_whole(F v) {
  if constexpr (L::kScales) return L::whole(v);
  return L::add(v, L::of(kRound));
}
template <typename L>
inline F value_of_whole(F whole) {
  if constexpr (L::kScales) return whole;
  return L::sub(whole, L::of(kRound));
}
// e * 2^n for n in [-126, 127].
template <typename L>
inline F scaled_by_whole(F e, F whole) {
  if constexpr (L::kScales) {
    return L::scaled(e, whole);
  } else {
    return L::mul(e, L::floats(L::shift_left_23(L::add(L::bits(whole), less_bits(127)))));
  }
}

// Of several vectors, a step of all before the next step: a processor sees ahead less far than one chain is long.
template <int kCount>
inline void exponentials(F (&v)[kCount]) {
  const F smallest = Lanes::of(kSmallest);
  F whole[kCount], n[kCount], r[kCount], square[kCount], low[kCount], e[kCount];
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) whole[i] = nearest_whole<Lanes>(Lanes::mul(v[i], Lanes::of(kLog2E)));
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) n[i] = value_of_whole<Lanes>(whole[i]);
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
  // n is in [-126, 0] and the result no smaller than 2^-126, so that the product is exact. Below kSmallest it is
  // anything, and 0 in its place.
  LOWBIT_UNROLL
  for (int i = 0; i < kCount; i++) {
    v[i] = Lanes::zero_where_less(v[i], smallest, scaled_by_whole<Lanes>(e[i], whole[i]));
  }
}

inline F exponential(F v) {
  F one[1] = {v};
  exponentials(one);
  return one[0];
}

}  // namespace
}  // namespace lowbit
