// gemm_u8i8_i32 and gemm_i8i8_i32 with WebAssembly SIMD, exact: codes widened to int16, then i32x4.dot_i16x8_s.
#if defined(__wasm_simd128__)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

namespace lowbit {

namespace {

constexpr int kMaxRows = 4;
constexpr int64_t kDepth = 512;            // of k at a time, so that the widened rows stay in the L1 cache
constexpr int64_t kRowSpan = kDepth + 16;  // int16 between rows

template <bool Signed>
v128_t widen(const uint8_t* codes) {
  return Signed ? wasm_i16x8_load8x8(codes) : wasm_u16x8_load8x8(codes);
}

// to[r][i] = a[r][i] as int16 for i < depth, zero up to the next multiple of 8.
template <bool Signed>
void widen_rows(const uint8_t* a, int64_t a_stride, int64_t rows, int64_t depth, int16_t* to) {
  for (int64_t r = 0; r < rows; ++r, a += a_stride, to += kRowSpan) {
    int64_t i = 0;
    for (; i + 8 <= depth; i += 8) wasm_v128_store(to + i, widen<Signed>(a + i));
    if (i < depth) {
      uint8_t tail[8] = {};
      memcpy(tail, a + i, static_cast<size_t>(depth - i));
      wasm_v128_store(to + i, widen<Signed>(tail));
    }
  }
}

// Rows x 4 columns. sum[r][v] holds [c c' d d'] for two columns: the sums over k = 0, 1 and k = 2, 3 (mod 4). Engines
// on x86 have 15 registers to give: 8 accumulate, 2 hold widened columns, 4 the rows (which LLVM loads before it
// multiplies).
template <int Rows>
void tile(const int16_t* a, const int8_t* b, int64_t groups, bool first, int32_t* c, int64_t c_stride) {
  v128_t sum[Rows][2];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) sum[r][0] = sum[r][1] = wasm_i32x4_const_splat(0);
  for (int64_t g = 0; g < groups; ++g, a += 4, b += 64) {
    const v128_t left = wasm_i16x8_load8x8(b);
    const v128_t right = wasm_i16x8_load8x8(b + 8);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const v128_t codes = wasm_v128_load64_splat(a + r * kRowSpan);
      sum[r][0] = wasm_i32x4_add(sum[r][0], wasm_i32x4_dot_i16x8(codes, left));
      sum[r][1] = wasm_i32x4_add(sum[r][1], wasm_i32x4_dot_i16x8(codes, right));
    }
  }
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    const v128_t even = wasm_i32x4_shuffle(sum[r][0], sum[r][1], 0, 2, 4, 6);
    const v128_t odd = wasm_i32x4_shuffle(sum[r][0], sum[r][1], 1, 3, 5, 7);
    v128_t total = wasm_i32x4_add(even, odd);
    int32_t* to = c + r * c_stride;
    if (!first) total = wasm_i32x4_add(total, wasm_v128_load(to));
    wasm_v128_store(to, total);
  }
}

template <int Rows>
void tile_of(int64_t rows, const int16_t* a, const int8_t* b, int64_t groups, bool first, int32_t* c,
             int64_t c_stride) {
  if (rows == Rows) {
    tile<Rows>(a, b, groups, first, c, c_stride);
  } else if constexpr (Rows > 1) {
    tile_of<Rows - 1>(rows, a, b, groups, first, c, c_stride);
  }
}

template <bool Signed>
void gemm(const GemmI8Args& args) {
  alignas(16) int16_t wide[kMaxRows * kRowSpan];
  const int64_t tiles = (args.m + kMaxRows - 1) / kMaxRows;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t row = args.m * t / tiles;
    const int64_t rows = args.m * (t + 1) / tiles - row;
    const uint8_t* a = static_cast<const uint8_t*>(args.a) + row * args.a_stride;
    for (int64_t k = 0; k < args.k; k += kDepth) {
      const int64_t depth = args.k - k < kDepth ? args.k - k : kDepth;
      widen_rows<Signed>(a + k, args.a_stride, rows, depth, wide);
      for (int64_t part = 0; part < 4 * args.panels; ++part) {
        const int8_t* b = args.b + part / 4 * args.panel_bytes + part % 4 * 16 + k * 16;
        tile_of<kMaxRows>(rows, wide, b, (depth + 3) / 4, k == 0 && !args.accumulate,
                          args.c + row * args.c_stride + part * 4, args.c_stride);
      }
    }
  }
}

}  // namespace

void gemm_u8i8_i32_wasm_simd128(const GemmI8Args& args) { gemm<false>(args); }
void gemm_i8i8_i32_wasm_simd128(const GemmI8Args& args) { gemm<true>(args); }

}  // namespace lowbit
#endif
