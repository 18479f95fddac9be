// gemm_u8i8_i32 and gemm_i8i8_i32 with WebAssembly SIMD, exact: codes widened to int16, then i32x4.dot_i16x8_s.
//
// Written for how V8 compiles it on x86: 15 vector registers, and within a block of straight code all loads come before
// all arithmetic, so the loads of a step count as registers too, and unrolled steps spill. docs/kernels/wasm.md has
// more.
#if defined(__wasm_simd128__)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

namespace lowbit {

namespace {

constexpr int64_t kDepth = 512;           // of k at a time: a widened panel takes 16 KiB of the L1 cache
constexpr int64_t kWideRows = 32 * 1024;  // int16 of widened rows, in the L2 cache
constexpr int64_t kFewWide = 8 * 1024;    // int16 of widened rows when there are few: panels are read in long runs
constexpr int64_t kPanelRows = 12;        // with fewer rows than this, widening a panel costs more than it saves

template <bool Signed>
v128_t widen(const uint8_t* codes) {
  return Signed ? wasm_i16x8_load8x8(codes) : wasm_u16x8_load8x8(codes);
}

// int16 between widened rows of that depth: not a power of two, so that rows do not share the sets of a cache.
int64_t span_of(int64_t depth) { return (depth + 7) / 8 * 8 + 16; }

// to[r][i] = a[r][i] as int16 for i < depth, zero up to the next multiple of 8.
template <bool Signed>
void widen_rows(const uint8_t* a, int64_t a_stride, int64_t rows, int64_t depth, int64_t span, int16_t* to) {
  for (int64_t r = 0; r < rows; ++r, a += a_stride, to += span) {
    int64_t i = 0;
    for (; i + 8 <= depth; i += 8) wasm_v128_store(to + i, widen<Signed>(a + i));
    if (i < depth) {
      uint8_t tail[8] = {};
      memcpy(tail, a + i, static_cast<size_t>(depth - i));
      wasm_v128_store(to + i, widen<Signed>(tail));
    }
  }
}

// A panel widened: the 8 left columns, then the 8 right ones, each pair after pair of k as 8 columns [w(k) w(k + 1)].
void widen_panel(const int8_t* b, int64_t groups, int16_t* to) {
  for (int half = 0; half < 2; ++half) {
    const int8_t* from = b + 32 * half;
    for (int64_t g = groups; g > 0; --g, from += 64, to += 32) {
      LOWBIT_UNROLL
      for (int v = 0; v < 2; ++v) {
        // Two columns each: [c0 c1 c2 c3 d0 d1 d2 d3].
        const v128_t first = wasm_i16x8_load8x8(from + 16 * v);
        const v128_t second = wasm_i16x8_load8x8(from + 16 * v + 8);
        wasm_v128_store(to + 8 * v, wasm_i32x4_shuffle(first, second, 0, 2, 4, 6));
        wasm_v128_store(to + 8 * v + 16, wasm_i32x4_shuffle(first, second, 1, 3, 5, 7));
      }
    }
  }
}

// Rows x 8 columns from a widened panel. 4 rows: 8 registers accumulate, 6 hold what a step loads, 1 a product.
template <int Rows>
void panel_tile(const int16_t* a, int64_t span, const int16_t* b, int64_t pairs, bool first, int32_t* c,
                int64_t c_stride) {
  const int16_t* row[Rows];
  v128_t sum[Rows][2];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    row[r] = a + r * span;
    sum[r][0] = first ? wasm_i32x4_const_splat(0) : wasm_v128_load(c + r * c_stride);
    sum[r][1] = first ? wasm_i32x4_const_splat(0) : wasm_v128_load(c + r * c_stride + 4);
  }
  for (intptr_t p = static_cast<intptr_t>(pairs); p > 0; --p, b += 16) {
    const v128_t left = wasm_v128_load(b);
    const v128_t right = wasm_v128_load(b + 8);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const v128_t codes = wasm_v128_load32_splat(row[r]);
      row[r] += 2;
      sum[r][0] = wasm_i32x4_add(sum[r][0], wasm_i32x4_dot_i16x8(codes, left));
      sum[r][1] = wasm_i32x4_add(sum[r][1], wasm_i32x4_dot_i16x8(codes, right));
    }
  }
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    wasm_v128_store(c + r * c_stride, sum[r][0]);
    wasm_v128_store(c + r * c_stride + 4, sum[r][1]);
  }
}

template <int Rows>
void panel_tile_of(int64_t rows, const int16_t* a, int64_t span, const int16_t* b, int64_t pairs, bool first,
                   int32_t* c, int64_t c_stride) {
  if (rows == Rows) {
    panel_tile<Rows>(a, span, b, pairs, first, c, c_stride);
  } else if constexpr (Rows > 1) {
    panel_tile_of<Rows - 1>(rows, a, span, b, pairs, first, c, c_stride);
  }
}

// Every row and every panel is widened once per part of k.
template <bool Signed>
void gemm_panels(const GemmI8Args& args) {
  alignas(16) int16_t rows_wide[kWideRows];
  alignas(16) int16_t panel_wide[kDepth * 16];
  for (int64_t k = 0; k < args.k; k += kDepth) {
    const int64_t depth = args.k - k < kDepth ? args.k - k : kDepth;
    const int64_t groups = (depth + 3) / 4;
    const int64_t span = span_of(depth);
    const int64_t fit = kWideRows / span / 4 * 4;
    const bool first = k == 0 && !args.accumulate;
    for (int64_t row = 0; row < args.m; row += fit) {
      const int64_t rows = args.m - row < fit ? args.m - row : fit;
      widen_rows<Signed>(static_cast<const uint8_t*>(args.a) + row * args.a_stride + k, args.a_stride, rows, depth,
                         span, rows_wide);
      for (int64_t panel = 0; panel < args.panels; ++panel) {
        widen_panel(args.b + panel * args.panel_bytes + k * 16, groups, panel_wide);
        int32_t* c = args.c + row * args.c_stride + panel * 16;
        for (int64_t r = 0; r < rows; r += 4) {
          const int64_t tile = rows - r < 4 ? rows - r : 4;
          const int16_t* a = rows_wide + r * span;
          int32_t* to = c + r * args.c_stride;
          panel_tile_of<4>(tile, a, span, panel_wide, 2 * groups, first, to, args.c_stride);
          panel_tile_of<4>(tile, a, span, panel_wide + 32 * groups, 2 * groups, first, to + 8, args.c_stride);
        }
      }
    }
  }
}

// Two to four rows: 2 * Vectors columns straight from the packed panel. sum[r][v] holds [c c' d d'] for two columns:
// the sums over k = 0, 1 and k = 2, 3 (mod 4).
template <int Rows, int Vectors>
void row_tile(const int16_t* a, int64_t span, const int8_t* b, int64_t groups, bool first, int32_t* c,
              int64_t c_stride) {
  v128_t sum[Rows][Vectors];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int v = 0; v < Vectors; ++v) sum[r][v] = wasm_i32x4_const_splat(0);
  }
  for (intptr_t g = static_cast<intptr_t>(groups); g > 0; --g, a += 4, b += 64) {
    v128_t columns[Vectors];
    LOWBIT_UNROLL
    for (int v = 0; v < Vectors; ++v) columns[v] = wasm_i16x8_load8x8(b + 8 * v);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const v128_t codes = wasm_v128_load64_splat(a + r * span);
      LOWBIT_UNROLL
      for (int v = 0; v < Vectors; ++v) sum[r][v] = wasm_i32x4_add(sum[r][v], wasm_i32x4_dot_i16x8(codes, columns[v]));
    }
  }
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int v = 0; v < Vectors; v += 2) {
      const v128_t even = wasm_i32x4_shuffle(sum[r][v], sum[r][v + 1], 0, 2, 4, 6);
      const v128_t odd = wasm_i32x4_shuffle(sum[r][v], sum[r][v + 1], 1, 3, 5, 7);
      v128_t total = wasm_i32x4_add(even, odd);
      int32_t* to = c + r * c_stride + 2 * v;
      if (!first) total = wasm_i32x4_add(total, wasm_v128_load(to));
      wasm_v128_store(to, total);
    }
  }
}

// One row x 16 columns: the panel is read once, in whole vectors, whose halves are widened as late as they are needed.
void single_row(const int16_t* a, const int8_t* b, int64_t groups, bool first, int32_t* c) {
  v128_t sum[8];
  LOWBIT_UNROLL
  for (int v = 0; v < 8; ++v) sum[v] = wasm_i32x4_const_splat(0);
  for (intptr_t g = static_cast<intptr_t>(groups); g > 0; --g, a += 4, b += 64) {
    const v128_t codes = wasm_v128_load64_splat(a);
    LOWBIT_UNROLL
    for (int v = 0; v < 8; v += 2) {
      const v128_t columns = wasm_v128_load(b + 8 * v);
      sum[v] = wasm_i32x4_add(sum[v], wasm_i32x4_dot_i16x8(codes, wasm_i16x8_extend_low_i8x16(columns)));
      sum[v + 1] = wasm_i32x4_add(sum[v + 1], wasm_i32x4_dot_i16x8(codes, wasm_i16x8_extend_high_i8x16(columns)));
    }
  }
  LOWBIT_UNROLL
  for (int v = 0; v < 8; v += 2) {
    const v128_t even = wasm_i32x4_shuffle(sum[v], sum[v + 1], 0, 2, 4, 6);
    const v128_t odd = wasm_i32x4_shuffle(sum[v], sum[v + 1], 1, 3, 5, 7);
    v128_t total = wasm_i32x4_add(even, odd);
    if (!first) total = wasm_i32x4_add(total, wasm_v128_load(c + 2 * v));
    wasm_v128_store(c + 2 * v, total);
  }
}

template <bool Signed>
void gemm_rows(const GemmI8Args& args) {
  alignas(16) int16_t wide[kFewWide + 4 * 16];
  const int64_t tiles = (args.m + 3) / 4;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t row = args.m * t / tiles;
    const int64_t rows = args.m * (t + 1) / tiles - row;
    const uint8_t* a = static_cast<const uint8_t*>(args.a) + row * args.a_stride;
    const int64_t part = rows == 1 ? kFewWide : rows == 2 ? kFewWide / 2 : kFewWide / 4;
    for (int64_t k = 0; k < args.k; k += part) {
      const int64_t depth = args.k - k < part ? args.k - k : part;
      const int64_t groups = (depth + 3) / 4;
      const int64_t span = span_of(depth);
      const bool first = k == 0 && !args.accumulate;
      widen_rows<Signed>(a + k, args.a_stride, rows, depth, span, wide);
      const int64_t columns = rows > 2 ? 4 : rows == 2 ? 8 : 16;
      for (int64_t column = 0; column < 16 * args.panels; column += columns) {
        const int8_t* b = args.b + column / 16 * args.panel_bytes + column % 16 * 4 + k * 16;
        int32_t* c = args.c + row * args.c_stride + column;
        if (rows == 1) {
          single_row(wide, b, groups, first, c);
        } else if (rows == 2) {
          row_tile<2, 4>(wide, span, b, groups, first, c, args.c_stride);
        } else if (rows == 3) {
          row_tile<3, 2>(wide, span, b, groups, first, c, args.c_stride);
        } else {
          row_tile<4, 2>(wide, span, b, groups, first, c, args.c_stride);
        }
      }
    }
  }
}

template <bool Signed>
void gemm(const GemmI8Args& args) {
  args.m < kPanelRows ? gemm_rows<Signed>(args) : gemm_panels<Signed>(args);
}

}  // namespace

void gemm_u8i8_i32_wasm_simd128(const GemmI8Args& args) { gemm<false>(args); }
void gemm_i8i8_i32_wasm_simd128(const GemmI8Args& args) { gemm<true>(args); }

}  // namespace lowbit
#endif
