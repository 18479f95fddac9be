// The peak kernels for wasm_simd128: i32x4.dot_i16x8_s on operands that are widened already, and multiplications with
// additions.
#if defined(__wasm_simd128__)
#include <cstdint>
#include <cstring>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

#include "native/isa/lanes/wasm_simd128.h"
#include "native/kernels/peak/body.h"
#include "native/kernels/peak/chains_f32.h"

LOWBIT_READ_KERNELS(wasm_simd128)

namespace lowbit {
namespace {

inline v128_t multiply_add(v128_t a, v128_t b, v128_t c) { return wasm_f32x4_add(c, wasm_f32x4_mul(a, b)); }

}  // namespace

void peak_f32_wasm_simd128(const PeakF32Args& args) { peak_f32_chains<multiply_add>(args); }

// Half of the 16 columns after the other: 4 dots each (chains_f32.h says why the codes are loaded anew).
void peak_u8i8_i32_wasm_simd128(const PeakI8Args& args) {
  int16_t four[4];
  for (int i = 0; i < 4; ++i) four[i] = args.a[i];
  int64_t word;
  memcpy(&word, four, sizeof(word));
  const volatile int64_t* a = &word;
  for (int half = 0; half < 2; ++half) {
    v128_t columns[4], sum[4];
    LOWBIT_UNROLL
    for (int q = 0; q < 4; ++q) columns[q] = wasm_i16x8_load8x8(args.b + 32 * half + 8 * q);
    LOWBIT_UNROLL
    for (int q = 0; q < 4; ++q) sum[q] = wasm_i32x4_const_splat(0);

    for (int64_t s = 0; s < args.steps; ++s) {
      const v128_t codes = wasm_i64x2_splat(*a);
      LOWBIT_UNROLL
      for (int q = 0; q < 4; ++q) {
        sum[q] = wasm_i32x4_add(sum[q], wasm_i32x4_dot_i16x8(codes, columns[q]));
      }
    }
    LOWBIT_UNROLL
    for (int q = 0; q < 4; q += 2) {
      const v128_t first = sum[q];
      const v128_t second = sum[q + 1];
      const v128_t even = wasm_i32x4_shuffle(first, second, 0, 2, 4, 6);
      const v128_t odd = wasm_i32x4_shuffle(first, second, 1, 3, 5, 7);
      wasm_v128_store(args.out + 8 * half + 2 * q, wasm_i32x4_add(even, odd));
    }
  }
}

}  // namespace lowbit
#endif
