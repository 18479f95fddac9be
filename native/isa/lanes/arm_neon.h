// Eight lanes in a pair of 128-bit registers. Include inside the target region.
#pragma once

#include "native/isa/lanes/extent.h"

namespace lowbit {
namespace {

struct Lanes {
  static constexpr int kWidth = 8;
  using F = float32x4x2_t;
  using I = int32x4x2_t;

  static inline F pair(float32x4_t a, float32x4_t b) { return F{{a, b}}; }
  static inline I pair(int32x4_t a, int32x4_t b) { return I{{a, b}}; }
  static inline F of(float v) { return pair(vdupq_n_f32(v), vdupq_n_f32(v)); }
  static inline I of(int32_t v) { return pair(vdupq_n_s32(v), vdupq_n_s32(v)); }

  static inline F load(const float* p, AllLanes) { return pair(vld1q_f32(p), vld1q_f32(p + 4)); }
  static inline I load(const int32_t* p, AllLanes) { return pair(vld1q_s32(p), vld1q_s32(p + 4)); }
  static inline I load(const uint8_t* p, AllLanes) {
    const uint16x8_t wide = vmovl_u8(vld1_u8(p));
    return pair(vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(wide))), vreinterpretq_s32_u32(vmovl_high_u16(wide)));
  }
  static inline I load(const int8_t* p, AllLanes) {
    const int16x8_t wide = vmovl_s8(vld1_s8(p));
    return pair(vmovl_s16(vget_low_s16(wide)), vmovl_high_s16(wide));
  }
  template <typename T>
  static inline auto load(const T* p, SomeLanes e) -> decltype(load(p, AllLanes{})) {
    T whole[kWidth] = {};
    for (int i = 0; i < e.n; i++) whole[i] = p[i];
    return load(whole, AllLanes{});
  }

  static inline void store(float* p, F v, AllLanes) {
    vst1q_f32(p, v.val[0]);
    vst1q_f32(p + 4, v.val[1]);
  }
  static inline void store(int32_t* p, I v, AllLanes) {
    vst1q_s32(p, v.val[0]);
    vst1q_s32(p + 4, v.val[1]);
  }
  static inline void store_bytes(uint8_t* p, I v, AllLanes) {
    const uint16x8_t half = vuzp1q_u16(vreinterpretq_u16_s32(v.val[0]), vreinterpretq_u16_s32(v.val[1]));
    vst1_u8(p, vmovn_u16(half));
  }
  template <typename T, typename V>
  static inline void store(T* p, V v, SomeLanes e) {
    T whole[kWidth];
    store(whole, v, AllLanes{});
    for (int i = 0; i < e.n; i++) p[i] = whole[i];
  }
  static inline void store_bytes(uint8_t* p, I v, SomeLanes e) {
    uint8_t whole[kWidth];
    store_bytes(whole, v, AllLanes{});
    for (int i = 0; i < e.n; i++) p[i] = whole[i];
  }
  static inline uint8x16_t low_bytes(I a, I b) {
    const uint16x8_t first = vuzp1q_u16(vreinterpretq_u16_s32(a.val[0]), vreinterpretq_u16_s32(a.val[1]));
    const uint16x8_t second = vuzp1q_u16(vreinterpretq_u16_s32(b.val[0]), vreinterpretq_u16_s32(b.val[1]));
    return vuzp1q_u8(vreinterpretq_u8_u16(first), vreinterpretq_u8_u16(second));
  }
  static inline void store_bytes(uint8_t* p, I a, I b, I c, I d) {
    vst1q_u8(p, low_bytes(a, b));
    vst1q_u8(p + 16, low_bytes(c, d));
  }

  struct Codes {
    uint8x16_t ab, cd;
  };
  struct Narrow {
    int16x8_t zero;
    int8x16_t lo, hi;
    uint8x16_t flip;
    Narrow(int32_t zero_point, int32_t qlo, int32_t qhi, int32_t flipped)
        : zero(vdupq_n_s16(static_cast<int16_t>(zero_point - flipped))),
          lo(vdupq_n_s8(static_cast<int8_t>(qlo - flipped))),
          hi(vdupq_n_s8(static_cast<int8_t>(qhi - flipped))),
          flip(vdupq_n_u8(static_cast<uint8_t>(flipped))) {}
    inline int16x8_t words(I v) const { return vqaddq_s16(vqmovn_high_s32(vqmovn_s32(v.val[0]), v.val[1]), zero); }
    inline uint8x16_t bytes(I v, I w) const {
      const int8x16_t codes = vqmovn_high_s16(vqmovn_s16(words(v)), words(w));
      return veorq_u8(vreinterpretq_u8_s8(vminq_s8(vmaxq_s8(codes, lo), hi)), flip);
    }
    inline Codes operator()(I a, I b, I c, I d) const { return {bytes(a, b), bytes(c, d)}; }
  };
  static inline I nearest(F v) { return pair(vcvtnq_s32_f32(v.val[0]), vcvtnq_s32_f32(v.val[1])); }
  static inline void store_codes(uint8_t* p, Codes codes) {
    vst1q_u8(p, codes.ab);
    vst1q_u8(p + 16, codes.cd);
  }
  static inline void store_rows(uint8_t* p, int64_t stride, int rows, Codes codes) {
    vst1_u8(p, vget_low_u8(codes.ab));
    if (rows > 1) vst1_u8(p + stride, vget_high_u8(codes.ab));
    if (rows > 2) vst1_u8(p + 2 * stride, vget_low_u8(codes.cd));
    if (rows > 3) vst1_u8(p + 3 * stride, vget_high_u8(codes.cd));
  }

  // No stores past the caches here.
  static inline void stream(float* p, F v) { store(p, v, AllLanes{}); }
  static inline void stream_bytes(uint8_t* p, I a, I b, I c, I d) { store_bytes(p, a, b, c, d); }
  static inline void end_streams() {}
  static inline void prefetch(const void* p) { __builtin_prefetch(p); }

#define LOWBIT_LANES_BINARY(type, name, instruction)                               \
  static inline type name(type a, type b) {                                        \
    return pair(instruction(a.val[0], b.val[0]), instruction(a.val[1], b.val[1])); \
  }
  LOWBIT_LANES_BINARY(F, add, vaddq_f32)
  LOWBIT_LANES_BINARY(F, sub, vsubq_f32)
  LOWBIT_LANES_BINARY(F, mul, vmulq_f32)
  LOWBIT_LANES_BINARY(F, div, vdivq_f32)
  LOWBIT_LANES_BINARY(I, add, vaddq_s32)
  LOWBIT_LANES_BINARY(I, sub, vsubq_s32)
  LOWBIT_LANES_BINARY(I, mul, vmulq_s32)
  LOWBIT_LANES_BINARY(I, exclusive_or, veorq_s32)
  LOWBIT_LANES_BINARY(I, bit_and, vandq_s32)
  LOWBIT_LANES_BINARY(I, bit_or, vorrq_s32)
  LOWBIT_LANES_BINARY(I, greater, vmaxq_s32)
  LOWBIT_LANES_BINARY(I, less, vminq_s32)
#undef LOWBIT_LANES_BINARY
  static inline F square_root(F a) { return pair(vsqrtq_f32(a.val[0]), vsqrtq_f32(a.val[1])); }
  static inline I shift_left_23(I a) { return pair(vshlq_n_s32(a.val[0], 23), vshlq_n_s32(a.val[1], 23)); }

  // fmax and fmin treat NaN and zeros in their own way: compare and select instead. fmaxnm takes the number beside a
  // quiet NaN, which is what arithmetic gives.
  static inline F greater(F a, F b) {
    return pair(vbslq_f32(vcgtq_f32(a.val[0], b.val[0]), a.val[0], b.val[0]),
                vbslq_f32(vcgtq_f32(a.val[1], b.val[1]), a.val[1], b.val[1]));
  }
  static inline F less(F a, F b) { return where_less(a, b, a, b); }
  static inline F within(F v, F lo, F hi) {
    return pair(vminnmq_f32(vmaxnmq_f32(v.val[0], lo.val[0]), hi.val[0]),
                vminnmq_f32(vmaxnmq_f32(v.val[1], lo.val[1]), hi.val[1]));
  }
  static constexpr bool kScales = false;
  static inline F where_less(F v, F w, F a, F b) {
    return pair(vbslq_f32(vcltq_f32(v.val[0], w.val[0]), a.val[0], b.val[0]),
                vbslq_f32(vcltq_f32(v.val[1], w.val[1]), a.val[1], b.val[1]));
  }
  static inline F zero_where_less(F v, F w, F b) {
    return pair(vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(b.val[0]), vcltq_f32(v.val[0], w.val[0]))),
                vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(b.val[1]), vcltq_f32(v.val[1], w.val[1]))));
  }
  static inline F where_number(F v, F a, F b) {
    return pair(vbslq_f32(vceqq_f32(v.val[0], v.val[0]), a.val[0], b.val[0]),
                vbslq_f32(vceqq_f32(v.val[1], v.val[1]), a.val[1], b.val[1]));
  }

  // Lane i of the result is lane i ^ kHalf.
  template <int kHalf>
  static inline F swapped(F v) {
    if constexpr (kHalf == 4) return pair(v.val[1], v.val[0]);
    if constexpr (kHalf == 2) return pair(vextq_f32(v.val[0], v.val[0], 2), vextq_f32(v.val[1], v.val[1], 2));
    return pair(vrev64q_f32(v.val[0]), vrev64q_f32(v.val[1]));
  }
  static inline float first(F v) { return vgetq_lane_f32(v.val[0], 0); }

  static inline I to_int(F v) { return pair(vcvtq_s32_f32(v.val[0]), vcvtq_s32_f32(v.val[1])); }
  static inline I shift_left(I a, int n) {
    return pair(vshlq_s32(a.val[0], vdupq_n_s32(n)), vshlq_s32(a.val[1], vdupq_n_s32(n)));
  }
  static inline int32x4_t shift_right(int32x4_t a, int n) {
    return vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(a), vdupq_n_s32(-n)));
  }
  static inline I shift_right(I a, int n) { return pair(shift_right(a.val[0], n), shift_right(a.val[1], n)); }
  static inline int32x4_t greater_bits(int32x4_t a, int32x4_t b) {
    return vreinterpretq_s32_u32(vmaxq_u32(vreinterpretq_u32_s32(a), vreinterpretq_u32_s32(b)));
  }
  static inline I greater_bits(I a, I b) {
    return pair(greater_bits(a.val[0], b.val[0]), greater_bits(a.val[1], b.val[1]));
  }
  static inline I more_if_less(I count, F a, F b) {
    return pair(vsubq_s32(count.val[0], vreinterpretq_s32_u32(vcltq_f32(a.val[0], b.val[0]))),
                vsubq_s32(count.val[1], vreinterpretq_s32_u32(vcltq_f32(a.val[1], b.val[1]))));
  }

  static inline I even(I a, I b) { return pair(vuzp1q_s32(a.val[0], a.val[1]), vuzp1q_s32(b.val[0], b.val[1])); }
  static inline I odd(I a, I b) { return pair(vuzp2q_s32(a.val[0], a.val[1]), vuzp2q_s32(b.val[0], b.val[1])); }
  static inline F zip_low(F a, F b) { return pair(vzip1q_f32(a.val[0], b.val[0]), vzip2q_f32(a.val[0], b.val[0])); }
  static inline F zip_high(F a, F b) { return pair(vzip1q_f32(a.val[1], b.val[1]), vzip2q_f32(a.val[1], b.val[1])); }

  static constexpr bool kPermutes = false;
  using Eight = uint8x16x2_t;
  using Sixteen = uint8x16x4_t;
  static inline uint8x16_t four(const float* p) { return vreinterpretq_u8_f32(vld1q_f32(p)); }
  static inline Eight eight(const float* p) { return Eight{{four(p), four(p + 4)}}; }
  static inline Sixteen sixteen(const float* p) { return Sixteen{{four(p), four(p + 4), four(p + 8), four(p + 12)}}; }
  // The places of the four bytes of an entry.
  static inline uint8x16_t places(int32x4_t i) {
    return vreinterpretq_u8_s32(vmlaq_s32(vdupq_n_s32(0x03020100), i, vdupq_n_s32(0x04040404)));
  }
  static inline F look_up(const Eight& t, I i) {
    return pair(vreinterpretq_f32_u8(vqtbl2q_u8(t, places(i.val[0]))),
                vreinterpretq_f32_u8(vqtbl2q_u8(t, places(i.val[1]))));
  }
  static inline F look_up(const Sixteen& t, I i) {
    return pair(vreinterpretq_f32_u8(vqtbl4q_u8(t, places(i.val[0]))),
                vreinterpretq_f32_u8(vqtbl4q_u8(t, places(i.val[1]))));
  }

  static constexpr bool kHalves = true;
  static inline void store_f16(uint16_t* p, F v, AllLanes) {
    vst1q_u16(p, vreinterpretq_u16_f16(vcvt_high_f16_f32(vcvt_f16_f32(v.val[0]), v.val[1])));
  }
  static inline F load_f16(const uint16_t* p, AllLanes) {
    const float16x8_t halves = vreinterpretq_f16_u16(vld1q_u16(p));
    return pair(vcvt_f32_f16(vget_low_f16(halves)), vcvt_high_f32_f16(halves));
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

  static inline F to_float(I v) { return pair(vcvtq_f32_s32(v.val[0]), vcvtq_f32_s32(v.val[1])); }
  static inline I bits(F v) { return pair(vreinterpretq_s32_f32(v.val[0]), vreinterpretq_s32_f32(v.val[1])); }
  static inline F floats(I v) { return pair(vreinterpretq_f32_s32(v.val[0]), vreinterpretq_f32_s32(v.val[1])); }
};

}  // namespace
}  // namespace lowbit
