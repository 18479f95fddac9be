// dequantize_u8_f32, dequantize_i8_f32 and dequantize_i32_f32 over the lanes of an instruction set.
#pragma once

#include "native/kernels/dequantize/dequantize.h"
#include "native/kernels/lanes.h"

namespace lowbit {
namespace {

template <typename Code>
struct DequantizeRun {
  const Code* codes;
  float* x;
  F scale;
  I zero;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    Lanes::store(x + i, Lanes::mul(Lanes::to_float(Lanes::sub(Lanes::load(codes + i, e), zero)), scale), e);
  }
};

template <typename Code, bool kZero>
struct DequantizeColumns {
  const Code* codes;
  float* x;
  const float* scale;
  const int32_t* zero;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    const I z = kZero ? Lanes::load(zero + i, e) : Lanes::of(int32_t{0});
    const F v = Lanes::to_float(Lanes::sub(Lanes::load(codes + i, e), z));
    Lanes::store(x + i, Lanes::mul(v, Lanes::load(scale + i, e)), e);
  }
};

template <typename Code>
void dequantize_block(const DequantizeArgs& args) {
  for (int64_t r = 0; r < args.rows; r++) {
    const Code* codes = static_cast<const Code*>(args.codes) + r * args.codes_stride;
    float* x = args.x + r * args.x_stride;
    const float* scale = args.scale + r * args.row_step;
    const int32_t* zero = args.zero_point == nullptr ? nullptr : args.zero_point + r * args.row_step;
    if (args.column_step == 0) {
      const int32_t z = zero == nullptr ? 0 : *zero;
      for_lanes(args.columns, DequantizeRun<Code>{codes, x, Lanes::of(*scale), Lanes::of(z)});
    } else if (zero != nullptr) {
      for_lanes(args.columns, DequantizeColumns<Code, true>{codes, x, scale, zero});
    } else {
      for_lanes(args.columns, DequantizeColumns<Code, false>{codes, x, scale, zero});
    }
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_DEQUANTIZE_KERNELS(isa)                                                           \
  namespace lowbit {                                                                             \
  void dequantize_u8_f32_##isa(const DequantizeArgs& args) { dequantize_block<uint8_t>(args); }  \
  void dequantize_i8_f32_##isa(const DequantizeArgs& args) { dequantize_block<int8_t>(args); }   \
  void dequantize_i32_f32_##isa(const DequantizeArgs& args) { dequantize_block<int32_t>(args); } \
  }
