// gemm_u8i8_i32 and gemm_i8i8_i32 with AVX-512 without VNNI, exact: codes widened to int16, then vpmaddwd (see
// x86_avx2.cc for why not vpmaddubsw).
#if defined(__x86_64__) || defined(_M_X64)
#include <cstring>
#include <limits>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

#include "native/kernels/gemm_i8/wide_rows.h"

namespace lowbit {

namespace {

constexpr int kMaxRows = 12;

struct Wide {
  using Vector = __m512i;
  static constexpr int kCodes = 32;
  static constexpr int kDepth = 384;            // 12 rows of int16 are 9 KiB, beside a panel of 6 KiB in L1
  static constexpr int kRowSpan = kDepth + 32;  // not a power of two, so that rows fall into different sets

  static inline Vector zero() { return _mm512_setzero_si512(); }
  static inline Vector broadcast(int64_t four) { return _mm512_set1_epi64(four); }
  static inline void store(int16_t* to, Vector v) { _mm512_storeu_si512(to, v); }
  template <bool Signed>
  static inline Vector widened(__m256i codes) {
    return Signed ? _mm512_cvtepi8_epi16(codes) : _mm512_cvtepu8_epi16(codes);
  }
  template <bool Signed>
  static inline Vector widen(const void* from) {
    return widened<Signed>(_mm256_loadu_si256(static_cast<const __m256i*>(from)));
  }
  template <bool Signed>
  static inline Vector widen_some(const uint8_t* from, int64_t count) {
    return widened<Signed>(_mm256_maskz_loadu_epi8((__mmask32{1} << count) - 1, from));
  }
  static LOWBIT_INLINE void add_products(Vector& sum, Vector codes, Vector columns) {
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(codes, columns));
    LOWBIT_OPAQUE(sum);  // row by row: GCC 12 would put all multiplications first, and spill
  }
};

// Rows x 16 columns: 24 accumulators, 2 widened columns, one row and one product are 28 of the 32 registers.
template <int Rows>
void tile(const int16_t* a, const int8_t* b, int64_t groups, bool first, int32_t* c, int64_t c_stride) {
  __m512i sum[Rows][2];
  multiply_wide<Wide, Rows>(a, b, groups, sum);
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
  alignas(64) int16_t wide[kMaxRows * Wide::kRowSpan];
  const int64_t tiles = (args.m + kMaxRows - 1) / kMaxRows;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t row = args.m * t / tiles;
    const int64_t rows = args.m * (t + 1) / tiles - row;
    const uint8_t* a = static_cast<const uint8_t*>(args.a) + row * args.a_stride;
    for (int64_t k = 0; k < args.k; k += Wide::kDepth) {
      const int64_t depth = args.k - k < Wide::kDepth ? args.k - k : Wide::kDepth;
      for (int64_t r = 0; r < rows; ++r) {
        widen_row<Wide, Signed>(a + r * args.a_stride + k, depth, wide + r * Wide::kRowSpan);
      }
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
