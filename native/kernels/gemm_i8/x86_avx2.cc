// gemm_u8i8_i32 and gemm_i8i8_i32 with AVX2, exact: codes widened to int16, then vpmaddwd.
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

namespace lowbit {

namespace {

constexpr int kMaxRows = 6;
constexpr int kDepth = 512;  // of k at a time: 6 rows of int16 are 6 KiB, and the columns beside them fit in L1
constexpr int kRowSpan = kDepth + 16;  // int16 between rows: not a power of two, so that rows fall into different sets

template <bool Signed>
__m256i widen(__m128i codes) {
  return Signed ? _mm256_cvtepi8_epi16(codes) : _mm256_cvtepu8_epi16(codes);
}

// to[r][i] = a[r][i] as int16 for i < depth, zero up to the next multiple of 16.
template <bool Signed>
void widen_rows(const uint8_t* a, int64_t a_stride, int64_t rows, int64_t depth, int16_t* to) {
  for (int64_t r = 0; r < rows; ++r, a += a_stride, to += kRowSpan) {
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
}

// Rows x 8 columns. sum[r][h] holds, for the columns 4h to 4h + 3, the sums over k = 0, 1 and k = 2, 3 (mod 4):
// [c0 c0' c1 c1' c2 c2' c3 c3']. 12 accumulators, 2 widened columns, one row and one product fill the 16 registers.
template <int Rows>
void tile(const int16_t* a, const int8_t* b, int64_t groups, bool first, int32_t* c, int64_t c_stride) {
  __m256i zero = _mm256_setzero_si256();
  LOWBIT_OPAQUE(zero);
  __m256i sum[Rows][2];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int h = 0; h < 2; ++h) sum[r][h] = zero;
  }
  for (int64_t g = 0; g < groups; ++g, a += 4, b += 64) {
    const __m256i left = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b)));
    const __m256i right = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b + 16)));
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      int64_t four;
      memcpy(&four, a + r * kRowSpan, 8);
      const __m256i codes = _mm256_set1_epi64x(four);
      sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(codes, left));
      sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(codes, right));
      LOWBIT_OPAQUE(sum[r][0]);  // row by row: GCC 12 would put all multiplications first, and spill
      LOWBIT_OPAQUE(sum[r][1]);
    }
  }
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    // hadd: [c0 c1 c4 c5 | c2 c3 c6 c7]; the middle quarters change places.
    const __m256i pairs = _mm256_hadd_epi32(sum[r][0], sum[r][1]);
    __m256i total = _mm256_permute4x64_epi64(pairs, 0xD8);
    __m256i* to = reinterpret_cast<__m256i*>(c + r * c_stride);
    if (!first) total = _mm256_add_epi32(total, _mm256_loadu_si256(to));
    _mm256_storeu_si256(to, total);
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
  alignas(32) int16_t wide[kMaxRows * kRowSpan];
  const int64_t tiles = (args.m + kMaxRows - 1) / kMaxRows;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t row = args.m * t / tiles;
    const int64_t rows = args.m * (t + 1) / tiles - row;
    const uint8_t* a = static_cast<const uint8_t*>(args.a) + row * args.a_stride;
    for (int64_t k = 0; k < args.k; k += kDepth) {
      const int64_t depth = args.k - k < kDepth ? args.k - k : kDepth;
      widen_rows<Signed>(a + k, args.a_stride, rows, depth, wide);
      for (int64_t half = 0; half < 2 * args.panels; ++half) {
        const int8_t* b = args.b + half / 2 * args.panel_bytes + half % 2 * 32 + k * 16;
        tile_of<kMaxRows>(rows, wide, b, (depth + 3) / 4, k == 0 && !args.accumulate,
                          args.c + row * args.c_stride + half * 8, args.c_stride);
      }
    }
  }
}

}  // namespace

void gemm_u8i8_i32_x86_avx2(const GemmI8Args& args) { gemm<false>(args); }
void gemm_i8i8_i32_x86_avx2(const GemmI8Args& args) { gemm<true>(args); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
