// The loop of read_u8_i32 over the lanes of native/isa/lanes. Include inside a target region, behind them.
#pragma once

#include "native/isa/unroll.h"
#include "native/kernels/peak/peak.h"

namespace lowbit {
namespace {

constexpr int kReadStreams = 4;
constexpr int kLineVectors = 16 / Lanes::kWidth;

// sums += the 16 words at x.
inline void add_line(const uint8_t* x, Lanes::I (&sums)[kLineVectors]) {
  const int32_t* words = reinterpret_cast<const int32_t*>(x);
  LOWBIT_UNROLL
  for (int v = 0; v < kLineVectors; v++) {
    sums[v] = Lanes::add(sums[v], Lanes::load(words + v * Lanes::kWidth, AllLanes{}));
  }
}

// Four parts side by side: one stream of lines does not keep the prefetchers of every processor busy.
inline void read_words(const ReadArgs& args) {
  Lanes::I sums[kReadStreams][kLineVectors];
  LOWBIT_UNROLL
  for (int s = 0; s < kReadStreams; s++) {
    LOWBIT_UNROLL
    for (int v = 0; v < kLineVectors; v++) sums[s][v] = Lanes::of(0);
  }
  const int64_t part = args.bytes / (64 * kReadStreams) * 64;
  for (int64_t at = 0; at < part; at += 64) {
    LOWBIT_UNROLL
    for (int s = 0; s < kReadStreams; s++) add_line(args.x + s * part + at, sums[s]);
  }
  for (int64_t at = kReadStreams * part; at < args.bytes; at += 64) add_line(args.x + at, sums[0]);
  LOWBIT_UNROLL
  for (int v = 0; v < kLineVectors; v++) {
    const Lanes::I sum = Lanes::add(Lanes::add(sums[0][v], sums[1][v]), Lanes::add(sums[2][v], sums[3][v]));
    Lanes::store(args.out + v * Lanes::kWidth, sum, AllLanes{});
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_READ_KERNELS(isa)                                     \
  namespace lowbit {                                                 \
  void read_u8_i32_##isa(const ReadArgs& args) { read_words(args); } \
  }
