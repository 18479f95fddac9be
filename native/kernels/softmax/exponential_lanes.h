// e^v for v <= 0 over the lanes of an instruction set. Include inside a target region, behind the lanes.
#pragma once

#include "native/kernels/lanes.h"
#include "native/kernels/softmax/exponential.h"

namespace lowbit {
namespace {

inline F exponential(F v) {
  const F smallest = Lanes::of(kSmallest);
  const F x = Lanes::greater(smallest, v);
  const F biased = Lanes::add(Lanes::mul(x, Lanes::of(kLog2E)), Lanes::of(kRound));
  const F n = Lanes::sub(biased, Lanes::of(kRound));
  const F r = Lanes::sub(Lanes::sub(x, Lanes::mul(n, Lanes::of(kLn2High))), Lanes::mul(n, Lanes::of(kLn2Low)));
  F q = Lanes::of(kQ4);
  q = Lanes::add(Lanes::mul(q, r), Lanes::of(kQ3));
  q = Lanes::add(Lanes::mul(q, r), Lanes::of(kQ2));
  q = Lanes::add(Lanes::mul(q, r), Lanes::of(kQ1));
  q = Lanes::add(Lanes::mul(q, r), Lanes::of(kQ0));
  const F e = Lanes::add(Lanes::add(Lanes::mul(q, Lanes::mul(r, r)), r), Lanes::of(1.0f));
  const I power = Lanes::shift_left_23(Lanes::add(Lanes::bits(biased), less_bits(0)));
  const F scaled = Lanes::floats(Lanes::add(Lanes::bits(e), power));
  return Lanes::where_less(v, smallest, Lanes::of(0.0f), Lanes::where_number(v, scaled, v));
}

}  // namespace
}  // namespace lowbit
