// The loop of read_u8_i32, compiled once per instruction set.
#pragma once

#include "native/kernels/loop.h"
#include "native/kernels/peak/peak.h"

namespace lowbit {
namespace {

inline void read_words(const ReadArgs& args) {
  constexpr int kLanes = 64;  // 4 lines of memory a turn: enough additions in flight
  uint32_t sums[kLanes] = {};
  int64_t at = 0;
  for (; at + 4 * kLanes <= args.bytes; at += 4 * kLanes) {
    uint32_t words[kLanes];
    memcpy(words, args.x + at, sizeof words);
    for (int j = 0; j < kLanes; j++) sums[j] += words[j];
  }
  for (; at + 64 <= args.bytes; at += 64) {
    uint32_t words[16];
    memcpy(words, args.x + at, sizeof words);
    for (int j = 0; j < 16; j++) sums[j] += words[j];
  }
  for (int j = 0; j < 16; j++) {
    args.out[j] = static_cast<int32_t>(sums[j] + sums[j + 16] + sums[j + 32] + sums[j + 48]);
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_READ_KERNELS(isa)                                     \
  namespace lowbit {                                                 \
  void read_u8_i32_##isa(const ReadArgs& args) { read_words(args); } \
  }
