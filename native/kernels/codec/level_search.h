// The place of a float among 15 ascending thresholds, over the lanes of an instruction set. Include behind the lanes.
#pragma once

#include "native/kernels/codec/codec.h"
#include "native/kernels/lanes.h"

namespace lowbit {
namespace {

// A search of four steps, each with the thresholds that it may need in a table of registers.
struct PermutedSearch {
  F middle;
  Lanes::Eight second, third, fourth;

  explicit PermutedSearch(const float* thresholds) : middle(Lanes::of(thresholds[7])) {
    float table[3][8] = {};
    for (int i = 0; i < 2; i++) table[0][i] = thresholds[8 * i + 3];
    for (int i = 0; i < 4; i++) table[1][i] = thresholds[4 * i + 1];
    for (int i = 0; i < 8; i++) table[2][i] = thresholds[2 * i];
    second = Lanes::eight(table[0]);
    third = Lanes::eight(table[1]);
    fourth = Lanes::eight(table[2]);
  }
  static inline I step(I place, F threshold, F v) {
    return Lanes::more_if_less(Lanes::add(place, place), threshold, v);
  }
  inline I place_of(F v) const {
    I place = Lanes::more_if_less(Lanes::of(int32_t{0}), middle, v);
    place = step(place, Lanes::look_up(second, place), v);
    place = step(place, Lanes::look_up(third, place), v);
    return step(place, Lanes::look_up(fourth, place), v);
  }
};

// Fifteen comparisons, where tables are in memory.
struct ComparedSearch {
  F thresholds[kLevels - 1];

  explicit ComparedSearch(const float* given) {
    for (int i = 0; i < kLevels - 1; i++) thresholds[i] = Lanes::of(given[i]);
  }
  inline I place_of(F v) const {
    I place = Lanes::of(int32_t{0});
    for (int i = 0; i < kLevels - 1; i++) place = Lanes::more_if_less(place, thresholds[i], v);
    return place;
  }
};

template <bool kPermutes>
struct LevelSearchOf {
  using Type = ComparedSearch;
};
template <>
struct LevelSearchOf<true> {
  using Type = PermutedSearch;
};
using LevelSearch = LevelSearchOf<Lanes::kPermutes>::Type;

}  // namespace
}  // namespace lowbit
