// Lines of depthwise convolution with AVX-VNNI: vpdpbusd adds four taps of a channel at once.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avxvnni.h"

#include "native/isa/lanes/x86_avx2.h"
#include "native/kernels/depthwise/lines_256.h"

namespace lowbit {

namespace {

// 32 channels. The unpack instructions work inside 128-bit halves: 4-byte group i of half h of vector q belongs to
// channel 16 h + 4 q + i. Signed codes x become x ^ 0x80 = x + 128, which is unsigned.
struct FourTaps {
  static constexpr int kChannels = 32, kSums = 4;
  using Taps = __m256i;
  struct Column {
    __m256i v[4];
  };

  static inline Taps zero() { return _mm256_setzero_si256(); }
  template <bool Signed>
  static inline Taps load(const uint8_t* from) {
    const __m256i codes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    return Signed ? _mm256_xor_si256(codes, _mm256_set1_epi8(static_cast<char>(0x80))) : codes;
  }
  template <bool Signed>
  static inline Taps constant(int32_t code) {
    return _mm256_set1_epi8(static_cast<char>(code + (Signed ? 128 : 0)));
  }
  static inline Taps weights(const int8_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }

  static LOWBIT_INLINE Column interleave(Taps t0, Taps t1, Taps t2, Taps t3) {
    const __m256i low01 = _mm256_unpacklo_epi8(t0, t1), high01 = _mm256_unpackhi_epi8(t0, t1);
    const __m256i low23 = _mm256_unpacklo_epi8(t2, t3), high23 = _mm256_unpackhi_epi8(t2, t3);
    return {{_mm256_unpacklo_epi16(low01, low23), _mm256_unpackhi_epi16(low01, low23),
             _mm256_unpacklo_epi16(high01, high23), _mm256_unpackhi_epi16(high01, high23)}};
  }
  static LOWBIT_INLINE void add(__m256i (&sum)[kSums], const Column& column, const Column& weights) {
    LOWBIT_UNROLL
    for (int q = 0; q < kSums; ++q) sum[q] = _mm256_dpbusd_avx_epi32(sum[q], column.v[q], weights.v[q]);
  }
  // Packing works inside halves too, which undoes the interleaving.
  template <bool Whole>
  static inline void store(uint8_t* y, Lanes::Codes codes, int64_t count) {
    if (Whole) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), codes);
    } else {
      alignas(32) uint8_t some[kChannels];
      _mm256_store_si256(reinterpret_cast<__m256i*>(some), codes);
      memcpy(y, some, static_cast<size_t>(count));
    }
  }
};

}  // namespace

void depthwise_u8i8_u8_x86_avxvnni(const DepthwiseCodesArgs& args) { depthwise_lines<FourTaps, false>(args, 128); }
void depthwise_u8i8_i8_x86_avxvnni(const DepthwiseCodesArgs& args) { depthwise_lines<FourTaps, false>(args, 0); }
void depthwise_i8i8_u8_x86_avxvnni(const DepthwiseCodesArgs& args) { depthwise_lines<FourTaps, true>(args, 128); }
void depthwise_i8i8_i8_x86_avxvnni(const DepthwiseCodesArgs& args) { depthwise_lines<FourTaps, true>(args, 0); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
