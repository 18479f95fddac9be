// The loops of the pools, compiled once per instruction set.
#pragma once

#include "native/kernels/loop.h"
#include "native/kernels/pool/pool.h"

namespace lowbit {
namespace {

struct Maximum {
  template <typename T>
  static inline T join(T v, T t) {
    return t > v ? t : v;
  }
};

struct MaximumF32 {
  // A NaN tap is taken, and stays because later comparisons with it are false.
  static inline float join(float v, float t) { return ((t > v) | (t != t)) ? t : v; }
};

struct Plus {
  static inline float join(float v, float t) { return v + t; }
};

// y = the join of y (unless kFirst) and kTaps taps, in order. Taking several taps at once reads and writes y once for
// them.
template <typename T, typename Rule, int kTaps, bool kFirst>
void join_taps(const void* const* taps, T* y, int64_t n) {
  static_assert(kTaps >= 1 && kTaps <= 4, "four pointers at most");
  const T* t0 = static_cast<const T*>(taps[0]);
  const T* t1 = kTaps > 1 ? static_cast<const T*>(taps[1]) : nullptr;
  const T* t2 = kTaps > 2 ? static_cast<const T*>(taps[2]) : nullptr;
  const T* t3 = kTaps > 3 ? static_cast<const T*>(taps[3]) : nullptr;
  LOWBIT_INDEPENDENT
  for (int64_t c = 0; c < n; c++) {
    T v = kFirst ? t0[c] : Rule::join(y[c], t0[c]);
    if (kTaps > 1) v = Rule::join(v, t1[c]);
    if (kTaps > 2) v = Rule::join(v, t2[c]);
    if (kTaps > 3) v = Rule::join(v, t3[c]);
    y[c] = v;
  }
}

template <typename T, typename Rule, bool kFirst>
void join_some(const void* const* taps, int64_t count, T* y, int64_t n) {
  switch (count) {
    case 1:
      return join_taps<T, Rule, 1, kFirst>(taps, y, n);
    case 2:
      return join_taps<T, Rule, 2, kFirst>(taps, y, n);
    case 3:
      return join_taps<T, Rule, 3, kFirst>(taps, y, n);
    default:
      return join_taps<T, Rule, 4, kFirst>(taps, y, n);
  }
}

template <typename T, typename Rule>
void join_pixel(const void* const* taps, int64_t tap_count, T* y, int64_t n) {
  join_some<T, Rule, true>(taps, least(4, tap_count), y, n);
  for (int64_t t = 4; t < tap_count; t += 4) join_some<T, Rule, false>(taps + t, least(4, tap_count - t), y, n);
}

template <typename T, typename Rule>
void join_pixels(const PoolArgs& args) {
  for (int64_t p = 0; p < args.pixels; p++) {
    join_pixel<T, Rule>(args.taps + p * args.tap_count, args.tap_count, static_cast<T*>(args.y) + p * args.channels,
                        args.channels);
  }
}

void average_pixels(const PoolArgs& args) {
  const float count = static_cast<float>(args.tap_count);
  for (int64_t p = 0; p < args.pixels; p++) {
    float* y = static_cast<float*>(args.y) + p * args.channels;
    join_pixel<float, Plus>(args.taps + p * args.tap_count, args.tap_count, y, args.channels);
    LOWBIT_INDEPENDENT
    for (int64_t c = 0; c < args.channels; c++) y[c] = y[c] / count;
  }
}

// Four 8-bit taps are added in 16 bits, which doubles the lanes, and their sum joins the 32-bit one.
template <typename T, bool kFirst>
void add_four(const void* const* taps, int32_t* y, int64_t n) {
  const T* t0 = static_cast<const T*>(taps[0]);
  const T* t1 = static_cast<const T*>(taps[1]);
  const T* t2 = static_cast<const T*>(taps[2]);
  const T* t3 = static_cast<const T*>(taps[3]);
  LOWBIT_INDEPENDENT
  for (int64_t c = 0; c < n; c++) {
    const int16_t low = static_cast<int16_t>(t0[c] + t1[c]), high = static_cast<int16_t>(t2[c] + t3[c]);
    const int16_t sum = static_cast<int16_t>(low + high);
    y[c] = kFirst ? sum : y[c] + sum;
  }
}

template <typename T, bool kFirst>
void add_one(const void* tap, int32_t* y, int64_t n) {
  const T* t = static_cast<const T*>(tap);
  LOWBIT_INDEPENDENT
  for (int64_t c = 0; c < n; c++) y[c] = kFirst ? t[c] : y[c] + t[c];
}

template <typename T>
void sum_pixels(const PoolArgs& args) {
  const int64_t n = args.channels;
  for (int64_t p = 0; p < args.pixels; p++) {
    const void* const* taps = args.taps + p * args.tap_count;
    int32_t* y = static_cast<int32_t*>(args.y) + p * n;
    int64_t t = 0;
    if (args.tap_count >= 4) {
      add_four<T, true>(taps, y, n);
      for (t = 4; t + 4 <= args.tap_count; t += 4) add_four<T, false>(taps + t, y, n);
    } else {
      add_one<T, true>(taps[0], y, n);
      t = 1;
    }
    for (; t < args.tap_count; t++) add_one<T, false>(taps[t], y, n);
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_POOL_KERNELS(isa)                                                          \
  namespace lowbit {                                                                      \
  void max_pool_u8_##isa(const PoolArgs& args) { join_pixels<uint8_t, Maximum>(args); }   \
  void max_pool_i8_##isa(const PoolArgs& args) { join_pixels<int8_t, Maximum>(args); }    \
  void max_pool_f32_##isa(const PoolArgs& args) { join_pixels<float, MaximumF32>(args); } \
  void sum_u8_i32_##isa(const PoolArgs& args) { sum_pixels<uint8_t>(args); }              \
  void sum_i8_i32_##isa(const PoolArgs& args) { sum_pixels<int8_t>(args); }               \
  void average_pool_f32_##isa(const PoolArgs& args) { average_pixels(args); }             \
  }
