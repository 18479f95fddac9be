// Eight lanes in a 256-bit register. Include inside the target region.
#pragma once

#include "native/isa/lanes/extent.h"

namespace lowbit {
namespace {

struct Lanes {
  static constexpr int kWidth = 8;
  using F = __m256;
  using I = __m256i;

  // The first n lanes: a window of this array.
  static inline __m256i mask(SomeLanes e) {
    alignas(32) static const int32_t kWindow[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kWindow + 8 - e.n));
  }
  static inline __m128i bytes(const void* p, SomeLanes e) {
    const uint8_t* from = static_cast<const uint8_t*>(p);
    uint64_t word = 0;
    for (int i = 0; i < e.n; i++) word |= static_cast<uint64_t>(from[i]) << (8 * i);
    return _mm_cvtsi64_si128(static_cast<long long>(word));
  }

  static inline F of(float v) { return _mm256_set1_ps(v); }
  static inline I of(int32_t v) { return _mm256_set1_epi32(v); }

  static inline F load(const float* p, AllLanes) { return _mm256_loadu_ps(p); }
  static inline F load(const float* p, SomeLanes e) { return _mm256_maskload_ps(p, mask(e)); }
  static inline I load(const int32_t* p, AllLanes) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static inline I load(const int32_t* p, SomeLanes e) { return _mm256_maskload_epi32(p, mask(e)); }
  static inline I load(const uint8_t* p, AllLanes) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  }
  static inline I load(const uint8_t* p, SomeLanes e) { return _mm256_cvtepu8_epi32(bytes(p, e)); }
  static inline I load(const int8_t* p, AllLanes) {
    return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  }
  static inline I load(const int8_t* p, SomeLanes e) { return _mm256_cvtepi8_epi32(bytes(p, e)); }

  static inline void store(float* p, F v, AllLanes) { _mm256_storeu_ps(p, v); }
  static inline void store(float* p, F v, SomeLanes e) { _mm256_maskstore_ps(p, mask(e), v); }
  static inline void store(int32_t* p, I v, AllLanes) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  static inline void store(int32_t* p, I v, SomeLanes e) { _mm256_maskstore_epi32(p, mask(e), v); }
  // The low bytes of each half gather in its first word, then both words in the low half.
  static inline __m128i low_bytes(I v) {
    const __m256i gather = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
                                            0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const __m256i words = _mm256_shuffle_epi8(v, gather);
    return _mm_unpacklo_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  }
  static inline void store_bytes(uint8_t* p, I v, AllLanes) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), low_bytes(v));
  }
  static inline void store_bytes(uint8_t* p, I v, SomeLanes e) {
    uint64_t word = static_cast<uint64_t>(_mm_cvtsi128_si64(low_bytes(v)));
    for (int i = 0; i < e.n; i++, word >>= 8) p[i] = static_cast<uint8_t>(word);
  }
  // Nothing saturates, because the low bytes stand alone.
  static inline __m256i low_bytes(I a, I b, I c, I d) {
    const __m256i byte = _mm256_set1_epi32(255);
    const __m256i ab = _mm256_packus_epi32(_mm256_and_si256(a, byte), _mm256_and_si256(b, byte));
    const __m256i cd = _mm256_packus_epi32(_mm256_and_si256(c, byte), _mm256_and_si256(d, byte));
    // Both halves have four of a, of b, of c, of d.
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(ab, cd), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }
  static inline void store_bytes(uint8_t* p, I a, I b, I c, I d) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), low_bytes(a, b, c, d));
  }

  // Both halves hold four codes of a, of b, of c, of d.
  using Codes = __m256i;
  struct Narrow {
    __m256i zero, lo, hi, flip;
    Narrow(int32_t zero_point, int32_t qlo, int32_t qhi, int32_t flipped)
        : zero(_mm256_set1_epi16(static_cast<int16_t>(zero_point - flipped))),
          lo(_mm256_set1_epi8(static_cast<char>(qlo - flipped))),
          hi(_mm256_set1_epi8(static_cast<char>(qhi - flipped))),
          flip(_mm256_set1_epi8(static_cast<char>(flipped))) {}
    inline Codes operator()(I a, I b, I c, I d) const {
      const __m256i ab = _mm256_adds_epi16(_mm256_packs_epi32(a, b), zero);
      const __m256i cd = _mm256_adds_epi16(_mm256_packs_epi32(c, d), zero);
      const __m256i all = _mm256_packs_epi16(ab, cd);
      return _mm256_xor_si256(_mm256_min_epi8(_mm256_max_epi8(all, lo), hi), flip);
    }
  };
  static inline I nearest(F v) { return _mm256_cvtps_epi32(v); }
  static inline void store_codes(uint8_t* p, Codes codes) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permutevar8x32_epi32(codes, order));
  }
  static inline void store_rows(uint8_t* p, int64_t stride, int rows, Codes codes) {
    const __m128i low = _mm256_castsi256_si128(codes), high = _mm256_extracti128_si256(codes, 1);
    const __m128i ab = _mm_unpacklo_epi32(low, high), cd = _mm_unpackhi_epi32(low, high);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), ab);
    if (rows > 1) _mm_storel_epi64(reinterpret_cast<__m128i*>(p + stride), _mm_unpackhi_epi64(ab, ab));
    if (rows > 2) _mm_storel_epi64(reinterpret_cast<__m128i*>(p + 2 * stride), cd);
    if (rows > 3) _mm_storel_epi64(reinterpret_cast<__m128i*>(p + 3 * stride), _mm_unpackhi_epi64(cd, cd));
  }

  static inline void stream(float* p, F v) { _mm256_stream_ps(p, v); }
  static inline void stream_bytes(uint8_t* p, I a, I b, I c, I d) {
    _mm256_stream_si256(reinterpret_cast<__m256i*>(p), low_bytes(a, b, c, d));
  }
  static inline void end_streams() { _mm_sfence(); }
  static inline void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }

  static inline F add(F a, F b) { return _mm256_add_ps(a, b); }
  static inline F sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static inline F mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static inline F div(F a, F b) { return _mm256_div_ps(a, b); }
  static inline F square_root(F a) { return _mm256_sqrt_ps(a); }
  static inline I add(I a, I b) { return _mm256_add_epi32(a, b); }
  static inline I sub(I a, I b) { return _mm256_sub_epi32(a, b); }
  static inline I mul(I a, I b) { return _mm256_mullo_epi32(a, b); }
  static inline I exclusive_or(I a, I b) { return _mm256_xor_si256(a, b); }
  static inline I bit_and(I a, I b) { return _mm256_and_si256(a, b); }
  static inline I bit_or(I a, I b) { return _mm256_or_si256(a, b); }
  static inline I shift_left_23(I a) { return _mm256_slli_epi32(a, 23); }

  // vmaxps and vminps give their second operand unless the first is the greater (the less).
  static inline F greater(F a, F b) { return _mm256_max_ps(a, b); }
  static inline F less(F a, F b) { return _mm256_min_ps(a, b); }
  static inline F within(F v, F lo, F hi) { return less(greater(v, lo), hi); }
  static constexpr bool kScales = false;
  static inline F where_less(F v, F w, F a, F b) { return _mm256_blendv_ps(b, a, _mm256_cmp_ps(v, w, _CMP_LT_OQ)); }
  static inline F zero_where_less(F v, F w, F b) { return _mm256_andnot_ps(_mm256_cmp_ps(v, w, _CMP_LT_OQ), b); }
  static inline F where_number(F v, F a, F b) { return _mm256_blendv_ps(b, a, _mm256_cmp_ps(v, v, _CMP_ORD_Q)); }

  // Lane i of the result is lane i ^ kHalf.
  template <int kHalf>
  static inline F swapped(F v) {
    if constexpr (kHalf == 4) return _mm256_permute2f128_ps(v, v, 1);
    return _mm256_permute_ps(v, kHalf == 2 ? 0x4E : 0xB1);
  }
  static inline float first(F v) { return _mm256_cvtss_f32(v); }

  static inline I to_int(F v) { return _mm256_cvttps_epi32(v); }
  static inline I shift_left(I a, int n) { return _mm256_sll_epi32(a, _mm_cvtsi32_si128(n)); }
  static inline I shift_right(I a, int n) { return _mm256_srl_epi32(a, _mm_cvtsi32_si128(n)); }
  static inline I greater(I a, I b) { return _mm256_max_epi32(a, b); }
  static inline I less(I a, I b) { return _mm256_min_epi32(a, b); }
  static inline I greater_bits(I a, I b) { return _mm256_max_epu32(a, b); }
  static inline I more_if_less(I count, F a, F b) {
    return _mm256_sub_epi32(count, _mm256_castps_si256(_mm256_cmp_ps(a, b, _CMP_LT_OQ)));
  }

  // Four of a and of b in each half, then their quarters into order.
  static inline I even(I a, I b) {
    const __m256 mixed = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88);
    return _mm256_permute4x64_epi64(_mm256_castps_si256(mixed), 0xD8);
  }
  static inline I odd(I a, I b) {
    const __m256 mixed = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0xDD);
    return _mm256_permute4x64_epi64(_mm256_castps_si256(mixed), 0xD8);
  }
  static inline F zip_low(F a, F b) {
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20);
  }
  static inline F zip_high(F a, F b) {
    return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31);
  }

  static constexpr bool kPermutes = true;
  using Eight = __m256;
  struct Sixteen {
    __m256 low, high;
  };
  static inline Eight eight(const float* p) { return _mm256_loadu_ps(p); }
  static inline F look_up(const Eight& t, I i) { return _mm256_permutevar8x32_ps(t, i); }
  static inline Sixteen sixteen(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
  // A permutation sees three bits of an index; the fourth one, as a sign, selects.
  static inline F look_up(const Sixteen& t, I i) {
    return _mm256_blendv_ps(_mm256_permutevar8x32_ps(t.low, i), _mm256_permutevar8x32_ps(t.high, i),
                            _mm256_castsi256_ps(_mm256_slli_epi32(i, 28)));
  }

  static constexpr bool kHalves = true;
  static inline void store_f16(uint16_t* p, F v, AllLanes) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  static inline F load_f16(const uint16_t* p, AllLanes) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static inline void store_f16(uint16_t* p, F v, SomeLanes e) {
    uint16_t whole[kWidth];
    store_f16(whole, v, AllLanes{});
    for (int i = 0; i < e.n; i++) p[i] = whole[i];
  }
  static inline F load_f16(const uint16_t* p, SomeLanes e) {
    uint16_t whole[kWidth] = {};
    for (int i = 0; i < e.n; i++) whole[i] = p[i];
    return load_f16(whole, AllLanes{});
  }

  static inline F to_float(I v) { return _mm256_cvtepi32_ps(v); }
  static inline I bits(F v) { return _mm256_castps_si256(v); }
  static inline F floats(I v) { return _mm256_castsi256_ps(v); }
};

}  // namespace
}  // namespace lowbit
