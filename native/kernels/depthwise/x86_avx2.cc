// The integer depthwise kernels with AVX2.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx2.h"

#include "native/isa/lanes/x86_avx2.h"
#include "native/kernels/depthwise/lines_256.h"

namespace lowbit {

namespace {

// 16 channels: codes widened to int16 and interleaved by pairs of taps. The unpack instructions work inside 128-bit
// lanes, so that the first sums belong to the channels 0-3 and 8-11, the second to 4-7 and 12-15.
struct Pairs {
  using Vector = __m256i;
  static constexpr int kBlock = 16;
  static constexpr int kVectors = 2;
  static constexpr int kRows = 5;  // 9 taps are 5 pairs

  static Vector zero() { return _mm256_setzero_si256(); }

  template <bool Signed>
  static Vector widen(const int8_t* from) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    return Signed ? _mm256_cvtepi8_epi16(codes) : _mm256_cvtepu8_epi16(codes);
  }

  template <bool Signed>
  static void interleave(const int8_t* x0, const int8_t* x1, Vector out[2]) {
    const Vector first = widen<Signed>(x0);
    const Vector second = x1 == nullptr ? zero() : widen<Signed>(x1);
    out[0] = _mm256_unpacklo_epi16(first, second);
    out[1] = _mm256_unpackhi_epi16(first, second);
  }

  static Vector add_products(Vector sum, Vector codes, Vector weights) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(codes, weights));
  }

  static void load_sums(const int32_t* p, Vector sums[2]) {
    const Vector low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    const Vector high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8));
    sums[0] = _mm256_permute2x128_si256(low, high, 0x20);
    sums[1] = _mm256_permute2x128_si256(low, high, 0x31);
  }

  static void store_sums(int32_t* p, const Vector sums[2]) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute2x128_si256(sums[0], sums[1], 0x20));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), _mm256_permute2x128_si256(sums[0], sums[1], 0x31));
  }
};

// The same for lines_256.h: 16 channels of four taps, two vectors for the first two and two for the others.
struct TwoPairs {
  static constexpr int kChannels = 16, kSums = 2;
  using Taps = __m256i;
  struct Column {
    __m256i v[4];
  };

  static inline Taps zero() { return _mm256_setzero_si256(); }
  template <bool Signed>
  static inline Taps load(const uint8_t* from) {
    return Pairs::widen<Signed>(reinterpret_cast<const int8_t*>(from));
  }
  template <bool Signed>
  static inline Taps constant(int32_t code) {
    return _mm256_set1_epi16(static_cast<int16_t>(code));
  }
  static inline Taps weights(const int8_t* from) { return Pairs::widen<true>(from); }

  static LOWBIT_INLINE Column interleave(Taps t0, Taps t1, Taps t2, Taps t3) {
    return {{_mm256_unpacklo_epi16(t0, t1), _mm256_unpackhi_epi16(t0, t1), _mm256_unpacklo_epi16(t2, t3),
             _mm256_unpackhi_epi16(t2, t3)}};
  }
  static LOWBIT_INLINE void add(__m256i (&sum)[kSums], const Column& column, const Column& weights) {
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) sum[v % 2] = Pairs::add_products(sum[v % 2], column.v[v], weights.v[v]);
  }
  // Each half of the codes holds 8 channels twice.
  template <bool Whole>
  static inline void store(uint8_t* y, Lanes::Codes codes, int64_t count) {
    const __m128i all = _mm256_castsi256_si128(_mm256_permute4x64_epi64(codes, 0x08));
    if (Whole) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(y), all);
    } else {
      alignas(16) uint8_t some[kChannels];
      _mm_store_si128(reinterpret_cast<__m128i*>(some), all);
      memcpy(y, some, static_cast<size_t>(count));
    }
  }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/depthwise/pairs.h"

namespace lowbit {

void depthwise_u8i8_i32_x86_avx2(const DepthwiseArgs& args) { depthwise_pairs<false>(args); }
void depthwise_i8i8_i32_x86_avx2(const DepthwiseArgs& args) { depthwise_pairs<true>(args); }
void depthwise_u8i8_u8_x86_avx2(const DepthwiseCodesArgs& args) { depthwise_lines<TwoPairs, false>(args, 128); }
void depthwise_u8i8_i8_x86_avx2(const DepthwiseCodesArgs& args) { depthwise_lines<TwoPairs, false>(args, 0); }
void depthwise_i8i8_u8_x86_avx2(const DepthwiseCodesArgs& args) { depthwise_lines<TwoPairs, true>(args, 128); }
void depthwise_i8i8_i8_x86_avx2(const DepthwiseCodesArgs& args) { depthwise_lines<TwoPairs, true>(args, 0); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
