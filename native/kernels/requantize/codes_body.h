// The epilogue that ends in codes over the lanes of an instruction set.
#pragma once

#include "native/kernels/lanes.h"
#include "native/kernels/requantize/requantize.h"

namespace lowbit {
namespace {

// Every case of absent and shared operands is a loop of its own, so that none costs a load.
template <bool kOffset, bool kPerColumn>
struct RequantizeRun {
  const int32_t* acc;
  uint8_t* y;
  const int32_t* offset;
  const float* multipliers;
  F multiplier, lo, hi;
  I add;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    I sum = Lanes::load(acc + i, e);
    if (kOffset) sum = Lanes::add(sum, Lanes::load(offset + i, e));
    const F m = kPerColumn ? Lanes::load(multipliers + i, e) : multiplier;
    Lanes::store_bytes(y + i, round_to_codes(Lanes::mul(Lanes::to_float(sum), m), lo, hi, add), e);
  }
};

template <bool kOffset, bool kPerColumn>
void requantize_rows(const RequantizeArgs& args) {
  const F multiplier = Lanes::of(*args.multiplier);
  const F lo = Lanes::of(static_cast<float>(static_cast<int64_t>(args.qlo) - args.zero_point));
  const F hi = Lanes::of(static_cast<float>(static_cast<int64_t>(args.qhi) - args.zero_point));
  const I add = less_bits(args.zero_point);
  for (int64_t r = 0; r < args.rows; r++) {
    uint8_t* y = static_cast<uint8_t*>(args.y) + r * args.y_stride;
    for_lanes(args.columns, RequantizeRun<kOffset, kPerColumn>{args.acc + r * args.acc_stride, y, args.offset,
                                                               args.multiplier, multiplier, lo, hi, add});
  }
}

void requantize_block(const RequantizeArgs& args) {
  if (args.rows <= 0 || args.columns <= 0) return;
  if (args.offset != nullptr) {
    args.multiplier_step != 0 ? requantize_rows<true, true>(args) : requantize_rows<true, false>(args);
  } else {
    args.multiplier_step != 0 ? requantize_rows<false, true>(args) : requantize_rows<false, false>(args);
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_REQUANTIZE_KERNELS(isa)                                                 \
  namespace lowbit {                                                                   \
  void requantize_i32_u8_##isa(const RequantizeArgs& args) { requantize_block(args); } \
  void requantize_i32_i8_##isa(const RequantizeArgs& args) { requantize_block(args); } \
  }
