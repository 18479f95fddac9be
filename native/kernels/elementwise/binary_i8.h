// binary_i8 over the lanes of an instruction set.
#pragma once

#include "native/kernels/elementwise/elementwise.h"
#include "native/kernels/lanes.h"

namespace lowbit {
namespace {

// Signed codes are read as bytes with the sign bit flipped, which adds 128 to code and zero point alike.
template <bool kAdds, bool kAStep, bool kBStep>
struct BinaryCodesRun {
  const uint8_t* a;
  const uint8_t* b;
  uint8_t* y;
  I a_flip, b_flip, a_zero, b_zero, a_one, b_one, add;
  F a_ratio, b_ratio, lo, hi;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    const I p = kAStep ? Lanes::sub(Lanes::exclusive_or(Lanes::load(a + i, e), a_flip), a_zero) : a_one;
    const I q = kBStep ? Lanes::sub(Lanes::exclusive_or(Lanes::load(b + i, e), b_flip), b_zero) : b_one;
    const F v = kAdds ? Lanes::add(Lanes::mul(Lanes::to_float(p), a_ratio), Lanes::mul(Lanes::to_float(q), b_ratio))
                      : Lanes::mul(Lanes::to_float(Lanes::mul(p, q)), a_ratio);
    Lanes::store_bytes(y + i, round_to_codes(v, lo, hi, add), e);
  }
};

template <bool kAdds, bool kAStep, bool kBStep>
void binary_codes(const BinaryI8Args& args) {
  const uint8_t* a = static_cast<const uint8_t*>(args.a);
  const uint8_t* b = static_cast<const uint8_t*>(args.b);
  const int32_t a_flip = args.a_signed ? 0x80 : 0, b_flip = args.b_signed ? 0x80 : 0;
  const int32_t a_zero = args.a_zero + a_flip, b_zero = args.b_zero + b_flip;
  for_lanes(args.n, BinaryCodesRun<kAdds, kAStep, kBStep>{
                        a, b, static_cast<uint8_t*>(args.y), Lanes::of(a_flip), Lanes::of(b_flip), Lanes::of(a_zero),
                        Lanes::of(b_zero), Lanes::of((*a ^ a_flip) - a_zero), Lanes::of((*b ^ b_flip) - b_zero),
                        less_bits(args.y_zero), Lanes::of(args.a_ratio), Lanes::of(args.b_ratio),
                        Lanes::of(static_cast<float>(args.qlo - args.y_zero)),
                        Lanes::of(static_cast<float>(args.qhi - args.y_zero))});
}

template <bool kAdds>
void binary_codes_steps(const BinaryI8Args& args) {
  if (args.a_step == 0) {
    args.b_step == 0 ? binary_codes<kAdds, false, false>(args) : binary_codes<kAdds, false, true>(args);
  } else {
    args.b_step == 0 ? binary_codes<kAdds, true, false>(args) : binary_codes<kAdds, true, true>(args);
  }
}

void binary_codes_any(const BinaryI8Args& args) {
  if (args.n <= 0) return;
  args.kind == 0 ? binary_codes_steps<true>(args) : binary_codes_steps<false>(args);
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_BINARY_I8_KERNELS(isa)                                        \
  namespace lowbit {                                                         \
  void binary_i8_##isa(const BinaryI8Args& args) { binary_codes_any(args); } \
  }
