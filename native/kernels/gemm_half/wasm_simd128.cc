// The products by weights of 16 bits with WebAssembly SIMD: widened in registers.
#if defined(__wasm_simd128__)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

#include "native/kernels/gemm_f32/units/wasm_simd128.h"

namespace lowbit {

namespace {

using Floats = Unfused;

struct Bf16Columns : Floats {
  static constexpr int kRows = 2;
  template <int S>
  static Vector column(const uint8_t* group, int first) {
    const v128_t pairs = wasm_v128_load(group + 4 * first);
    return S == 0 ? wasm_i32x4_shl(pairs, 16) : wasm_v128_and(pairs, wasm_i32x4_const_splat(-65536));
  }
};

struct F16Columns : Floats {
  static constexpr int kRows = 2;
  template <int S>
  static Vector column(const uint8_t* group, int first) {
    // As f16_value of widen.h.
    const v128_t codes = wasm_u32x4_load16x4(group + 32 * S + 2 * first);
    const v128_t magnitude = wasm_i32x4_shl(wasm_v128_and(codes, wasm_i32x4_const_splat(0x7fff)), 13);
    const v128_t value = wasm_f32x4_mul(magnitude, wasm_f32x4_const_splat(0x1p112f));
    const v128_t special =
        wasm_v128_and(wasm_i32x4_ge(magnitude, wasm_i32x4_const_splat(0x0f800000)), wasm_i32x4_const_splat(0x7f800000));
    const v128_t sign = wasm_i32x4_shl(wasm_v128_and(codes, wasm_i32x4_const_splat(0x8000)), 16);
    return wasm_v128_or(wasm_v128_or(value, special), sign);
  }
};

// Pairs of bf16 on both sides.
struct Bf16Pairs : Floats {
  static Vector low(Vector v) { return wasm_i32x4_shl(v, 16); }
  static Vector high(Vector v) { return wasm_v128_and(v, wasm_i32x4_const_splat(-65536)); }
  static Vector multiply_add(Vector a, Vector b, Vector c) {
    return Floats::multiply_add(high(a), high(b), Floats::multiply_add(low(a), low(b), c));
  }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_f32/body.h"

namespace lowbit {

namespace {

template <typename Simd>
void product(const GemmF32Args& args) {
  int64_t panel = 0;
  groups<Simd, 2, 1>(args, panel);
}

}  // namespace

void gemm_f32bf16_f32_wasm_simd128(const GemmF32Args& args) { product<Bf16Columns>(args); }
void gemm_f32f16_f32_wasm_simd128(const GemmF32Args& args) { product<F16Columns>(args); }
void gemm_bf16bf16_f32_wasm_simd128(const GemmF32Args& args) { product<Bf16Pairs>(args); }

}  // namespace lowbit
#endif
