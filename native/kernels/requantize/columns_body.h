// The epilogue that ends in codes over lanes that narrow four vectors at once (lanes/extent.h): AVX2 and NEON.
#pragma once

#include "native/isa/unroll.h"
#include "native/kernels/requantize/codes_body.h"

namespace lowbit {
namespace {

// 32 bits of a code: rint(sum * multiplier). Bounded: every |multiplier| < 1, so that the product is inside of int32;
// else it is kept inside of what int16 tells apart (NaN counts as little).
template <bool Bounded>
inline I code_of(I sum, F multiplier) {
  const F scaled = Lanes::mul(Lanes::to_float(sum), multiplier);
  return Lanes::nearest(Bounded ? scaled : Lanes::within(scaled, Lanes::of(-65536.0f), Lanes::of(65536.0f)));
}

inline F multiplier_of(const RequantizeArgs& args, int64_t column) {
  return args.multiplier_step == 0 ? Lanes::of(*args.multiplier) : Lanes::load(args.multiplier + column, AllLanes{});
}

inline I offset_of(const RequantizeArgs& args, int64_t column) {
  return args.offset == nullptr ? Lanes::of(0) : Lanes::load(args.offset + column, AllLanes{});
}

// 32 columns of all rows, their offsets and multipliers in registers.
template <bool Bounded>
void requantize_32(const RequantizeArgs& args, int64_t column, const Lanes::Narrow& narrow) {
  F multiplier[4];
  I offset[4];
  LOWBIT_UNROLL
  for (int v = 0; v < 4; ++v) {
    multiplier[v] = multiplier_of(args, column + 8 * v);
    offset[v] = offset_of(args, column + 8 * v);
  }
  const int32_t* acc = args.acc + column;
  uint8_t* y = static_cast<uint8_t*>(args.y) + column;
  for (int64_t r = 0; r < args.rows; ++r, acc += args.acc_stride, y += args.y_stride) {
    I code[4];
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) {
      code[v] = code_of<Bounded>(Lanes::add(Lanes::load(acc + 8 * v, AllLanes{}), offset[v]), multiplier[v]);
    }
    Lanes::store_codes(y, narrow(code[0], code[1], code[2], code[3]));
  }
}

// 8 columns, four rows at a time.
template <bool Bounded>
void requantize_8(const RequantizeArgs& args, int64_t column, const Lanes::Narrow& narrow) {
  const F multiplier = multiplier_of(args, column);
  const I offset = offset_of(args, column);
  const int32_t* acc = args.acc + column;
  uint8_t* y = static_cast<uint8_t*>(args.y) + column;
  for (int64_t r = 0; r < args.rows; r += 4, acc += 4 * args.acc_stride, y += 4 * args.y_stride) {
    const int rows = args.rows - r < 4 ? static_cast<int>(args.rows - r) : 4;
    I code[4];
    LOWBIT_UNROLL
    for (int i = 0; i < 4; ++i) {
      const int32_t* from = acc + (i < rows ? i : rows - 1) * args.acc_stride;
      code[i] = code_of<Bounded>(Lanes::add(Lanes::load(from, AllLanes{}), offset), multiplier);
    }
    Lanes::store_rows(y, args.y_stride, rows, narrow(code[0], code[1], code[2], code[3]));
  }
}

// What is left behind the last 8 columns is taken again from the end: the columns that overlap get the same codes.
template <bool Bounded>
void requantize_columns(const RequantizeArgs& args, int32_t flipped) {
  const Lanes::Narrow narrow(args.zero_point, args.qlo, args.qhi, flipped);
  int64_t column = 0;
  for (; args.columns - column >= 32; column += 32) requantize_32<Bounded>(args, column, narrow);
  for (; args.columns - column >= 8; column += 8) requantize_8<Bounded>(args, column, narrow);
  if (column < args.columns) requantize_8<Bounded>(args, args.columns - 8, narrow);
}

// NaN is not below 1.
inline bool below_one(const RequantizeArgs& args) {
  const int64_t n = args.multiplier_step == 0 ? 1 : args.columns;
  uint32_t above = 0;
  for (int64_t i = 0; i < n; ++i) {
    uint32_t word;
    memcpy(&word, args.multiplier + i, 4);
    above |= (word & 0x7FFFFFFFu) >= 0x3F800000u ? 1u : 0u;
  }
  return above == 0;
}

inline void requantize_codes(const RequantizeArgs& args, int32_t flipped) {
  if (args.columns < 8) {
    requantize_block(args);
  } else if (below_one(args)) {
    requantize_columns<true>(args, flipped);
  } else {
    requantize_columns<false>(args, flipped);
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_REQUANTIZE_COLUMNS_KERNELS(isa)                                              \
  namespace lowbit {                                                                        \
  void requantize_i32_u8_##isa(const RequantizeArgs& args) { requantize_codes(args, 128); } \
  void requantize_i32_i8_##isa(const RequantizeArgs& args) { requantize_codes(args, 0); }   \
  }
