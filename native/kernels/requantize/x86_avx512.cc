// The requantize kernels for x86_avx512.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

#include "native/isa/lanes/x86_avx512.h"
#include "native/kernels/requantize/body.h"

namespace lowbit {
namespace {

// 64 columns at a time, their offsets and multipliers in registers for all rows. The codes of four vectors are packed
// together, 32 to 16 to 8 bits, which costs half the instructions of four separate narrowings.
//   rint: the conversion rounds half to even by itself; beyond int32 it gives -2^31, as NaN does, so only the upper end
//   needs a bound before it (vminps keeps NaN, its second operand), and none (Bounded) where every |multiplier| < 1.
//   + zero_point and clamp: |rint| > 32767 ends at qlo or qhi whatever the zero point in [-128, 255], so saturating to
//   int16, adding with saturation, and saturating to the code's 8 bits changes nothing.
template <bool Signed, bool Bounded, int Vectors, bool Whole>
void requantize_columns(const RequantizeArgs& args, int64_t column, int64_t count) {
  __mmask16 mask[4];
  __m512i offset[Vectors];
  __m512 multiplier[Vectors];
  LOWBIT_UNROLL
  for (int v = 0; v < Vectors; ++v) {
    const int64_t left = count - 16 * v;
    mask[v] = static_cast<__mmask16>(left >= 16 ? 0xFFFF : (1u << left) - 1);
    offset[v] = args.offset == nullptr ? _mm512_setzero_si512()
                                       : _mm512_maskz_loadu_epi32(mask[v], args.offset + column + 16 * v);
    multiplier[v] = args.multiplier_step == 0 ? _mm512_set1_ps(*args.multiplier)
                                              : _mm512_maskz_loadu_ps(mask[v], args.multiplier + column + 16 * v);
  }
  const __mmask64 bytes = count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1;
  const __m512 most = _mm512_set1_ps(65536.0f);
  const __m512i zero_point = _mm512_set1_epi16(static_cast<int16_t>(args.zero_point));
  const __m512i lo = _mm512_set1_epi8(static_cast<char>(args.qlo));
  const __m512i hi = _mm512_set1_epi8(static_cast<char>(args.qhi));
  // Packing works inside 128-bit lanes: 4-byte group v of lane L holds columns 16 v + 4 L and the three behind.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const int32_t* acc = args.acc + column;
  uint8_t* y = static_cast<uint8_t*>(args.y) + column;
  for (int64_t r = 0; r < args.rows; ++r, acc += args.acc_stride, y += args.y_stride) {
    __m512i code[4];
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) {
      if (v >= Vectors) {
        code[v] = _mm512_setzero_si512();
        continue;
      }
      __m512i sum = Whole ? _mm512_loadu_si512(acc + 16 * v) : _mm512_maskz_loadu_epi32(mask[v], acc + 16 * v);
      sum = _mm512_add_epi32(sum, offset[v]);
      const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), multiplier[v]);
      code[v] = _mm512_cvt_roundps_epi32(Bounded ? scaled : _mm512_min_ps(most, scaled),
                                         _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(code[0], code[1]), zero_point);
    const __m512i high = Vectors <= 2 ? low : _mm512_adds_epi16(_mm512_packs_epi32(code[2], code[3]), zero_point);
    __m512i packed = Signed ? _mm512_packs_epi16(low, high) : _mm512_packus_epi16(low, high);
    packed =
        Signed ? _mm512_min_epi8(_mm512_max_epi8(packed, lo), hi) : _mm512_min_epu8(_mm512_max_epu8(packed, lo), hi);
    packed = _mm512_permutexvar_epi32(order, packed);
    if (Whole) {
      _mm512_storeu_si512(y, packed);
    } else {
      _mm512_mask_storeu_epi8(y, bytes, packed);
    }
  }
}

// NaN is not below 1.
bool below_one(const RequantizeArgs& args) {
  const int64_t n = args.multiplier_step == 0 ? 1 : args.columns;
  const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
  __mmask16 below = 0xFFFF;
  for (int64_t i = 0; i < n; i += 16) {
    const __mmask16 mask = static_cast<__mmask16>(n - i >= 16 ? 0xFFFF : (1u << (n - i)) - 1);
    const __m512i bits = _mm512_and_si512(_mm512_maskz_loadu_epi32(mask, args.multiplier + i), magnitude);
    below &= _mm512_cmp_ps_mask(_mm512_castsi512_ps(bits), _mm512_set1_ps(1.0f), _CMP_LT_OQ);
  }
  return below == 0xFFFF;
}

template <bool Signed, bool Bounded>
void requantize_codes(const RequantizeArgs& args) {
  int64_t column = 0;
  for (; args.columns - column >= 64; column += 64) requantize_columns<Signed, Bounded, 4, true>(args, column, 64);
  const int64_t left = args.columns - column;
  if (left > 48) {
    requantize_columns<Signed, Bounded, 4, false>(args, column, left);
  } else if (left > 32) {
    requantize_columns<Signed, Bounded, 3, false>(args, column, left);
  } else if (left > 16) {
    requantize_columns<Signed, Bounded, 2, false>(args, column, left);
  } else if (left > 0) {
    requantize_columns<Signed, Bounded, 1, false>(args, column, left);
  }
}

}  // namespace

void requantize_i32_u8_x86_avx512(const RequantizeArgs& args) {
  below_one(args) ? requantize_codes<false, true>(args) : requantize_codes<false, false>(args);
}
void requantize_i32_i8_x86_avx512(const RequantizeArgs& args) {
  below_one(args) ? requantize_codes<true, true>(args) : requantize_codes<true, false>(args);
}

}  // namespace lowbit
LOWBIT_ACCUMULATOR_KERNELS(x86_avx512)

#include "native/isa/target/end.h"
#endif
