// One lane in plain C++: the bodies that are written over lanes, for every processor.
#pragma once

#include <cstdint>
#include <cstring>
#if defined(_MSC_VER) && !defined(__clang__)
#include <cmath>
#endif

#include "native/isa/lanes/extent.h"

namespace lowbit {
namespace {

struct Lanes {
  static constexpr int kWidth = 1;
  using F = float;
  using I = int32_t;

  static inline F of(float v) { return v; }
  static inline I of(int32_t v) { return v; }

  template <typename Extent>
  static inline F load(const float* p, Extent) {
    return *p;
  }
  template <typename T, typename Extent>
  static inline I load(const T* p, Extent) {
    return *p;
  }
  template <typename T, typename Extent>
  static inline void store(T* p, T v, Extent) {
    *p = v;
  }
  template <typename Extent>
  static inline void store_bytes(uint8_t* p, I v, Extent) {
    *p = static_cast<uint8_t>(v);
  }
  static inline void store_bytes(uint8_t* p, I a, I b, I c, I d) {
    const I all[4] = {a, b, c, d};
    for (int i = 0; i < 4; i++) p[i] = static_cast<uint8_t>(all[i]);
  }
  static inline void stream(float* p, F v) { *p = v; }
  static inline void stream_bytes(uint8_t* p, I a, I b, I c, I d) { store_bytes(p, a, b, c, d); }
  static inline void end_streams() {}
  static inline void prefetch(const void*) {}

  static inline uint32_t word(I v) { return static_cast<uint32_t>(v); }
  static inline I wrapped(uint32_t v) { return static_cast<I>(v); }
  static inline F add(F a, F b) { return a + b; }
  static inline F sub(F a, F b) { return a - b; }
  static inline F mul(F a, F b) { return a * b; }
  static inline F div(F a, F b) { return a / b; }
#if defined(_MSC_VER) && !defined(__clang__)
  static inline F square_root(F a) { return std::sqrt(a); }
#else
  static inline F square_root(F a) { return __builtin_sqrtf(a); }
#endif
  static inline I add(I a, I b) { return wrapped(word(a) + word(b)); }
  static inline I sub(I a, I b) { return wrapped(word(a) - word(b)); }
  static inline I mul(I a, I b) { return wrapped(word(a) * word(b)); }
  static inline I exclusive_or(I a, I b) { return a ^ b; }
  static inline I bit_and(I a, I b) { return a & b; }
  static inline I bit_or(I a, I b) { return a | b; }
  static inline I shift_left_23(I a) { return wrapped(word(a) << 23); }

  static inline F greater(F a, F b) { return a > b ? a : b; }
  static inline F less(F a, F b) { return a < b ? a : b; }
  static inline F within(F v, F lo, F hi) { return less(greater(v, lo), hi); }
  static constexpr bool kScales = false;
  static inline F where_less(F v, F w, F a, F b) { return v < w ? a : b; }
  static inline F zero_where_less(F v, F w, F b) { return v < w ? 0.0f : b; }
  static inline F where_number(F v, F a, F b) { return v == v ? a : b; }

  template <int kHalf>
  static inline F swapped(F v) {
    return v;
  }
  static inline float first(F v) { return v; }

  static inline I to_int(F v) { return static_cast<I>(v); }
  static inline I shift_left(I a, int n) { return wrapped(word(a) << n); }
  static inline I shift_right(I a, int n) { return wrapped(word(a) >> n); }
  static inline I greater(I a, I b) { return a > b ? a : b; }
  static inline I less(I a, I b) { return a < b ? a : b; }
  static inline I greater_bits(I a, I b) { return word(a) > word(b) ? a : b; }
  static inline I more_if_less(I count, F a, F b) { return count + (a < b ? 1 : 0); }

  static inline I even(I a, I) { return a; }
  static inline I odd(I, I b) { return b; }
  static inline F zip_low(F a, F) { return a; }
  static inline F zip_high(F, F b) { return b; }

  static constexpr bool kPermutes = false;
  struct Table {
    const float* p;
  };
  using Eight = Table;
  using Sixteen = Table;
  static inline Table eight(const float* p) { return {p}; }
  static inline Table sixteen(const float* p) { return {p}; }
  static inline F look_up(const Table& t, I i) { return t.p[i]; }

  static constexpr bool kHalves = false;

  static inline F to_float(I v) { return static_cast<F>(v); }
  static inline I bits(F v) {
    I bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
  }
  static inline F floats(I v) {
    F value;
    memcpy(&value, &v, sizeof value);
    return value;
  }
};

}  // namespace
}  // namespace lowbit
