// The requantize kernels for wasm_simd128.
#if defined(__wasm_simd128__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

#include "native/isa/lanes/wasm_simd128.h"
#include "native/kernels/requantize/body.h"
#include "native/kernels/requantize/codes_body.h"

namespace lowbit {
namespace {

// 4 * Vectors columns of all rows, their offsets and multipliers in registers.
//   rint: adding 1.5 * 2^23 leaves the integer in the low bits of the float, and the bits of floats that are not
//   negative are in the order of the floats. So only the lower end needs a bound before (pmax gives lo for NaN, too):
//   above 2^22 the difference of the bits is not the integer any more but still above 32767, and ends at 32767, then at
//   the largest code, then at hi.
template <bool Signed, bool Offset, int Vectors>
void requantize_columns(const RequantizeArgs& args, int64_t column) {
  v128_t offset[Vectors], multiplier[Vectors];
  LOWBIT_UNROLL
  for (int v = 0; v < Vectors; ++v) {
    if (Offset) offset[v] = wasm_v128_load(args.offset + column + 4 * v);
    multiplier[v] = args.multiplier_step == 0 ? wasm_f32x4_splat(*args.multiplier)
                                              : wasm_v128_load(args.multiplier + column + 4 * v);
  }
  const v128_t lo = wasm_f32x4_splat(static_cast<float>(static_cast<int64_t>(args.qlo) - args.zero_point));
  const v128_t hi = wasm_i8x16_splat(static_cast<int8_t>(args.qhi));
  const v128_t round = wasm_f32x4_splat(kRound);
  const v128_t add = wasm_i32x4_splat(static_cast<int32_t>(static_cast<uint32_t>(args.zero_point) - kRoundBits));
  const int32_t* acc = args.acc + column;
  uint8_t* y = static_cast<uint8_t*>(args.y) + column;
  const intptr_t acc_stride = static_cast<intptr_t>(args.acc_stride), y_stride = static_cast<intptr_t>(args.y_stride);
  for (intptr_t r = static_cast<intptr_t>(args.rows); r > 0; --r, acc += acc_stride, y += y_stride) {
    v128_t code[Vectors];
    LOWBIT_UNROLL
    for (int v = 0; v < Vectors; ++v) {
      v128_t sum = wasm_v128_load(acc + 4 * v);
      if (Offset) sum = wasm_i32x4_add(sum, offset[v]);
      const v128_t scaled = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(sum), multiplier[v]);
      code[v] = wasm_i32x4_add(wasm_f32x4_add(wasm_f32x4_pmax(lo, scaled), round), add);
    }
    const v128_t low = wasm_i16x8_narrow_i32x4(code[0], code[1]);
    const v128_t high = Vectors == 2 ? low : wasm_i16x8_narrow_i32x4(code[Vectors - 2], code[Vectors - 1]);
    const v128_t codes = Signed ? wasm_i8x16_min(wasm_i8x16_narrow_i16x8(low, high), hi)
                                : wasm_u8x16_min(wasm_u8x16_narrow_i16x8(low, high), hi);
    if (Vectors == 2) {
      wasm_v128_store64_lane(y, codes, 0);
    } else {
      wasm_v128_store(y, codes);
    }
  }
}

// What is left behind the last 16 columns is taken again from the end: the columns that overlap get the same codes.
template <bool Signed, bool Offset>
void requantize_codes(const RequantizeArgs& args) {
  int64_t column = 0;
  for (; args.columns - column >= 16; column += 16) requantize_columns<Signed, Offset, 4>(args, column);
  const int64_t left = args.columns - column;
  if (left > 8) {
    requantize_columns<Signed, Offset, 2>(args, column);
    requantize_columns<Signed, Offset, 2>(args, args.columns - 8);
  } else if (left > 0) {
    requantize_columns<Signed, Offset, 2>(args, args.columns - 8);
  }
}

template <bool Signed>
void requantize_any(const RequantizeArgs& args) {
  if (args.columns < 8) {
    requantize_block(args);
  } else if (args.offset != nullptr) {
    requantize_codes<Signed, true>(args);
  } else {
    requantize_codes<Signed, false>(args);
  }
}

}  // namespace

void requantize_i32_u8_wasm_simd128(const RequantizeArgs& args) { requantize_any<false>(args); }
void requantize_i32_i8_wasm_simd128(const RequantizeArgs& args) { requantize_any<true>(args); }

}  // namespace lowbit
LOWBIT_ACCUMULATOR_KERNELS(wasm_simd128)
#endif
