// Sixteen lanes in a 512-bit register; the end of a row is a mask. Include inside the target region.
#pragma once

#include "native/isa/lanes/extent.h"

namespace lowbit {
namespace {

struct Lanes {
  static constexpr int kWidth = 16;
  using F = __m512;
  using I = __m512i;

  static inline __mmask16 mask(SomeLanes e) { return static_cast<__mmask16>((1u << e.n) - 1); }

  static inline F of(float v) { return _mm512_set1_ps(v); }
  static inline I of(int32_t v) { return _mm512_set1_epi32(v); }

  static inline F load(const float* p, AllLanes) { return _mm512_loadu_ps(p); }
  static inline F load(const float* p, SomeLanes e) { return _mm512_maskz_loadu_ps(mask(e), p); }
  static inline I load(const int32_t* p, AllLanes) { return _mm512_loadu_si512(p); }
  static inline I load(const int32_t* p, SomeLanes e) { return _mm512_maskz_loadu_epi32(mask(e), p); }
  static inline I load(const uint8_t* p, AllLanes) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static inline I load(const uint8_t* p, SomeLanes e) { return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask(e), p)); }
  static inline I load(const int8_t* p, AllLanes) {
    return _mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static inline I load(const int8_t* p, SomeLanes e) { return _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask(e), p)); }

  static inline void store(float* p, F v, AllLanes) { _mm512_storeu_ps(p, v); }
  static inline void store(float* p, F v, SomeLanes e) { _mm512_mask_storeu_ps(p, mask(e), v); }
  static inline void store(int32_t* p, I v, AllLanes) { _mm512_storeu_si512(p, v); }
  static inline void store(int32_t* p, I v, SomeLanes e) { _mm512_mask_storeu_epi32(p, mask(e), v); }
  static inline void store_bytes(uint8_t* p, I v, AllLanes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(v));
  }
  static inline void store_bytes(uint8_t* p, I v, SomeLanes e) {
    _mm_mask_storeu_epi8(p, mask(e), _mm512_cvtepi32_epi8(v));
  }
  static inline __m512i low_bytes(I a, I b, I c, I d) {
    __m512i bytes = _mm512_castsi128_si512(_mm512_cvtepi32_epi8(a));
    bytes = _mm512_inserti32x4(bytes, _mm512_cvtepi32_epi8(b), 1);
    bytes = _mm512_inserti32x4(bytes, _mm512_cvtepi32_epi8(c), 2);
    return _mm512_inserti32x4(bytes, _mm512_cvtepi32_epi8(d), 3);
  }
  static inline void store_bytes(uint8_t* p, I a, I b, I c, I d) { _mm512_storeu_si512(p, low_bytes(a, b, c, d)); }

  static inline void stream(float* p, F v) { _mm512_stream_ps(p, v); }
  static inline void stream_bytes(uint8_t* p, I a, I b, I c, I d) {
    _mm512_stream_si512(reinterpret_cast<__m512i*>(p), low_bytes(a, b, c, d));
  }
  static inline void end_streams() { _mm_sfence(); }
  static inline void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }

  static inline F add(F a, F b) { return _mm512_add_ps(a, b); }
  static inline F sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static inline F mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static inline F div(F a, F b) { return _mm512_div_ps(a, b); }
  static inline F square_root(F a) { return _mm512_sqrt_ps(a); }
  static inline I add(I a, I b) { return _mm512_add_epi32(a, b); }
  static inline I sub(I a, I b) { return _mm512_sub_epi32(a, b); }
  static inline I mul(I a, I b) { return _mm512_mullo_epi32(a, b); }
  static inline I exclusive_or(I a, I b) { return _mm512_xor_si512(a, b); }
  static inline I bit_and(I a, I b) { return _mm512_and_si512(a, b); }
  static inline I bit_or(I a, I b) { return _mm512_or_si512(a, b); }
  static inline I shift_left_23(I a) { return _mm512_slli_epi32(a, 23); }

  // vmaxps and vminps give their second operand unless the first is the greater (the less).
  static inline F greater(F a, F b) { return _mm512_max_ps(a, b); }
  static inline F less(F a, F b) { return _mm512_min_ps(a, b); }
  static inline F within(F v, F lo, F hi) { return less(greater(v, lo), hi); }
  static constexpr bool kScales = true;
  static inline F whole(F v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static inline F scaled(F v, F n) { return _mm512_scalef_ps(v, n); }
  static inline F where_less(F v, F w, F a, F b) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(v, w, _CMP_LT_OQ), b, a);
  }
  static inline F zero_where_less(F v, F w, F b) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(v, w, _CMP_NLT_UQ), b);
  }
  static inline F where_number(F v, F a, F b) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(v, v, _CMP_ORD_Q), b, a);
  }

  // Lane i of the result is lane i ^ kHalf.
  template <int kHalf>
  static inline F swapped(F v) {
    if constexpr (kHalf == 8) return _mm512_shuffle_f32x4(v, v, 0x4E);
    if constexpr (kHalf == 4) return _mm512_shuffle_f32x4(v, v, 0xB1);
    return _mm512_permute_ps(v, kHalf == 2 ? 0x4E : 0xB1);
  }
  static inline float first(F v) { return _mm512_cvtss_f32(v); }

  static inline I to_int(F v) { return _mm512_cvttps_epi32(v); }
  static inline I shift_left(I a, int n) { return _mm512_sll_epi32(a, _mm_cvtsi32_si128(n)); }
  static inline I shift_right(I a, int n) { return _mm512_srl_epi32(a, _mm_cvtsi32_si128(n)); }
  static inline I greater(I a, I b) { return _mm512_max_epi32(a, b); }
  static inline I less(I a, I b) { return _mm512_min_epi32(a, b); }
  static inline I greater_bits(I a, I b) { return _mm512_max_epu32(a, b); }
  static inline I more_if_less(I count, F a, F b) {
    return _mm512_mask_add_epi32(count, _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), count, _mm512_set1_epi32(1));
  }

  static inline I even(I a, I b) {
    const __m512i places = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    return _mm512_permutex2var_epi32(a, places, b);
  }
  static inline I odd(I a, I b) {
    const __m512i places = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    return _mm512_permutex2var_epi32(a, places, b);
  }
  static inline F zip_low(F a, F b) {
    const __m512i places = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    return _mm512_permutex2var_ps(a, places, b);
  }
  static inline F zip_high(F a, F b) {
    const __m512i places = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    return _mm512_permutex2var_ps(a, places, b);
  }

  static constexpr bool kPermutes = true;
  struct Eight {
    __m512 twice;
  };
  struct Sixteen {
    __m512 all;
  };
  static inline Eight eight(const float* p) {
    return {_mm512_castpd_ps(_mm512_broadcast_f64x4(_mm256_castps_pd(_mm256_loadu_ps(p))))};
  }
  static inline F look_up(const Eight& t, I i) { return _mm512_permutexvar_ps(i, t.twice); }
  static inline Sixteen sixteen(const float* p) { return {_mm512_loadu_ps(p)}; }
  static inline F look_up(const Sixteen& t, I i) { return _mm512_permutexvar_ps(i, t.all); }

  static constexpr bool kHalves = true;
  static inline __m256i to_f16(F v) { return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT); }
  static inline void store_f16(uint16_t* p, F v, AllLanes) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), to_f16(v));
  }
  static inline void store_f16(uint16_t* p, F v, SomeLanes e) { _mm256_mask_storeu_epi16(p, mask(e), to_f16(v)); }
  static inline F load_f16(const uint16_t* p, AllLanes) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static inline F load_f16(const uint16_t* p, SomeLanes e) {
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask(e), p));
  }

  static inline F to_float(I v) { return _mm512_cvtepi32_ps(v); }
  static inline I bits(F v) { return _mm512_castps_si512(v); }
  static inline F floats(I v) { return _mm512_castsi512_ps(v); }
};

}  // namespace
}  // namespace lowbit
