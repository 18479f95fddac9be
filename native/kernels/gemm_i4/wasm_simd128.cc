// The kernels of weights by group with WebAssembly SIMD, exact: codes widened to int16, then i32x4.dot_i16x8_s.
#if defined(__wasm_simd128__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

#include "native/kernels/gemm_i4/wasm_128.h"

namespace lowbit {

namespace {

// Engines on x86 have 15 registers to give: 8 accumulate 2 rows of half a panel. `low` holds [c c' d d'] for two
// columns: the sums over k = 0, 1 and k = 2, 3 (mod 4); `high` the same for the next two.
struct Widened : Vectors {
  static constexpr int kParts = 2;
  static constexpr int64_t kRun = 1 << 16;
  struct Bytes {
    v128_t low, high;
  };
  using Partial = Bytes;
  static inline Codes four(const int8_t* p) { return wasm_i16x8_extend_low_i8x16(wasm_v128_load32_splat(p)); }
  static inline Bytes widen(v128_t codes) {
    return {wasm_u16x8_extend_low_u8x16(codes), wasm_u16x8_extend_high_u8x16(codes)};
  }
  static inline Partial start(Ints) { return {wasm_i32x4_const_splat(0), wasm_i32x4_const_splat(0)}; }
  static inline Partial dot(Partial sum, Bytes weights, Codes codes) {
    return {wasm_i32x4_add(sum.low, wasm_i32x4_dot_i16x8(weights.low, codes)),
            wasm_i32x4_add(sum.high, wasm_i32x4_dot_i16x8(weights.high, codes))};
  }
  static inline Ints finish(Ints total, Partial part) {
    const v128_t even = wasm_i32x4_shuffle(part.low, part.high, 0, 2, 4, 6);
    const v128_t odd = wasm_i32x4_shuffle(part.low, part.high, 1, 3, 5, 7);
    return wasm_i32x4_add(total, wasm_i32x4_add(even, odd));
  }
};

struct Bits4 : Widened {
  static constexpr int kSteps = 2;
  static inline Ints middle(Ints v) { return wasm_i32x4_shl(v, 3); }
  static inline Bytes step(Line line, int s) { return widen(half(line, s)); }
};

struct Bits8 : Widened {
  static constexpr int kSteps = 1;
  static inline Ints middle(Ints v) { return wasm_i32x4_shl(v, 7); }
  static inline Bytes step(Line line, int) { return widen(line); }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_i4/tile.h"

namespace lowbit {

void gemm_i8u4_f32_wasm_simd128(const GemmGroupsArgs& args) { columns_of<Bits4, 2, 1>(args, 0); }
void gemm_i8u8_f32_wasm_simd128(const GemmGroupsArgs& args) { columns_of<Bits8, 2, 1>(args, 0); }

}  // namespace lowbit

#include "native/isa/lanes/wasm_simd128.h"
#include "native/kernels/gemm_i4/groups_lanes.h"
#include "native/kernels/gemm_i4/groups_body.h"
#include "native/kernels/gemm_i4/unpack_body.h"

LOWBIT_UNPACK_KERNELS(wasm_simd128)
LOWBIT_QUANTIZE_GROUPS_KERNELS(wasm_simd128)
#endif
