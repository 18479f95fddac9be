// What encoding and decoding of blocks share: the scales of a block, and a block as vectors. Include behind the lanes.
#pragma once

#include "native/kernels/blocks/blocks.h"
#include "native/kernels/codec/float_step.h"
#include "native/kernels/lanes.h"

// Before a loop over the vectors of a block: those of one lane are 32, and as many copies of the loop would be large.
#if defined(LOWBIT_ONE_LANE) && defined(__clang__)
#define LOWBIT_OVER_VECTORS _Pragma("clang loop unroll(disable)")
#elif defined(LOWBIT_ONE_LANE) && defined(__GNUC__)
#define LOWBIT_OVER_VECTORS _Pragma("GCC unroll 1")
#else
#define LOWBIT_OVER_VECTORS
#endif

namespace lowbit {
namespace {

constexpr int kBlock = 32;  // floats of a block of all kinds but nvfp4
constexpr int kNvBlock = 16;
constexpr int32_t kE8m0Nan = 255;
constexpr FloatFormat kHalf = {5, 10, 15, 0x7BFF, 0x7C00, 0x7E00, 0x7C00, true};
constexpr FloatFormat kE4m3 = {4, 3, 7, 0x7E, -1, 0x7F, 0x7E, true};

// Vectors that hold n floats.
constexpr int vectors_of(int n) { return n / Lanes::kWidth; }
constexpr int kVectors = vectors_of(kBlock);

// 1, 2 or 4 vectors at a time hold what store_bytes takes; the codes of kN vectors, one byte each.
template <int kN>
inline void store_codes(uint8_t* p, const I* codes) {
  constexpr int w = Lanes::kWidth;
  if constexpr (kN % 4 == 0) {
    LOWBIT_OVER_VECTORS
    for (int v = 0; v < kN; v += 4) Lanes::store_bytes(p + v * w, codes[v], codes[v + 1], codes[v + 2], codes[v + 3]);
  } else {
    LOWBIT_OVER_VECTORS
    for (int v = 0; v < kN; v++) Lanes::store_bytes(p + v * w, codes[v], AllLanes{});
  }
}

// Eight bytes as a number, the first one the lowest: all processors that kernels run on are little-endian.
inline uint64_t word_at(const uint8_t* p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
  return word;
}

inline int32_t half_at(const uint8_t* p) { return p[0] | p[1] << 8; }

}  // namespace
}  // namespace lowbit
