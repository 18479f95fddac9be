// gemm_u8i8_i32 and gemm_i8i8_i32 with AVX-VNNI: vpdpbusd of 256 bits adds four u8 * i8 products to each of 8 int32.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avxvnni.h"

namespace lowbit {

namespace {

constexpr int kMaxRows = 6;

inline __m256i load_256(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }

inline __m256i broadcast4(const uint8_t* from) {
  int32_t word;
  memcpy(&word, from, 4);
  return _mm256_set1_epi32(word);
}

// Rows x 16 columns: 12 accumulators, as many as two vpdpbusd per cycle of 5 cycles each need, two halves of a panel,
// one broadcast of A. Signed codes: a = (a ^ 0x80) - 128 with a ^ 0x80 unsigned, so accumulation starts from
// -128 * column_sum.
template <bool Signed, int Rows>
void tile(const uint8_t* a, const int8_t* b, const int32_t* column_sum, const GemmI8Args& args, int32_t* c) {
  const int64_t a_stride = args.a_stride;
  const __m256i flip = _mm256_set1_epi8(static_cast<char>(0x80));
  __m256i sum[Rows][2];
  LOWBIT_UNROLL
  for (int h = 0; h < 2; ++h) {
    __m256i start = _mm256_setzero_si256();
    if (Signed && !args.accumulate) {
      start = _mm256_sub_epi32(start, _mm256_slli_epi32(load_256(column_sum + 8 * h), 7));
    }
    LOWBIT_OPAQUE(start);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) sum[r][h] = args.accumulate ? load_256(c + r * args.c_stride + 8 * h) : start;
  }
  // The second half of the rows has a pointer of its own: base, base + stride and base + 2 * stride are addresses.
  const uint8_t* lower = a + 3 * a_stride;
  for (int64_t g = args.k / 4; g > 0; --g, a += 4, lower += 4, b += 64) {
    const __m256i left = load_256(b), right = load_256(b + 32);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      __m256i codes = broadcast4(r < 3 ? a + r * a_stride : lower + (r - 3) * a_stride);
      if (Signed) codes = _mm256_xor_si256(codes, flip);
      sum[r][0] = _mm256_dpbusd_avx_epi32(sum[r][0], codes, left);
      sum[r][1] = _mm256_dpbusd_avx_epi32(sum[r][1], codes, right);
    }
  }
  const int64_t rest = args.k % 4;
  if (rest != 0) {
    const __m256i left = load_256(b), right = load_256(b + 32);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      uint8_t tail[4] = {};  // what lies behind k meets zero weights
      for (int64_t i = 0; i < rest; ++i) tail[i] = a[r * a_stride + i];
      __m256i codes = broadcast4(tail);
      if (Signed) codes = _mm256_xor_si256(codes, flip);
      sum[r][0] = _mm256_dpbusd_avx_epi32(sum[r][0], codes, left);
      sum[r][1] = _mm256_dpbusd_avx_epi32(sum[r][1], codes, right);
    }
  }
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int h = 0; h < 2; ++h) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(c + r * args.c_stride + 8 * h), sum[r][h]);
    }
  }
}

template <bool Signed, int Rows>
void tile_of(int64_t rows, const uint8_t* a, const int8_t* b, const int32_t* column_sum, const GemmI8Args& args,
             int32_t* c) {
  if (rows == Rows) {
    tile<Signed, Rows>(a, b, column_sum, args, c);
  } else if constexpr (Rows > 1) {
    tile_of<Signed, Rows - 1>(rows, a, b, column_sum, args, c);
  }
}

template <bool Signed>
void gemm(const GemmI8Args& args) {
  const int64_t tiles = (args.m + kMaxRows - 1) / kMaxRows;
  for (int64_t panel = 0; panel < args.panels; ++panel) {
    const int8_t* b = args.b + panel * args.panel_bytes;
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t row = args.m * t / tiles;
      const int64_t rows = args.m * (t + 1) / tiles - row;
      tile_of<Signed, kMaxRows>(rows, static_cast<const uint8_t*>(args.a) + row * args.a_stride, b,
                                args.column_sum + 16 * panel, args, args.c + row * args.c_stride + 16 * panel);
    }
  }
}

}  // namespace

void gemm_u8i8_i32_x86_avxvnni(const GemmI8Args& args) { gemm<false>(args); }
void gemm_i8i8_i32_x86_avxvnni(const GemmI8Args& args) { gemm<true>(args); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
