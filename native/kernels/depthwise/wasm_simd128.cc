// depthwise_u8i8_i32 and depthwise_i8i8_i32 with WebAssembly SIMD.
#if defined(__wasm_simd128__)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

namespace lowbit {

namespace {

// 8 channels: codes widened to int16 and interleaved by pairs of taps, as i32x4.dot_i16x8_s wants them.
struct Pairs {
  using Vector = v128_t;
  static constexpr int kBlock = 8;
  static constexpr int kVectors = 2;
  static constexpr int kRows = 5;  // 9 taps are 5 pairs

  static Vector zero() { return wasm_i32x4_const_splat(0); }

  template <bool Signed>
  static Vector widen(const int8_t* from) {
    return Signed ? wasm_i16x8_load8x8(from) : wasm_u16x8_load8x8(from);
  }

  template <bool Signed>
  static void interleave(const int8_t* x0, const int8_t* x1, Vector out[2]) {
    const Vector first = widen<Signed>(x0);
    const Vector second = x1 == nullptr ? zero() : widen<Signed>(x1);
    out[0] = wasm_i16x8_shuffle(first, second, 0, 8, 1, 9, 2, 10, 3, 11);
    out[1] = wasm_i16x8_shuffle(first, second, 4, 12, 5, 13, 6, 14, 7, 15);
  }

  static Vector add_products(Vector sum, Vector codes, Vector weights) {
    return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(codes, weights));
  }

  static void load_sums(const int32_t* p, Vector sums[2]) {
    sums[0] = wasm_v128_load(p);
    sums[1] = wasm_v128_load(p + 4);
  }

  static void store_sums(int32_t* p, const Vector sums[2]) {
    wasm_v128_store(p, sums[0]);
    wasm_v128_store(p + 4, sums[1]);
  }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/depthwise/pairs.h"

namespace lowbit {

void depthwise_u8i8_i32_wasm_simd128(const DepthwiseArgs& args) { depthwise_pairs<false>(args); }
void depthwise_i8i8_i32_wasm_simd128(const DepthwiseArgs& args) { depthwise_pairs<true>(args); }

}  // namespace lowbit
#endif
