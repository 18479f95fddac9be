// Eight lanes in a pair of 128-bit vectors.
#pragma once

#include "native/isa/lanes/extent.h"

namespace lowbit {
namespace {

struct Lanes {
  static constexpr int kWidth = 8;
  // Two types, so that add and its like can tell floats from integers.
  struct F {
    v128_t a, b;
  };
  struct I {
    v128_t a, b;
  };

  static inline F of(float v) { return {wasm_f32x4_splat(v), wasm_f32x4_splat(v)}; }
  static inline I of(int32_t v) { return {wasm_i32x4_splat(v), wasm_i32x4_splat(v)}; }

  static inline F load(const float* p, AllLanes) { return {wasm_v128_load(p), wasm_v128_load(p + 4)}; }
  static inline I load(const int32_t* p, AllLanes) { return {wasm_v128_load(p), wasm_v128_load(p + 4)}; }
  static inline I load(const uint8_t* p, AllLanes) {
    const v128_t wide = wasm_u16x8_load8x8(p);
    return {wasm_u32x4_extend_low_u16x8(wide), wasm_u32x4_extend_high_u16x8(wide)};
  }
  static inline I load(const int8_t* p, AllLanes) {
    const v128_t wide = wasm_i16x8_load8x8(p);
    return {wasm_i32x4_extend_low_i16x8(wide), wasm_i32x4_extend_high_i16x8(wide)};
  }
  template <typename T>
  static inline auto load(const T* p, SomeLanes e) -> decltype(load(p, AllLanes{})) {
    T whole[kWidth] = {};
    for (int i = 0; i < e.n; i++) whole[i] = p[i];
    return load(whole, AllLanes{});
  }

  static inline void store(float* p, F v, AllLanes) {
    wasm_v128_store(p, v.a);
    wasm_v128_store(p + 4, v.b);
  }
  static inline void store(int32_t* p, I v, AllLanes) {
    wasm_v128_store(p, v.a);
    wasm_v128_store(p + 4, v.b);
  }
  static inline void store_bytes(uint8_t* p, I v, AllLanes) {
    const v128_t bytes = wasm_i8x16_shuffle(v.a, v.b, 0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28);
    wasm_v128_store64_lane(p, bytes, 0);
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
  static inline v128_t low_bytes(I x, I y) {
    const v128_t first = wasm_i16x8_shuffle(x.a, x.b, 0, 2, 4, 6, 8, 10, 12, 14);
    const v128_t second = wasm_i16x8_shuffle(y.a, y.b, 0, 2, 4, 6, 8, 10, 12, 14);
    return wasm_i8x16_shuffle(first, second, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  }
  static inline void store_bytes(uint8_t* p, I a, I b, I c, I d) {
    wasm_v128_store(p, low_bytes(a, b));
    wasm_v128_store(p + 16, low_bytes(c, d));
  }

  // No stores past the caches here.
  static inline void stream(float* p, F v) { store(p, v, AllLanes{}); }
  static inline void stream_bytes(uint8_t* p, I a, I b, I c, I d) { store_bytes(p, a, b, c, d); }
  static inline void end_streams() {}
  static inline void prefetch(const void*) {}

  static inline F add(F x, F y) { return {wasm_f32x4_add(x.a, y.a), wasm_f32x4_add(x.b, y.b)}; }
  static inline F sub(F x, F y) { return {wasm_f32x4_sub(x.a, y.a), wasm_f32x4_sub(x.b, y.b)}; }
  static inline F mul(F x, F y) { return {wasm_f32x4_mul(x.a, y.a), wasm_f32x4_mul(x.b, y.b)}; }
  static inline F div(F x, F y) { return {wasm_f32x4_div(x.a, y.a), wasm_f32x4_div(x.b, y.b)}; }
  static inline F square_root(F x) { return {wasm_f32x4_sqrt(x.a), wasm_f32x4_sqrt(x.b)}; }
  static inline I add(I x, I y) { return {wasm_i32x4_add(x.a, y.a), wasm_i32x4_add(x.b, y.b)}; }
  static inline I sub(I x, I y) { return {wasm_i32x4_sub(x.a, y.a), wasm_i32x4_sub(x.b, y.b)}; }
  static inline I mul(I x, I y) { return {wasm_i32x4_mul(x.a, y.a), wasm_i32x4_mul(x.b, y.b)}; }
  static inline I exclusive_or(I x, I y) { return {wasm_v128_xor(x.a, y.a), wasm_v128_xor(x.b, y.b)}; }
  static inline I bit_and(I x, I y) { return {wasm_v128_and(x.a, y.a), wasm_v128_and(x.b, y.b)}; }
  static inline I bit_or(I x, I y) { return {wasm_v128_or(x.a, y.a), wasm_v128_or(x.b, y.b)}; }
  static inline I shift_left_23(I x) { return {wasm_i32x4_shl(x.a, 23), wasm_i32x4_shl(x.b, 23)}; }

  // pmax(p, q) is p < q ? q : p, and pmin(p, q) is q < p ? q : p: the operands are the other way around.
  static inline F greater(F x, F y) { return {wasm_f32x4_pmax(y.a, x.a), wasm_f32x4_pmax(y.b, x.b)}; }
  static inline F less(F x, F y) { return {wasm_f32x4_pmin(y.a, x.a), wasm_f32x4_pmin(y.b, x.b)}; }
  static inline F within(F v, F lo, F hi) { return less(greater(v, lo), hi); }
  static constexpr bool kScales = false;
  static inline F where_less(F v, F w, F x, F y) {
    return {wasm_v128_bitselect(x.a, y.a, wasm_f32x4_lt(v.a, w.a)),
            wasm_v128_bitselect(x.b, y.b, wasm_f32x4_lt(v.b, w.b))};
  }
  static inline F zero_where_less(F v, F w, F x) {
    return {wasm_v128_andnot(x.a, wasm_f32x4_lt(v.a, w.a)), wasm_v128_andnot(x.b, wasm_f32x4_lt(v.b, w.b))};
  }
  static inline F where_number(F v, F x, F y) {
    return {wasm_v128_bitselect(x.a, y.a, wasm_f32x4_eq(v.a, v.a)),
            wasm_v128_bitselect(x.b, y.b, wasm_f32x4_eq(v.b, v.b))};
  }

  // Lane i of the result is lane i ^ kHalf.
  template <int kHalf>
  static inline F swapped(F v) {
    if constexpr (kHalf == 4) return {v.b, v.a};
    if constexpr (kHalf == 2) {
      return {wasm_i32x4_shuffle(v.a, v.a, 2, 3, 0, 1), wasm_i32x4_shuffle(v.b, v.b, 2, 3, 0, 1)};
    }
    return {wasm_i32x4_shuffle(v.a, v.a, 1, 0, 3, 2), wasm_i32x4_shuffle(v.b, v.b, 1, 0, 3, 2)};
  }
  static inline float first(F v) { return wasm_f32x4_extract_lane(v.a, 0); }

  static inline I to_int(F v) { return {wasm_i32x4_trunc_sat_f32x4(v.a), wasm_i32x4_trunc_sat_f32x4(v.b)}; }
  static inline I shift_left(I v, int n) { return {wasm_i32x4_shl(v.a, n), wasm_i32x4_shl(v.b, n)}; }
  static inline I shift_right(I v, int n) { return {wasm_u32x4_shr(v.a, n), wasm_u32x4_shr(v.b, n)}; }
  static inline I greater(I x, I y) { return {wasm_i32x4_max(x.a, y.a), wasm_i32x4_max(x.b, y.b)}; }
  static inline I less(I x, I y) { return {wasm_i32x4_min(x.a, y.a), wasm_i32x4_min(x.b, y.b)}; }
  static inline I greater_bits(I x, I y) { return {wasm_u32x4_max(x.a, y.a), wasm_u32x4_max(x.b, y.b)}; }
  static inline I more_if_less(I count, F x, F y) {
    return {wasm_i32x4_sub(count.a, wasm_f32x4_lt(x.a, y.a)), wasm_i32x4_sub(count.b, wasm_f32x4_lt(x.b, y.b))};
  }

  static inline I even(I x, I y) {
    return {wasm_i32x4_shuffle(x.a, x.b, 0, 2, 4, 6), wasm_i32x4_shuffle(y.a, y.b, 0, 2, 4, 6)};
  }
  static inline I odd(I x, I y) {
    return {wasm_i32x4_shuffle(x.a, x.b, 1, 3, 5, 7), wasm_i32x4_shuffle(y.a, y.b, 1, 3, 5, 7)};
  }
  static inline F zip_low(F x, F y) {
    return {wasm_i32x4_shuffle(x.a, y.a, 0, 4, 1, 5), wasm_i32x4_shuffle(x.a, y.a, 2, 6, 3, 7)};
  }
  static inline F zip_high(F x, F y) {
    return {wasm_i32x4_shuffle(x.b, y.b, 0, 4, 1, 5), wasm_i32x4_shuffle(x.b, y.b, 2, 6, 3, 7)};
  }

  // Swizzles move bytes of one vector: a table of floats is read from memory, lane by lane.
  static constexpr bool kPermutes = false;
  struct Table {
    const float* p;
  };
  using Eight = Table;
  using Sixteen = Table;
  static inline Table eight(const float* p) { return {p}; }
  static inline Table sixteen(const float* p) { return {p}; }
  static inline v128_t look_up(const float* p, v128_t i) {
    v128_t v = wasm_v128_load32_zero(p + wasm_i32x4_extract_lane(i, 0));
    v = wasm_v128_load32_lane(p + wasm_i32x4_extract_lane(i, 1), v, 1);
    v = wasm_v128_load32_lane(p + wasm_i32x4_extract_lane(i, 2), v, 2);
    return wasm_v128_load32_lane(p + wasm_i32x4_extract_lane(i, 3), v, 3);
  }
  static inline F look_up(const Table& t, I i) { return {look_up(t.p, i.a), look_up(t.p, i.b)}; }

  static constexpr bool kHalves = false;

  static inline F to_float(I v) { return {wasm_f32x4_convert_i32x4(v.a), wasm_f32x4_convert_i32x4(v.b)}; }
  static inline I bits(F v) { return {v.a, v.b}; }
  static inline F floats(I v) { return {v.a, v.b}; }
};

}  // namespace
}  // namespace lowbit
