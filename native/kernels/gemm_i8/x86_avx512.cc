// gemm_u8i8_i32 and gemm_i8i8_i32 with AVX-512 without VNNI, exact: codes widened to int16, then vpmaddwd (see
// x86_avx2.cc for why not vpmaddubsw).
#if defined(__x86_64__) || defined(_M_X64)
#include <cstring>
#include <limits>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

namespace lowbit {

namespace {

constexpr int kMaxRows = 12;
constexpr int kThinRows = 2;
// Of k at a time: 12 rows of int16 are 9 KiB, beside a panel of 6 KiB in L1.
constexpr int kDepth = 384;
constexpr int kRowSpan = kDepth + 32;  // int16 between rows: not a power of two, so that rows fall into different sets

// to[r][i] = a[r][i] as int16 for i < depth, zero up to the next multiple of 32.
template <bool Signed>
void widen_rows(const uint8_t* a, int64_t a_stride, int64_t rows, int64_t depth, int16_t* to) {
  for (int64_t r = 0; r < rows; ++r, a += a_stride, to += kRowSpan) {
    for (int64_t i = 0; i < depth; i += 32) {
      const int64_t left = depth - i;
      const __mmask32 mask = left >= 32 ? ~__mmask32{0} : (__mmask32{1} << left) - 1;
      const __m256i codes = _mm256_maskz_loadu_epi8(mask, a + i);
      _mm512_storeu_si512(to + i, Signed ? _mm512_cvtepi8_epi16(codes) : _mm512_cvtepu8_epi16(codes));
    }
  }
}

// Rows x 16 columns. sum[r][h] holds, for the columns 8h to 8h + 7, the sums over k = 0, 1 and k = 2, 3 (mod 4):
// [c0 c0' c1 c1' …]. 24 accumulators, 2 widened columns, one row and one product are 28 of the 32 registers.
template <int Rows>
void tile(const int16_t* a, const int8_t* b, int64_t groups, bool first, int32_t* c, int64_t c_stride) {
  __m512i zero = _mm512_setzero_si512();
  LOWBIT_OPAQUE(zero);
  __m512i sum[Rows][2];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int h = 0; h < 2; ++h) sum[r][h] = zero;
  }
  for (int64_t g = 0; g < groups; ++g, a += 4, b += 64) {
    // Few rows wait for their weights: those that the next chunk reads come while this one multiplies.
    if constexpr (Rows <= kThinRows) _mm_prefetch(reinterpret_cast<const char*>(b + 16 * kDepth), _MM_HINT_T0);
    const __m512i left = _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(b)));
    const __m512i right = _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + 32)));
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      int64_t four;
      memcpy(&four, a + r * kRowSpan, 8);
      const __m512i codes = _mm512_set1_epi64(four);
      sum[r][0] = _mm512_add_epi32(sum[r][0], _mm512_madd_epi16(codes, left));
      sum[r][1] = _mm512_add_epi32(sum[r][1], _mm512_madd_epi16(codes, right));
      LOWBIT_OPAQUE(sum[r][0]);  // row by row: GCC 12 would put all multiplications first, and spill
      LOWBIT_OPAQUE(sum[r][1]);
    }
  }
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    __m512i total = _mm512_add_epi32(_mm512_permutex2var_epi32(sum[r][0], even, sum[r][1]),
                                     _mm512_permutex2var_epi32(sum[r][0], odd, sum[r][1]));
    if (!first) total = _mm512_add_epi32(total, _mm512_loadu_si512(c + r * c_stride));
    _mm512_storeu_si512(c + r * c_stride, total);
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
  alignas(64) int16_t wide[kMaxRows * kRowSpan];
  const int64_t tiles = (args.m + kMaxRows - 1) / kMaxRows;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t row = args.m * t / tiles;
    const int64_t rows = args.m * (t + 1) / tiles - row;
    const uint8_t* a = static_cast<const uint8_t*>(args.a) + row * args.a_stride;
    for (int64_t k = 0; k < args.k; k += kDepth) {
      const int64_t depth = args.k - k < kDepth ? args.k - k : kDepth;
      widen_rows<Signed>(a + k, args.a_stride, rows, depth, wide);
      for (int64_t panel = 0; panel < args.panels; ++panel) {
        tile_of<kMaxRows>(rows, wide, args.b + panel * args.panel_bytes + k * 16, (depth + 3) / 4,
                          k == 0 && !args.accumulate, args.c + row * args.c_stride + panel * 16, args.c_stride);
      }
    }
  }
}

}  // namespace

void gemm_u8i8_i32_x86_avx512(const GemmI8Args& args) { gemm<false>(args); }
void gemm_i8i8_i32_x86_avx512(const GemmI8Args& args) { gemm<true>(args); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
