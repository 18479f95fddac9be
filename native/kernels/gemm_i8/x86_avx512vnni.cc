// gemm_u8i8_i32 and gemm_i8i8_i32 with AVX-512 VNNI: vpdpbusd adds four u8 * i8 products to each of 16 int32, exactly.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512vnni.h"

namespace lowbit {

namespace {

// Rows are reached from every third one (base, base + stride, base + 2 * stride are addressing modes), so that a tile
// of 12 rows needs 4 pointers instead of 12.
template <int Rows>
struct RowBases {
  static constexpr int kCount = (Rows + 2) / 3;
  const uint8_t* base[kCount];
};

inline __m512i broadcast4(const uint8_t* from) {
  int32_t word;
  memcpy(&word, from, 4);
  return _mm512_set1_epi32(word);
}

// A tile of Rows x (16 * Panels). Two vpdpbusd start per cycle and each takes 4 to 5, so 10 or more accumulators keep
// both ports busy; 24 of the 32 registers accumulate, the rest hold Panels columns of B and one broadcast of A.
// Signed codes: a = (a ^ 0x80) - 128 with a ^ 0x80 unsigned, so accumulation starts from -128 * column_sum.
template <bool Signed, int Rows, int Panels>
void tile(const uint8_t* a, const int8_t* b, const int32_t* column_sum, const GemmI8Args& args, int32_t* c) {
  const int64_t a_stride = args.a_stride;
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
  __m512i sum[Rows][Panels];
  LOWBIT_UNROLL
  for (int p = 0; p < Panels; ++p) {
    __m512i start = _mm512_setzero_si512();
    if (Signed && !args.accumulate) {
      start = _mm512_sub_epi32(start, _mm512_slli_epi32(_mm512_loadu_si512(column_sum + 16 * p), 7));
    }
    LOWBIT_OPAQUE(start);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) sum[r][p] = start;
  }
  if (args.accumulate) {
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      LOWBIT_UNROLL
      for (int p = 0; p < Panels; ++p) sum[r][p] = _mm512_loadu_si512(c + r * args.c_stride + 16 * p);
    }
  }
  RowBases<Rows> rows;
  LOWBIT_UNROLL
  for (int i = 0; i < RowBases<Rows>::kCount; ++i) rows.base[i] = a + 3 * i * a_stride;

  for (int64_t g = args.k / 4; g > 0; --g) {
    __m512i columns[Panels];
    LOWBIT_UNROLL
    for (int p = 0; p < Panels; ++p) columns[p] = _mm512_loadu_si512(b + p * args.panel_bytes);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      __m512i codes = broadcast4(rows.base[r / 3] + r % 3 * a_stride);
      if (Signed) codes = _mm512_xor_si512(codes, flip);
      LOWBIT_UNROLL
      for (int p = 0; p < Panels; ++p) sum[r][p] = _mm512_dpbusd_epi32(sum[r][p], codes, columns[p]);
    }
    LOWBIT_UNROLL
    for (int i = 0; i < RowBases<Rows>::kCount; ++i) rows.base[i] += 4;
    b += 64;
  }
  const int64_t rest = args.k % 4;
  if (rest != 0) {
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      uint8_t tail[4] = {};  // what lies behind k meets zero weights
      const uint8_t* from = rows.base[r / 3] + r % 3 * a_stride;
      for (int64_t i = 0; i < rest; ++i) tail[i] = from[i];
      __m512i codes = broadcast4(tail);
      if (Signed) codes = _mm512_xor_si512(codes, flip);
      LOWBIT_UNROLL
      for (int p = 0; p < Panels; ++p) {
        sum[r][p] = _mm512_dpbusd_epi32(sum[r][p], codes, _mm512_loadu_si512(b + p * args.panel_bytes));
      }
    }
  }
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int p = 0; p < Panels; ++p) _mm512_storeu_si512(c + r * args.c_stride + 16 * p, sum[r][p]);
  }
}

template <bool Signed, int Rows, int Panels>
void tile_of(int64_t rows, const uint8_t* a, const int8_t* b, const int32_t* column_sum, const GemmI8Args& args,
             int32_t* c) {
  if (rows == Rows) {
    tile<Signed, Rows, Panels>(a, b, column_sum, args, c);
  } else if constexpr (Rows > 1) {
    tile_of<Signed, Rows - 1, Panels>(rows, a, b, column_sum, args, c);
  }
}

// All rows by `Panels` panels, in tiles of at most MaxRows rows of nearly equal height: a last tile of one row would
// leave the ports idle while its few accumulators wait for themselves.
template <bool Signed, int MaxRows, int Panels>
void columns(const GemmI8Args& args, int64_t panel) {
  const int64_t tiles = (args.m + MaxRows - 1) / MaxRows;
  const int8_t* b = args.b + panel * args.panel_bytes;
  const uint8_t* a = static_cast<const uint8_t*>(args.a);
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t first = args.m * t / tiles;
    const int64_t rows = args.m * (t + 1) / tiles - first;
    tile_of<Signed, MaxRows, Panels>(rows, a + first * args.a_stride, b, args.column_sum + 16 * panel, args,
                                     args.c + first * args.c_stride + 16 * panel);
  }
}

template <bool Signed>
void gemm(const GemmI8Args& args) {
  int64_t panel = 0;
  if (args.m <= 2) {
    for (; args.panels - panel >= 8; panel += 8) columns<Signed, 2, 8>(args, panel);
  }
  while (args.panels - panel >= 7 || args.panels - panel == 4) {
    columns<Signed, 6, 4>(args, panel);
    panel += 4;
  }
  for (; args.panels - panel >= 3; panel += 3) columns<Signed, 8, 3>(args, panel);
  if (args.panels - panel == 2) columns<Signed, 12, 2>(args, panel);
  if (args.panels - panel == 1) columns<Signed, 12, 1>(args, panel);
}

}  // namespace

void gemm_u8i8_i32_x86_avx512vnni(const GemmI8Args& args) { gemm<false>(args); }
void gemm_i8i8_i32_x86_avx512vnni(const GemmI8Args& args) { gemm<true>(args); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
