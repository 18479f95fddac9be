// The loop of read_u8_i32, compiled once per instruction set.
#pragma once

#include "native/kernels/loop.h"
#include "native/kernels/peak/peak.h"

namespace lowbit {
namespace {

// Four parts side by side: one stream of lines does not keep the prefetchers of every processor busy.
inline void read_words(const ReadArgs& args) {
  constexpr int kStreams = 4;
  uint32_t sums[kStreams][16] = {};
  const int64_t part = args.bytes / (64 * kStreams) * 64;
  for (int64_t at = 0; at < part; at += 64) {
    for (int s = 0; s < kStreams; s++) {
      uint32_t words[16];
      memcpy(words, args.x + s * part + at, sizeof words);
      for (int j = 0; j < 16; j++) sums[s][j] += words[j];
    }
  }
  for (int64_t at = kStreams * part; at < args.bytes; at += 64) {
    uint32_t words[16];
    memcpy(words, args.x + at, sizeof words);
    for (int j = 0; j < 16; j++) sums[0][j] += words[j];
  }
  for (int j = 0; j < 16; j++) {
    args.out[j] = static_cast<int32_t>(sums[0][j] + sums[1][j] + sums[2][j] + sums[3][j]);
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_READ_KERNELS(isa)                                     \
  namespace lowbit {                                                 \
  void read_u8_i32_##isa(const ReadArgs& args) { read_words(args); } \
  }
