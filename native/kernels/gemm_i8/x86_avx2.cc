// The int8 products to sums and to codes with AVX2, exact: codes widened to int16, then vpmaddwd.
//
// vpmaddubsw takes bytes but saturates its pair sums. Made safe by signs (|a - 128| * sign(w), weights above -128) it
// needs vpsignb, vpmaddubsw, vpmaddwd and vpaddd for 32 products: 8 per instruction. Widening A once per block and B
// once per tile leaves vpmaddwd and vpaddd for 16 products: 8 per instruction too, for all weights, without a second
// path.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx2.h"

#include "native/isa/lanes/x86_avx2.h"
#include "native/kernels/gemm_i8/finish_lanes.h"
#include "native/kernels/gemm_i8/segment_rows.h"
#include "native/kernels/gemm_i8/wide_rows.h"

namespace lowbit {

namespace {

constexpr int kMaxRows = 6;

struct Wide {
  using Vector = __m256i;
  static constexpr int kCodes = 16;
  static constexpr int kDepth = 512;            // 6 rows of int16 are 6 KiB, and the columns beside them fit in L1
  static constexpr int kRowSpan = kDepth + 16;  // not a power of two, so that rows fall into different sets

  static inline Vector zero() { return _mm256_setzero_si256(); }
  static inline Vector broadcast(int64_t four) { return _mm256_set1_epi64x(four); }
  static inline void store(int16_t* to, Vector v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v); }
  template <bool Signed>
  static inline Vector widen(const void* from) {
    const __m128i codes = _mm_loadu_si128(static_cast<const __m128i*>(from));
    return Signed ? _mm256_cvtepi8_epi16(codes) : _mm256_cvtepu8_epi16(codes);
  }
  template <bool Signed>
  static inline Vector widen_some(const uint8_t* from, int64_t count) {
    uint8_t some[kCodes] = {};
    memcpy(some, from, static_cast<size_t>(count));
    return widen<Signed>(some);
  }
  // The assembly is what the intrinsic stands for. GCC 12 would put all multiplications of a step first, and spill;
  // kept from that, it adds into other registers and copies back, a fifth more instructions.
  static LOWBIT_INLINE void add_products(Vector& sum, Vector codes, Vector columns) {
    const Vector product = _mm256_madd_epi16(codes, columns);
#if defined(__GNUC__) && !defined(__clang__)
    __asm__ volatile("vpaddd %1, %0, %0" : "+x"(sum) : "x"(product));
#else
    sum = _mm256_add_epi32(sum, product);
#endif
  }
};

// A chunk of k of a tile. before[r * before_stride] are the sums that it adds to; those of the last chunk end as codes
// when there is an `out`, the others in c.
struct Chunk {
  const int16_t* a;
  const int8_t* b;
  int64_t groups;  // of 4 values of k
  const int32_t* before;
  int64_t before_stride;
  int32_t* c;
  int64_t c_stride;
  const CodesOut* out;
  int64_t row, column;
};

// Rows x 8 columns: 12 accumulators, 2 widened columns, one row and one product fill the 16 registers.
template <int Rows>
void tile(const Chunk& chunk) {
  __m256i sum[Rows][2];
  multiply_wide<Wide, Rows>(chunk.a, chunk.b, chunk.groups, sum);
  __m256i total[Rows];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    // hadd: [c0 c1 c4 c5 | c2 c3 c6 c7]; the middle quarters change places.
    const __m256i pairs = _mm256_hadd_epi32(sum[r][0], sum[r][1]);
    const __m256i* before = reinterpret_cast<const __m256i*>(chunk.before + r * chunk.before_stride);
    total[r] = _mm256_add_epi32(_mm256_permute4x64_epi64(pairs, 0xD8), _mm256_loadu_si256(before));
  }
  if (chunk.out != nullptr) {
    finish_rows(*chunk.out, chunk.row, chunk.column, total);
    return;
  }
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(chunk.c + r * chunk.c_stride), total[r]);
  }
}

template <int Rows>
void tile_of(int64_t rows, const Chunk& chunk) {
  if (rows == Rows) {
    tile<Rows>(chunk);
  } else if constexpr (Rows > 1) {
    tile_of<Rows - 1>(rows, chunk);
  }
}

// The sums of [row, row + rows) x `panels` panels from `panel` on: added to c when accumulate, else to start (the same
// for all rows), into c or into codes.
struct Block {
  int64_t panel, panels;
  const int32_t* start;
  bool accumulate;
  int32_t* c;
  int64_t c_stride;
  const CodesOut* out;
};

template <bool Signed>
void block_rows(const GemmI8Product& product, const Block& block, int64_t row, int64_t rows) {
  alignas(32) int16_t wide[kMaxRows * Wide::kRowSpan];
  const int64_t all = product.segments * product.k;
  Chunk chunk;
  chunk.a = wide;
  chunk.c_stride = block.c_stride;
  chunk.row = row;
  for (int64_t k = 0; k < all; k += Wide::kDepth) {
    const int64_t depth = all - k < Wide::kDepth ? all - k : Wide::kDepth;
    each_run(product, row, rows, k, depth, [&](int64_t r, int64_t i, const uint8_t* from, int64_t count) {
      widen_row<Wide, Signed>(from, count, wide + r * Wide::kRowSpan + i);
    });
    chunk.groups = (depth + 3) / 4;
    chunk.out = k + depth == all ? block.out : nullptr;
    const bool starts = k == 0 && !block.accumulate;
    chunk.before_stride = starts ? 0 : block.c_stride;
    for (int64_t half = 0; half < 2 * block.panels; ++half) {
      const int64_t panel = block.panel + half / 2;
      chunk.b = product.b + panel * product.panel_bytes + half % 2 * 32 + k * 16;
      chunk.c = block.c + half * 8;
      chunk.before = starts ? block.start + half * 8 : chunk.c;
      chunk.column = 16 * block.panel + half * 8;
      tile_of<kMaxRows>(rows, chunk);
    }
  }
}

template <bool Signed>
void gemm(const GemmI8Args& args) {
  alignas(32) int32_t zeros[16 * kFinishPanels] = {};
  const GemmI8Product product = {
      args.a,           args.a_stride, 1,       0,       args.b, args.panel_bytes, args.m, args.panels, args.k,
      16 * args.panels, nullptr,       nullptr, nullptr, 0,      nullptr,          nullptr};
  const int64_t tiles = (args.m + kMaxRows - 1) / kMaxRows;
  for (int64_t panel = 0; panel < args.panels; panel += kFinishPanels) {
    const int64_t panels = args.panels - panel < kFinishPanels ? args.panels - panel : kFinishPanels;
    Block block = {panel, panels, zeros, args.accumulate, nullptr, args.c_stride, nullptr};
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t row = args.m * t / tiles;
      block.c = args.c + row * args.c_stride + 16 * panel;
      block_rows<Signed>(product, block, row, args.m * (t + 1) / tiles - row);
    }
  }
}

template <bool Signed>
void gemm_codes(const CodesOut& out) {
  alignas(32) int32_t start[16 * kFinishPanels], sums[kMaxRows * 16 * kFinishPanels];
  const GemmI8Product& product = out.args.product;
  const int64_t tiles = (product.m + kMaxRows - 1) / kMaxRows;
  for (int64_t panel = 0; panel < product.panels; panel += kFinishPanels) {
    const int64_t panels = product.panels - panel < kFinishPanels ? product.panels - panel : kFinishPanels;
    start_columns(product, panel, panels, 0, start);
    const Block block = {panel, panels, start, false, sums, 16 * kFinishPanels, out.corrected ? nullptr : &out};
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t row = product.m * t / tiles;
      const int64_t rows = product.m * (t + 1) / tiles - row;
      block_rows<Signed>(product, block, row, rows);
      if (out.corrected) finish_corrected(out, row, rows, panel, panels, sums, block.c_stride);
    }
  }
}

}  // namespace

void gemm_u8i8_i32_x86_avx2(const GemmI8Args& args) { gemm<false>(args); }
void gemm_i8i8_i32_x86_avx2(const GemmI8Args& args) { gemm<true>(args); }
void gemm_u8i8_u8_x86_avx2(const GemmI8CodesArgs& args) { gemm_codes<false>(CodesOut(args, 128)); }
void gemm_u8i8_i8_x86_avx2(const GemmI8CodesArgs& args) { gemm_codes<false>(CodesOut(args, 0)); }
void gemm_i8i8_u8_x86_avx2(const GemmI8CodesArgs& args) { gemm_codes<true>(CodesOut(args, 128)); }
void gemm_i8i8_i8_x86_avx2(const GemmI8CodesArgs& args) { gemm_codes<true>(CodesOut(args, 0)); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
