// The int8 products to sums and to codes with AVX-VNNI: vpdpbusd of 256 bits adds four u8 * i8 products to each of 8
// int32.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avxvnni.h"

#include "native/isa/lanes/x86_avx2.h"
#include "native/kernels/gemm_i8/finish_lanes.h"

namespace lowbit {

namespace {

constexpr int kMaxRows = 6;

inline __m256i load_256(const void* from) { return _mm256_loadu_si256(static_cast<const __m256i*>(from)); }

inline __m256i broadcast4(const uint8_t* from) {
  int32_t word;
  memcpy(&word, from, 4);
  return _mm256_set1_epi32(word);
}

// Rows [row, …) x the columns of a panel: sums that are added to c when accumulate, else to start (the same for all
// rows), into codes when there is an `out`, else into c.
struct Tile {
  int64_t row, panel;
  const int32_t* start;
  bool accumulate;
  int32_t* c;
  int64_t c_stride;
  const CodesOut* out;
};

// Rows x 16 columns: 12 accumulators, as many as two vpdpbusd per cycle of 5 cycles each need, two halves of a panel,
// one broadcast of A. Signed codes: a = (a ^ 0x80) - 128 with a ^ 0x80 unsigned, so sums start from -128 * column_sum.
template <bool Signed, int Rows>
void tile(const GemmI8Product& product, const Tile& at) {
  const int64_t a_stride = product.a_stride;
  const __m256i flip = _mm256_set1_epi8(static_cast<char>(0x80));
  __m256i sum[Rows][2];
  LOWBIT_UNROLL
  for (int h = 0; h < 2; ++h) {
    __m256i start = load_256(at.start + 8 * h);
    LOWBIT_OPAQUE(start);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) sum[r][h] = at.accumulate ? load_256(at.c + r * at.c_stride + 8 * h) : start;
  }
  const uint8_t* first = static_cast<const uint8_t*>(product.a) + at.row * a_stride;
  const int8_t* b = product.b + at.panel * product.panel_bytes;
  for (int64_t s = 0; s < product.segments; ++s, first += product.segment_stride) {
    const uint8_t* a = first;
    // The second half of the rows has a pointer of its own: base, base + stride and base + 2 * stride are addresses.
    const uint8_t* lower = a + 3 * a_stride;
    for (int64_t g = product.k / 4; g > 0; --g, a += 4, lower += 4, b += 64) {
      const __m256i left = load_256(b), right = load_256(b + 32);
      LOWBIT_UNROLL
      for (int r = 0; r < Rows; ++r) {
        __m256i codes = broadcast4(r < 3 ? a + r * a_stride : lower + (r - 3) * a_stride);
        if (Signed) codes = _mm256_xor_si256(codes, flip);
        sum[r][0] = _mm256_dpbusd_avx_epi32(sum[r][0], codes, left);
        sum[r][1] = _mm256_dpbusd_avx_epi32(sum[r][1], codes, right);
      }
    }
    const int64_t rest = product.k % 4;
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
  }
  LOWBIT_UNROLL
  for (int h = 0; h < 2; ++h) {
    __m256i half[Rows];
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) half[r] = sum[r][h];
    if (at.out != nullptr) {
      finish_rows(*at.out, at.row, 16 * at.panel + 8 * h, half);
    } else {
      LOWBIT_UNROLL
      for (int r = 0; r < Rows; ++r) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(at.c + r * at.c_stride + 8 * h), half[r]);
      }
    }
  }
}

template <bool Signed, int Rows>
void tile_of(int64_t rows, const GemmI8Product& product, const Tile& at) {
  if (rows == Rows) {
    tile<Signed, Rows>(product, at);
  } else if constexpr (Rows > 1) {
    tile_of<Signed, Rows - 1>(rows, product, at);
  }
}

template <bool Signed>
void gemm(const GemmI8Args& args) {
  const GemmI8Product product = {
      args.a,           args.a_stride,   1,       0,       args.b, args.panel_bytes, args.m, args.panels, args.k,
      16 * args.panels, args.column_sum, nullptr, nullptr, 0,      nullptr,          nullptr};
  const int64_t tiles = (args.m + kMaxRows - 1) / kMaxRows;
  alignas(32) int32_t start[16] = {};
  Tile at = {0, 0, start, args.accumulate, nullptr, args.c_stride, nullptr};
  for (at.panel = 0; at.panel < args.panels; ++at.panel) {
    if (Signed && !args.accumulate) start_columns(product, at.panel, 1, 128, start);
    for (int64_t t = 0; t < tiles; ++t) {
      at.row = args.m * t / tiles;
      at.c = args.c + at.row * args.c_stride + 16 * at.panel;
      tile_of<Signed, kMaxRows>(args.m * (t + 1) / tiles - at.row, product, at);
    }
  }
}

template <bool Signed>
void gemm_codes(const CodesOut& out) {
  const GemmI8Product& product = out.args.product;
  const int64_t tiles = (product.m + kMaxRows - 1) / kMaxRows;
  alignas(32) int32_t start[16], sums[kMaxRows * 16];
  Tile at = {0, 0, start, false, sums, 16, out.corrected ? nullptr : &out};
  for (at.panel = 0; at.panel < product.panels; ++at.panel) {
    start_columns(product, at.panel, 1, Signed ? 128 : 0, start);
    for (int64_t t = 0; t < tiles; ++t) {
      at.row = product.m * t / tiles;
      const int64_t rows = product.m * (t + 1) / tiles - at.row;
      tile_of<Signed, kMaxRows>(rows, product, at);
      if (out.corrected) finish_corrected(out, at.row, rows, at.panel, 1, sums, 16);
    }
  }
}

}  // namespace

void gemm_u8i8_i32_x86_avxvnni(const GemmI8Args& args) { gemm<false>(args); }
void gemm_i8i8_i32_x86_avxvnni(const GemmI8Args& args) { gemm<true>(args); }
void gemm_u8i8_u8_x86_avxvnni(const GemmI8CodesArgs& args) { gemm_codes<false>(CodesOut(args, 128)); }
void gemm_u8i8_i8_x86_avxvnni(const GemmI8CodesArgs& args) { gemm_codes<false>(CodesOut(args, 0)); }
void gemm_i8i8_u8_x86_avxvnni(const GemmI8CodesArgs& args) { gemm_codes<true>(CodesOut(args, 128)); }
void gemm_i8i8_i8_x86_avxvnni(const GemmI8CodesArgs& args) { gemm_codes<true>(CodesOut(args, 0)); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
