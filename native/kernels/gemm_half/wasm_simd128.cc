// The products by weights of 16 bits with WebAssembly SIMD: widened in registers.
#if defined(__wasm_simd128__)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

#include "native/kernels/gemm_f32/units/wasm_simd128.h"

namespace lowbit {

namespace {

struct Halves : Unfused {
  static Vector low(Vector v) { return wasm_i32x4_shl(v, 16); }
  static Vector high(Vector v) { return wasm_v128_and(v, wasm_i32x4_const_splat(-65536)); }
  // As f16_value of widen.h.
  static Vector widen(const uint8_t* p) {
    const v128_t codes = wasm_u32x4_load16x4(p);
    const v128_t magnitude = wasm_i32x4_shl(wasm_v128_and(codes, wasm_i32x4_const_splat(0x7fff)), 13);
    const v128_t value = wasm_f32x4_mul(magnitude, wasm_f32x4_const_splat(0x1p112f));
    const v128_t special =
        wasm_v128_and(wasm_i32x4_ge(magnitude, wasm_i32x4_const_splat(0x0f800000)), wasm_i32x4_const_splat(0x7f800000));
    const v128_t sign = wasm_i32x4_shl(wasm_v128_and(codes, wasm_i32x4_const_splat(0x8000)), 16);
    return wasm_v128_or(wasm_v128_or(value, special), sign);
  }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_half/body.h"

namespace lowbit {

namespace {

template <typename Simd>
void product(const GemmF32Args& args) {
  int64_t panel = 0;
  groups<Simd, 2, 1>(args, panel);
}

}  // namespace

}  // namespace lowbit

LOWBIT_GEMM_HALF_KERNELS(wasm_simd128)
#endif
