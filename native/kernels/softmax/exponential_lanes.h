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
  // q in pairs of coefficients: half as long a chain as one coefficient after the other.
  const F square = Lanes::mul(r, r);
  const F low = Lanes::add(Lanes::mul(Lanes::of(kQ1), r), Lanes::of(kQ0));
  const F middle = Lanes::add(Lanes::mul(Lanes::of(kQ3), r), Lanes::of(kQ2));
  const F high = Lanes::add(Lanes::mul(Lanes::of(kQ4), square), middle);
  const F q = Lanes::add(Lanes::mul(high, square), low);
  const F e = Lanes::add(Lanes::add(Lanes::mul(q, square), r), Lanes::of(1.0f));
  // 2^n with n in [-126, 0]; the result is no smaller than 2^-126, so that the product is exact.
  const F power = Lanes::floats(Lanes::shift_left_23(Lanes::add(Lanes::bits(biased), less_bits(127))));
  return Lanes::where_less(v, smallest, Lanes::of(0.0f), Lanes::mul(e, power));
}

}  // namespace
}  // namespace lowbit
