// Tiles of 512-bit accumulators that end in codes: what their columns have alike is made once for all rows. Included
// inside the region of an ISA file, behind finish_512.h.
#pragma once

#include "native/isa/unroll.h"
#include "native/kernels/gemm_i8/finish_512.h"

namespace lowbit {

namespace {

// Panels [panel, panel + Panels) of a product: where their accumulators start, and what requantizes them.
template <int Panels>
struct Columns512 {
  static_assert(Panels <= 4, "four panels are one vector of codes");
  __m512i start[Panels];
  __m512 multiplier[Panels];
  __m512i zero_point, lo, hi, flip;
  int64_t panel, columns;  // columns that exist, of the panels and what is behind them
  bool codes;              // the product ends in codes of rows that have all of their terms alike
  bool bounded;            // by less than the output type

  template <bool Signed>
  void prepare(const Finish512& finish, int64_t first) {
    panel = first;
    __m512i sum[1][Panels];
    start_512<Signed, 1, Panels>(finish, 0, first, sum);
    LOWBIT_UNROLL
    for (int p = 0; p < Panels; ++p) start[p] = sum[0][p];
    codes = finish.codes != nullptr && !finish.corrected && finish.add == nullptr;
    if (!codes) return;
    const GemmI8CodesArgs& args = *finish.codes;
    columns = args.product.columns - 16 * first;
    LOWBIT_UNROLL
    for (int p = 0; p < Panels; ++p) {
      multiplier[p] = args.multiplier_step == 0 ? _mm512_set1_ps(*args.multiplier)
                                                : _mm512_maskz_loadu_ps(columns_mask_512(args.product, first + p),
                                                                        args.multiplier + 16 * (first + p));
    }
    zero_point = _mm512_set1_epi16(static_cast<int16_t>(args.zero_point - finish.flip));
    lo = _mm512_set1_epi8(static_cast<char>(args.qlo - finish.flip));
    hi = _mm512_set1_epi8(static_cast<char>(args.qhi - finish.flip));
    flip = _mm512_set1_epi8(static_cast<char>(finish.flip));
    bounded = args.qlo - finish.flip > -128 || args.qhi - finish.flip < 127;
  }
};

// 64 codes of four vectors of sums with the multipliers m0 to m3, in order: packed together, 32 to 16 to 8 bits, a
// third of the instructions of four narrowings.
//   rint: the conversion rounds half to even by itself, and |multiplier| < 1 keeps it inside of int32; NaN gives -2^31.
//   + zero_point and clamp: |rint| > 32767 ends at qlo or qhi whatever the zero point in [-128, 255], so saturating to
//   int16, adding with saturation, and saturating to 8 bits changes nothing. u8 codes are i8 codes less 128.
template <int Panels>
inline __attribute__((always_inline)) __m512i codes_512(const Columns512<Panels>& columns, const __m512i (&sum)[4],
                                                        const int (&panel)[4], int count) {
  __m512i code[4];
  LOWBIT_UNROLL
  for (int v = 0; v < 4; ++v) {
    if (v >= count) {
      code[v] = code[v - 1];
      continue;
    }
    code[v] = _mm512_cvt_roundps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sum[v]), columns.multiplier[panel[v]]),
                                       _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(code[0], code[1]), columns.zero_point);
  const __m512i high = count <= 2 ? low : _mm512_adds_epi16(_mm512_packs_epi32(code[2], code[3]), columns.zero_point);
  __m512i packed = _mm512_packs_epi16(low, high);
  if (columns.bounded) packed = _mm512_min_epi8(_mm512_max_epi8(packed, columns.lo), columns.hi);
  // Packing works inside 128-bit lanes: 4-byte group v of lane L holds columns 16 v + 4 L and the three behind.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, _mm512_xor_si512(packed, columns.flip));
}

// Bytes [16 * from, 16 * (from + Panels)) of codes, as far as such columns exist, to a row of the output.
template <int From, int Panels>
inline __attribute__((always_inline)) void store_codes_512(__m512i codes, int64_t columns, uint8_t* y) {
  if (columns < 16 * Panels) {
    const __m512i row = From == 0   ? codes
                        : From == 2 ? _mm512_shuffle_i64x2(codes, codes, 0xEE)
                                    : _mm512_castsi128_si512(_mm512_extracti32x4_epi32(codes, From));
    _mm512_mask_storeu_epi8(y, (__mmask64{1} << columns) - 1, row);
  } else if constexpr (Panels == 4) {
    _mm512_storeu_si512(y, codes);
  } else if constexpr (Panels == 1) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(y), _mm512_extracti32x4_epi32(codes, From));
  } else {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), _mm512_extracti64x4_epi64(codes, From / 2));
    if constexpr (Panels == 3) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(y + 32), _mm512_extracti32x4_epi32(codes, 2));
    }
  }
}

// The codes of a tile. Rows of one or two panels share a vector, four or two of them.
template <int Rows, int Panels>
inline __attribute__((always_inline)) void finish_tile_512(const GemmI8CodesArgs& args,
                                                           const Columns512<Panels>& columns, int64_t row,
                                                           const __m512i (&sum)[Rows][Panels]) {
  constexpr int kShare = 4 / Panels;  // rows of a vector
  const int64_t stride = args.y_stride;
  uint8_t* y = static_cast<uint8_t*>(args.y) + row * stride + 16 * columns.panel;
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; r += kShare, y += kShare * stride) {
    const int rows = Rows - r < kShare ? Rows - r : kShare;
    __m512i four[4];
    int panel[4];
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) {
      const int at = v / Panels < rows ? r + v / Panels : r;
      panel[v] = v % Panels;
      four[v] = sum[at][v % Panels];
    }
    const __m512i codes = codes_512<Panels>(columns, four, panel, rows * Panels);
    store_codes_512<0, Panels>(codes, columns.columns, y);
    if constexpr (kShare > 1) {
      if (rows > 1) store_codes_512<Panels, Panels>(codes, columns.columns, y + stride);
    }
    if constexpr (kShare > 2) {
      if (rows > 2) store_codes_512<2, Panels>(codes, columns.columns, y + 2 * stride);
      if (rows > 3) store_codes_512<3, Panels>(codes, columns.columns, y + 3 * stride);
    }
  }
}

}  // namespace

}  // namespace lowbit
