// How tiles of 512-bit accumulators begin and end: sums, codes or floats, straight from registers. Included inside the
// region of an ISA file, behind the system headers.
#pragma once

#include "native/isa/unroll.h"
#include "native/kernels/gemm_i8/gemm_i8.h"
#include "native/kernels/loop.h"

namespace lowbit {

namespace {

// A product and what becomes of it: exactly one of sums, codes and floats is set; add with codes.
struct Finish512 {
  const GemmI8Product* product;
  const GemmI8Args* sums;
  const GemmI8CodesArgs* codes;
  const GemmI8FloatsArgs* floats;
  int flip;        // 0x80 for u8 codes, which are computed as i8
  bool corrected;  // there are terms that rows do not have alike
  const GemmI8AddArgs* add = nullptr;

  static bool is_corrected(const GemmI8Product& product) {
    return (product.row_zero != nullptr && product.row_zero_step != 0) || product.column_zero != nullptr;
  }
  static Finish512 codes_of(const GemmI8CodesArgs& args, int flip) {
    return {&args.product, nullptr, &args, nullptr, flip, is_corrected(args.product)};
  }
  static Finish512 add_of(const GemmI8AddArgs& args, int flip) {
    Finish512 finish = codes_of(args.codes, flip);
    finish.add = &args;
    return finish;
  }
  static Finish512 floats_of(const GemmI8FloatsArgs& args) {
    return {&args.product, nullptr, nullptr, &args, 0, is_corrected(args.product)};
  }
};

// A product that ends in sums, in one segment.
struct Sums512 : Finish512 {
  GemmI8Product own;
  explicit Sums512(const GemmI8Args& args)
      : Finish512{&own, &args, nullptr, nullptr, 0, false},
        own{args.a,           args.a_stride,   1,       0,       args.b, args.panel_bytes, args.m, args.panels, args.k,
            16 * args.panels, args.column_sum, nullptr, nullptr, 0,      nullptr,          nullptr} {}
};

// Lanes of the panel that exist.
inline __mmask16 columns_mask_512(const GemmI8Product& product, int64_t panel) {
  const int64_t left = product.columns - 16 * panel;
  return static_cast<__mmask16>(left >= 16 ? 0xFFFF : (1u << left) - 1);
}

// Accumulators of rows [row, row + Rows) and panels [panel, panel + Panels): the offset, less what every row has alike:
// the zero point, and 128 where signed codes count as a ^ 0x80.
template <bool Signed, int Rows, int Panels>
inline __attribute__((always_inline)) void start_512(const Finish512& finish, int64_t row, int64_t panel,
                                                     __m512i (&sum)[Rows][Panels]) {
  const GemmI8Product& product = *finish.product;
  if (finish.sums != nullptr && finish.sums->accumulate) {
    const GemmI8Args& args = *finish.sums;
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      LOWBIT_UNROLL
      for (int p = 0; p < Panels; ++p) {
        sum[r][p] = _mm512_loadu_si512(args.c + (row + r) * args.c_stride + 16 * (panel + p));
      }
    }
    return;
  }
  int32_t zero = Signed ? 128 : 0;
  if (product.row_zero != nullptr && product.row_zero_step == 0) zero += product.row_zero[0];
  const __m512i factor = _mm512_set1_epi32(zero);
  LOWBIT_UNROLL
  for (int p = 0; p < Panels; ++p) {
    __m512i start = _mm512_setzero_si512();
    if (product.offset != nullptr) {
      start = _mm512_maskz_loadu_epi32(columns_mask_512(product, panel + p), product.offset + 16 * (panel + p));
    }
    if (zero != 0) {
      const __m512i column_sum = _mm512_loadu_si512(product.column_sum + 16 * (panel + p));
      start = _mm512_sub_epi32(start, _mm512_mullo_epi32(factor, column_sum));
    }
    LOWBIT_OPAQUE(start);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) sum[r][p] = start;
  }
}

// The codes of four vectors are packed together, 32 to 16 to 8 bits, a third of the instructions of four narrowings.
//   rint: the conversion rounds half to even by itself, and |multiplier| < 1 keeps it inside of int32; NaN gives -2^31.
//   + zero_point and clamp: |rint| > 32767 ends at qlo or qhi whatever the zero point in [-128, 255], so saturating to
//   int16, adding with saturation, and saturating to 8 bits changes nothing. u8 codes are i8 codes less 128.
// Panels [First, First + Count) of a tile.
template <int First, int Count, int Rows, int Panels>
inline __attribute__((always_inline)) void finish_codes_512(const Finish512& finish, int64_t row, int64_t panel,
                                                            __m512i (&sum)[Rows][Panels]) {
  static_assert(Count <= 4, "four panels are one vector of codes");
  const GemmI8CodesArgs& args = *finish.codes;
  panel += First;
  __m512 multiplier[Count];
  LOWBIT_UNROLL
  for (int p = 0; p < Count; ++p) {
    multiplier[p] = args.multiplier_step == 0 ? _mm512_set1_ps(*args.multiplier)
                                              : _mm512_maskz_loadu_ps(columns_mask_512(args.product, panel + p),
                                                                      args.multiplier + 16 * (panel + p));
  }
  const __m512i zero_point = _mm512_set1_epi16(static_cast<int16_t>(args.zero_point - finish.flip));
  const __m512i lo = _mm512_set1_epi8(static_cast<char>(args.qlo - finish.flip));
  const __m512i hi = _mm512_set1_epi8(static_cast<char>(args.qhi - finish.flip));
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(finish.flip));
  // Packing works inside 128-bit lanes: 4-byte group v of lane L holds columns 16 v + 4 L and the three behind.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const int64_t columns = args.product.columns - 16 * panel;
  const bool whole = columns >= 16 * Count;
  const __mmask64 mask = columns >= 64 ? ~__mmask64{0} : (__mmask64{1} << columns) - 1;
  uint8_t* y = static_cast<uint8_t*>(args.y) + row * args.y_stride + 16 * panel;
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r, y += args.y_stride) {
    __m512i code[4];
    LOWBIT_UNROLL
    for (int p = 0; p < 4; ++p) {
      if (p >= Count) {
        code[p] = code[p - 1];
        continue;
      }
      code[p] = _mm512_cvt_roundps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sum[r][First + p]), multiplier[p]),
                                         _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(code[0], code[1]), zero_point);
    const __m512i high = Count <= 2 ? low : _mm512_adds_epi16(_mm512_packs_epi32(code[2], code[3]), zero_point);
    __m512i packed = _mm512_packs_epi16(low, high);
    packed = _mm512_xor_si512(_mm512_min_epi8(_mm512_max_epi8(packed, lo), hi), flip);
    packed = _mm512_permutexvar_epi32(order, packed);
    if (!whole) {
      _mm512_mask_storeu_epi8(y, mask, packed);
    } else if (Count == 4) {
      _mm512_storeu_si512(y, packed);
    } else if (Count == 1) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(y), _mm512_castsi512_si128(packed));
    } else {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), _mm512_castsi512_si256(packed));
      if (Count == 3) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(y + 32), _mm512_extracti32x4_epi32(packed, 2));
      }
    }
  }
}

// One row of `panels` panels, from memory.
inline void finish_floats_row_512(const GemmI8FloatsArgs& args, int64_t row, int64_t panel, int64_t panels,
                                  const int32_t* sums) {
  const __m512 lo = _mm512_set1_ps(args.lo), hi = _mm512_set1_ps(args.hi);
  const __m512 row_scale = _mm512_set1_ps(args.row_scale == nullptr ? 1.0f : args.row_scale[row * args.row_scale_step]);
  float* y = args.y + row * args.y_stride;
  for (int64_t p = panel; p < panel + panels; ++p, sums += 16) {
    const __mmask16 mask = columns_mask_512(args.product, p);
    const __m512 scale = args.column_scale_step == 0 ? _mm512_set1_ps(*args.column_scale)
                                                     : _mm512_maskz_loadu_ps(mask, args.column_scale + 16 * p);
    __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_loadu_si512(sums)), _mm512_mul_ps(row_scale, scale));
    if (args.bias != nullptr) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, args.bias + 16 * p));
    v = _mm512_min_ps(hi, _mm512_max_ps(lo, v));
    if (mask == 0xFFFF) {
      _mm512_storeu_ps(y + 16 * p, v);
    } else {
      _mm512_mask_storeu_ps(y + 16 * p, mask, v);
    }
  }
}

// The terms that rows do not have alike, for one row of sums in memory.
inline void correct_row_512(const GemmI8Product& product, int64_t row, int64_t panel, int64_t panels, int32_t* sums) {
  const bool by_row = product.row_zero != nullptr && product.row_zero_step != 0;
  const __m512i row_zero = _mm512_set1_epi32(by_row ? product.row_zero[row] : 0);
  const __m512i row_term = _mm512_set1_epi32(product.column_zero != nullptr ? product.row_term[row] : 0);
  for (int64_t p = panel; p < panel + panels; ++p, sums += 16) {
    __m512i sum = _mm512_loadu_si512(sums);
    if (by_row) {
      sum = _mm512_sub_epi32(sum, _mm512_mullo_epi32(row_zero, _mm512_loadu_si512(product.column_sum + 16 * p)));
    }
    if (product.column_zero != nullptr) {
      const __m512i zero = _mm512_maskz_loadu_epi32(columns_mask_512(product, p), product.column_zero + 16 * p);
      sum = _mm512_add_epi32(sum, _mm512_mullo_epi32(row_term, zero));
    }
    _mm512_storeu_si512(sums, sum);
  }
}

template <int Panels>
inline void finish_codes_row_512(const Finish512& finish, int64_t row, int64_t panel, const int32_t* sums) {
  __m512i sum[1][Panels];
  LOWBIT_UNROLL
  for (int p = 0; p < Panels; ++p) sum[0][p] = _mm512_loadu_si512(sums + 16 * p);
  finish_codes_512<0, Panels, 1, Panels>(finish, row, panel, sum);
}

// A tile of floats whose rows have one scale, from registers.
template <int Rows, int Panels>
inline __attribute__((always_inline)) void finish_floats_512(const Finish512& finish, int64_t row, int64_t panel,
                                                             __m512i (&sum)[Rows][Panels]) {
  const GemmI8FloatsArgs& args = *finish.floats;
  const __m512 row_scale = _mm512_set1_ps(args.row_scale == nullptr ? 1.0f : *args.row_scale);
  LOWBIT_UNROLL
  for (int p = 0; p < Panels; ++p) {
    const int64_t at = 16 * (panel + p);
    const __mmask16 mask = columns_mask_512(args.product, panel + p);
    const __m512 column_scale = args.column_scale_step == 0 ? _mm512_set1_ps(*args.column_scale)
                                                            : _mm512_maskz_loadu_ps(mask, args.column_scale + at);
    const __m512 scale = _mm512_mul_ps(row_scale, column_scale);
    // v + -0 is v, whatever it is.
    const __m512 bias = args.bias == nullptr ? _mm512_set1_ps(-0.0f) : _mm512_maskz_loadu_ps(mask, args.bias + at);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const __m512 v = _mm512_add_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(sum[r][p]), scale), bias);
      sum[r][p] = _mm512_castps_si512(v);
    }
  }
  if (args.lo > -kInfinity || args.hi < kInfinity) {
    const __m512 lo = _mm512_set1_ps(args.lo), hi = _mm512_set1_ps(args.hi);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      LOWBIT_UNROLL
      for (int p = 0; p < Panels; ++p) {
        sum[r][p] = _mm512_castps_si512(_mm512_min_ps(hi, _mm512_max_ps(lo, _mm512_castsi512_ps(sum[r][p]))));
      }
    }
  }
  float* y = args.y + row * args.y_stride + 16 * panel;
  const bool whole = args.product.columns - 16 * panel >= 16 * Panels;
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r, y += args.y_stride) {
    LOWBIT_UNROLL
    for (int p = 0; p < Panels; ++p) {
      const __m512 v = _mm512_castsi512_ps(sum[r][p]);
      if (whole || p + 1 < Panels) {
        _mm512_storeu_ps(y + 16 * p, v);
      } else {
        _mm512_mask_storeu_ps(y + 16 * p, columns_mask_512(args.product, panel + p), v);
      }
    }
  }
}

// Sums in memory, to codes that are added to others: rows of `panels` panels.
template <int Panels, bool AddedSigned>
inline void finish_add_rows_512(const Finish512& finish, int64_t row, int64_t rows, int64_t panel,
                                const int32_t* sums) {
  const GemmI8AddArgs& args = *finish.add;
  const GemmI8CodesArgs& codes = args.codes;
  __m512 multiplier[Panels];
  __mmask16 mask[Panels];
  LOWBIT_UNROLL
  for (int p = 0; p < Panels; ++p) {
    mask[p] = columns_mask_512(codes.product, panel + p);
    multiplier[p] = codes.multiplier_step == 0 ? _mm512_set1_ps(*codes.multiplier)
                                               : _mm512_maskz_loadu_ps(mask[p], codes.multiplier + 16 * (panel + p));
  }
  const __m512 code_lo = _mm512_set1_ps(static_cast<float>(codes.qlo - codes.zero_point));
  const __m512 code_hi = _mm512_set1_ps(static_cast<float>(codes.qhi - codes.zero_point));
  const __m512 ratio = _mm512_set1_ps(args.ratio), added_ratio = _mm512_set1_ps(args.added_ratio);
  const __m512i added_zero = _mm512_set1_epi32(args.added_zero);
  const __m512 lo = _mm512_set1_ps(static_cast<float>(args.qlo - args.zero_point));
  const __m512 hi = _mm512_set1_ps(static_cast<float>(args.qhi - args.zero_point));
  const __m512i zero_point = _mm512_set1_epi16(static_cast<int16_t>(args.zero_point - finish.flip));
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(finish.flip));
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const int64_t columns = codes.product.columns - 16 * panel;
  const __mmask64 all = columns >= 16 * Panels ? (~__mmask64{0} >> (64 - 16 * Panels)) : (__mmask64{1} << columns) - 1;
  const uint8_t* added = static_cast<const uint8_t*>(args.added) + row * args.added_stride + 16 * panel;
  uint8_t* y = static_cast<uint8_t*>(args.y) + row * args.y_stride + 16 * panel;
  for (int64_t r = 0; r < rows; ++r, sums += 16 * Panels, added += args.added_stride, y += args.y_stride) {
    __m512i code[4];
    LOWBIT_UNROLL
    for (int p = 0; p < 4; ++p) {
      if (p >= Panels) {
        code[p] = code[p - 1];
        continue;
      }
      __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_loadu_si512(sums + 16 * p)), multiplier[p]);
      v = _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
      v = _mm512_mul_ps(_mm512_min_ps(_mm512_max_ps(v, code_lo), code_hi), ratio);
      const __m128i bytes = columns < 16 * Panels ? _mm_maskz_loadu_epi8(mask[p], added + 16 * p)
                                                  : _mm_loadu_si128(reinterpret_cast<const __m128i*>(added + 16 * p));
      const __m512i other = AddedSigned ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes);
      v = _mm512_add_ps(v, _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(other, added_zero)), added_ratio));
      v = _mm512_min_ps(_mm512_max_ps(v, lo), hi);
      code[p] = _mm512_cvt_roundps_epi32(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(code[0], code[1]), zero_point);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(code[2], code[3]), zero_point);
    const __m512i packed = _mm512_xor_si512(_mm512_packs_epi16(low, high), flip);
    const __m512i row_codes = _mm512_permutexvar_epi32(order, packed);
    if (columns < 16 * Panels) {
      _mm512_mask_storeu_epi8(y, all, row_codes);
    } else if (Panels == 4) {
      _mm512_storeu_si512(y, row_codes);
    } else if (Panels == 1) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(y), _mm512_castsi512_si128(row_codes));
    } else {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), _mm512_castsi512_si256(row_codes));
      if (Panels == 3) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(y + 32), _mm512_extracti32x4_epi32(row_codes, 2));
      }
    }
  }
}

template <int Panels>
inline void finish_add_512(const Finish512& finish, int64_t row, int64_t rows, int64_t panel, const int32_t* sums) {
  finish.add->added_signed ? finish_add_rows_512<Panels, true>(finish, row, rows, panel, sums)
                           : finish_add_rows_512<Panels, false>(finish, row, rows, panel, sums);
}

// A tile whose sums went to the stack: floats by row, and whatever needs corrections. One copy for all tiles; long sums
// hide the way through the first-level cache.
__attribute__((noinline)) void finish_stored_512(const Finish512& finish, int64_t row, int64_t rows, int64_t panel,
                                                 int64_t panels, int32_t* sums) {
  if (finish.add != nullptr) {
    if (finish.corrected) {
      for (int64_t r = 0; r < rows; ++r) {
        correct_row_512(*finish.product, row + r, panel, panels, sums + 16 * panels * r);
      }
    }
    switch (panels) {
      case 1:
        return finish_add_512<1>(finish, row, rows, panel, sums);
      case 2:
        return finish_add_512<2>(finish, row, rows, panel, sums);
      case 3:
        return finish_add_512<3>(finish, row, rows, panel, sums);
      default:
        return finish_add_512<4>(finish, row, rows, panel, sums);
    }
  }
  for (int64_t r = row; r < row + rows; ++r, sums += 16 * panels) {
    if (finish.corrected) correct_row_512(*finish.product, r, panel, panels, sums);
    if (finish.floats != nullptr) {
      finish_floats_row_512(*finish.floats, r, panel, panels, sums);
      continue;
    }
    for (int64_t p = 0; p < panels; p += 4) {
      const int32_t* from = sums + 16 * p;
      switch (panels - p) {
        case 1:
          finish_codes_row_512<1>(finish, r, panel + p, from);
          break;
        case 2:
          finish_codes_row_512<2>(finish, r, panel + p, from);
          break;
        case 3:
          finish_codes_row_512<3>(finish, r, panel + p, from);
          break;
        default:
          finish_codes_row_512<4>(finish, r, panel + p, from);
      }
    }
  }
}

template <int Rows, int Panels>
inline __attribute__((always_inline)) void finish_512(const Finish512& finish, int64_t row, int64_t panel,
                                                      __m512i (&sum)[Rows][Panels]) {
  if (finish.codes != nullptr && !finish.corrected && finish.add == nullptr) {
    finish_codes_512 < 0, Panels<4 ? Panels : 4, Rows, Panels>(finish, row, panel, sum);
    if constexpr (Panels > 4) finish_codes_512<4, Panels - 4, Rows, Panels>(finish, row, panel, sum);
    return;
  }
  // Narrow tiles are few, and their code as long.
  if constexpr (Panels >= 3) {
    if (finish.floats != nullptr && !finish.corrected && finish.floats->row_scale_step == 0) {
      finish_floats_512<Rows, Panels>(finish, row, panel, sum);
      return;
    }
  }
  alignas(64) int32_t stored[Rows * Panels * 16];
  int32_t* c = stored;
  int64_t c_stride = Panels * 16;
  if (finish.sums != nullptr) {
    c = finish.sums->c + row * finish.sums->c_stride + 16 * panel;
    c_stride = finish.sums->c_stride;
  }
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int p = 0; p < Panels; ++p) _mm512_storeu_si512(c + r * c_stride + 16 * p, sum[r][p]);
  }
  if (finish.sums == nullptr) finish_stored_512(finish, row, Rows, panel, Panels, stored);
}

}  // namespace

}  // namespace lowbit
