// Reductions of the lanes of a vector, by halves in memory.
#pragma once

#include "native/kernels/lanes.h"

namespace lowbit {
namespace {

// The largest lane, none of which is NaN, and the sum of the lanes: by halves.
inline float largest_lane(F v) {
  float lanes[Lanes::kWidth];
  Lanes::store(lanes, v, AllLanes{});
  for (int width = Lanes::kWidth / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) lanes[i] = lanes[i] > lanes[i + width] ? lanes[i] : lanes[i + width];
  }
  return lanes[0];
}

inline int32_t sum_of_lanes(I v) {
  int32_t lanes[Lanes::kWidth];
  Lanes::store(lanes, v, AllLanes{});
  for (int width = Lanes::kWidth / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; i++) lanes[i] += lanes[i + width];
  }
  return lanes[0];
}

}  // namespace
}  // namespace lowbit
