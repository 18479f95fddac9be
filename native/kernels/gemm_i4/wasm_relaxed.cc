// gemm_i8u4_f32 with relaxed WebAssembly SIMD: i32x4.relaxed_dot_i8x16_i7x16_add_s, whose result is the same everywhere
// when its second operand has 7 bits and pairs of products fit int16. Codes of 4 bits do: |15 * 128 * 2| = 3840.
#if defined(LOWBIT_WASM_RELAXED)
#include <cstdint>
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_relaxed.h"

#include "native/kernels/gemm_i4/wasm_128.h"

namespace lowbit {

namespace {

// 8 sums are 2 rows of a panel; 4 of the 15 registers that engines on x86 have hold its codes.
struct Bits4 : Vectors {
  static constexpr int kSteps = 2;
  static constexpr int kParts = 1;
  static constexpr int64_t kRun = 0;
  using Bytes = v128_t;
  using Partial = v128_t;
  static inline Codes four(const int8_t* p) { return wasm_v128_load32_splat(p); }
  static inline Ints middle(Ints v) { return wasm_i32x4_shl(v, 3); }
  static inline Bytes step(Line line, int s) { return half(line, s); }
  static inline Partial start(Ints total) { return total; }
  static inline Partial dot(Partial sum, Bytes weights, Codes codes) {
    return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(codes, weights, sum);
  }
  static inline Ints finish(Ints, Partial part) { return part; }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_i4/tile.h"

namespace lowbit {

void gemm_i8u4_f32_wasm_relaxed(const GemmGroupsArgs& args) { columns_of<Bits4, 2, 1>(args, 0); }

}  // namespace lowbit
#endif
