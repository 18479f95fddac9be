// Sums and extremes of a row that do not depend on the width of a vector. Include inside a target region, behind the
// lanes.
#pragma once

#include "native/kernels/lanes.h"
#include "native/kernels/softmax/exponential.h"

namespace lowbit {
namespace {

constexpr int kVectors = kPartialSums / Lanes::kWidth;

// A step is taken for several rows before the next one: what a row waits for (its lanes combined, a root, a quotient)
// is done while others are under way.
constexpr int64_t kRowsAtOnce = 8;
constexpr int64_t kFloatsAtOnce = 4096;

inline int64_t rows_at_once(int64_t columns) {
  if (columns * kRowsAtOnce <= kFloatsAtOnce) return kRowsAtOnce;
  return columns < kFloatsAtOnce ? kFloatsAtOnce / columns : 1;
}

struct Itself {
  inline F operator()(F v) const { return v; }
};

// The lanes as one number, by a fixed tree; `lanes` is used up.
template <typename Combine>
inline float tree_of_lanes(F* lanes) {
  for (int half = kVectors / 2; half > 0; half /= 2) {
    for (int j = 0; j < half; j++) lanes[j] = Combine::of(lanes[j], lanes[j + half]);
  }
  F v = lanes[0];
  if constexpr (Lanes::kWidth > 8) v = Combine::of(v, Lanes::template swapped<8>(v));
  if constexpr (Lanes::kWidth > 4) v = Combine::of(v, Lanes::template swapped<4>(v));
  if constexpr (Lanes::kWidth > 2) v = Combine::of(v, Lanes::template swapped<2>(v));
  if constexpr (Lanes::kWidth > 1) v = Combine::of(v, Lanes::template swapped<1>(v));
  return Lanes::first(v);
}

// Combine: start() of every lane, and of two vectors. Lane j takes the elements j, j + 16, j + 32, … in order, each
// through `turn`.
template <typename Combine, typename Turn>
inline void lanes_of(const float* x, int64_t n, const Turn& turn, F* lanes) {
  for (int j = 0; j < kVectors; j++) lanes[j] = Lanes::of(Combine::start());
  int64_t i = 0;
  for (; i + kPartialSums <= n; i += kPartialSums) {
    for (int j = 0; j < kVectors; j++) {
      lanes[j] = Combine::of(lanes[j], turn(Lanes::load(x + i + j * Lanes::kWidth, AllLanes{})));
    }
  }
  if (i == n) return;
  float parts[kPartialSums];
  for (int j = 0; j < kVectors; j++) Lanes::store(parts + j * Lanes::kWidth, lanes[j], AllLanes{});
  float last[kPartialSums] = {};
  for (int64_t j = 0; j < n - i; j++) last[j] = x[i + j];
  float turned[kPartialSums];
  for (int j = 0; j < kVectors; j++) {
    Lanes::store(turned + j * Lanes::kWidth,
                 Combine::of(lanes[j], turn(Lanes::load(last + j * Lanes::kWidth, AllLanes{}))), AllLanes{});
  }
  for (int64_t j = 0; j < n - i; j++) parts[j] = turned[j];
  for (int j = 0; j < kVectors; j++) lanes[j] = Lanes::load(parts + j * Lanes::kWidth, AllLanes{});
}

// The lanes combined as a tree.
template <typename Combine, typename Turn>
inline float combined_of(const float* x, int64_t n, const Turn& turn) {
  F lanes[kVectors];
  lanes_of<Combine>(x, n, turn, lanes);
  return tree_of_lanes<Combine>(lanes);
}

// Elements i to i + 16 of a row, or what is left of it with `filling` behind; `turn` gives what is stored in their
// place.
template <typename Turn>
inline void each_sixteen(const float* x, float* y, int64_t n, float filling, Turn& turn) {
  int64_t i = 0;
  for (; i + kPartialSums <= n; i += kPartialSums) {
    for (int j = 0; j < kVectors; j++) {
      const int64_t at = i + j * Lanes::kWidth;
      Lanes::store(y + at, turn(Lanes::load(x + at, AllLanes{}), at, j), AllLanes{});
    }
  }
  if (i == n) return;
  float last[kPartialSums];
  for (int64_t j = 0; j < kPartialSums; j++) last[j] = j < n - i ? x[i + j] : filling;
  for (int j = 0; j < kVectors; j++) {
    const int64_t at = j * Lanes::kWidth;
    Lanes::store(last + at, turn.last(Lanes::load(last + at, AllLanes{}), i + at, n, j), AllLanes{});
  }
  for (int64_t j = 0; j < n - i; j++) y[i + j] = last[j];
}

struct Sum {
  static inline float start() { return 0.0f; }
  static inline F of(F sum, F v) { return Lanes::add(sum, v); }
  static inline float of_two(float a, float b) { return a + b; }
};
struct Product {
  static inline float start() { return 1.0f; }
  static inline F of(F product, F v) { return Lanes::mul(product, v); }
  static inline float of_two(float a, float b) { return a * b; }
};
// NaN is passed over.
struct Greatest {
  static inline float start() { return -kInfinity; }
  static inline F of(F most, F v) { return Lanes::greater(v, most); }
  static inline float of_two(float a, float b) { return b > a ? b : a; }
};
struct Least {
  static inline float start() { return kInfinity; }
  static inline F of(F least, F v) { return Lanes::less(v, least); }
  static inline float of_two(float a, float b) { return b < a ? b : a; }
};

template <typename Turn>
inline float sum_of(const float* x, int64_t n, const Turn& turn) {
  return combined_of<Sum>(x, n, turn);
}

template <typename Extreme>
inline float extreme_of(const float* x, int64_t n) {
  return combined_of<Extreme>(x, n, Itself{});
}

}  // namespace
}  // namespace lowbit
