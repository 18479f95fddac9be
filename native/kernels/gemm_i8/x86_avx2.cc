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

namespace lowbit {

namespace {

constexpr int kMaxRows = 6;
constexpr int kThinRows = 2;
constexpr int kDepth = 512;  // of k at a time: 6 rows of int16 are 6 KiB, and the columns beside them fit in L1
constexpr int kRowSpan = kDepth + 16;  // int16 between rows: not a power of two, so that rows fall into different sets

template <bool Signed>
__m256i widen(__m128i codes) {
  return Signed ? _mm256_cvtepi8_epi16(codes) : _mm256_cvtepu8_epi16(codes);
}

// to[i] = a[i] as int16 for i < depth, zero up to the next multiple of 16.
template <bool Signed>
void widen_row(const uint8_t* a, int64_t depth, int16_t* to) {
  int64_t i = 0;
  for (; i + 16 <= depth; i += 16) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), widen<Signed>(codes));
  }
  if (i < depth) {
    uint8_t tail[16] = {};
    memcpy(tail, a + i, static_cast<size_t>(depth - i));
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(tail));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), widen<Signed>(codes));
  }
}

// `depth` codes of rows from the k-th on, segment after segment.
template <bool Signed>
void widen_rows(const GemmI8Product& product, int64_t row, int64_t rows, int64_t k, int64_t depth, int16_t* to) {
  const uint8_t* a = static_cast<const uint8_t*>(product.a) + row * product.a_stride;
  for (int64_t r = 0; r < rows; ++r, a += product.a_stride, to += kRowSpan) {
    int64_t segment = k / product.k, behind = k % product.k;
    for (int64_t done = 0; done < depth; ++segment, behind = 0) {
      const int64_t count = product.k - behind < depth - done ? product.k - behind : depth - done;
      widen_row<Signed>(a + segment * product.segment_stride + behind, count, to + done);
      done += count;
    }
  }
}

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

// The assembly is what the intrinsic stands for. GCC 12 would put all multiplications of a step first, and spill; kept
// from that, it adds into other registers and copies back, a fifth more instructions.
LOWBIT_INLINE void add_in_place(__m256i& sum, __m256i product) {
#if defined(__GNUC__) && !defined(__clang__)
  __asm__ volatile("vpaddd %1, %0, %0" : "+x"(sum) : "x"(product));
#else
  sum = _mm256_add_epi32(sum, product);
#endif
}

// Rows x 8 columns. sum[r][h] holds, for the columns 4h to 4h + 3, the sums over k = 0, 1 and k = 2, 3 (mod 4):
// [c0 c0' c1 c1' c2 c2' c3 c3']. 12 accumulators, 2 widened columns, one row and one product fill the 16 registers.
template <int Rows>
void tile(const Chunk& chunk) {
  __m256i zero = _mm256_setzero_si256();
  LOWBIT_OPAQUE(zero);
  __m256i sum[Rows][2];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int h = 0; h < 2; ++h) sum[r][h] = zero;
  }
  const int16_t* a = chunk.a;
  const int8_t* b = chunk.b;
  for (int64_t g = chunk.groups; g > 0; --g, a += 4, b += 64) {
    // Few rows wait for their weights: those that the next chunk reads come while this one multiplies.
    if constexpr (Rows <= kThinRows) _mm_prefetch(reinterpret_cast<const char*>(b + 16 * kDepth), _MM_HINT_T0);
    const __m256i left = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
    const __m256i right = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b + 16)));
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      int64_t four;
      memcpy(&four, a + r * kRowSpan, 8);
      const __m256i codes = _mm256_set1_epi64x(four);
      add_in_place(sum[r][0], _mm256_madd_epi16(codes, left));
      add_in_place(sum[r][1], _mm256_madd_epi16(codes, right));
    }
  }
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
  alignas(32) int16_t wide[kMaxRows * kRowSpan];
  const int64_t all = product.segments * product.k;
  Chunk chunk;
  chunk.a = wide;
  chunk.c_stride = block.c_stride;
  chunk.row = row;
  for (int64_t k = 0; k < all; k += kDepth) {
    const int64_t depth = all - k < kDepth ? all - k : kDepth;
    widen_rows<Signed>(product, row, rows, k, depth, wide);
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
