// Steps of kernel bodies that are written over the lanes of native/isa/lanes. Include inside a target region, behind
// them.
#pragma once

#include "native/kernels/loop.h"

namespace lowbit {
namespace {

using F = Lanes::F;
using I = Lanes::I;

// round_to_code of loop.h for a vector: the codes are the low bytes.
inline I round_to_codes(F v, F lo, F hi, I zero_less_bits) {
  v = Lanes::within(v, lo, hi);
  return Lanes::add(Lanes::bits(Lanes::add(v, Lanes::of(kRound))), zero_less_bits);
}

inline I less_bits(int32_t zero) { return Lanes::of(static_cast<int32_t>(static_cast<uint32_t>(zero) - kRoundBits)); }

// x < lo ? lo : x > hi ? hi : x
inline F clamped(F v, F lo, F hi) { return Lanes::less(hi, Lanes::greater(lo, v)); }

// Calls step(i, extent) over [0, n): whole vectors, then what is left. Steps are function objects and no lambdas,
// because clang does not compile a lambda's body for the instruction set of its target region.
template <typename Step>
inline void for_lanes(int64_t n, const Step& step) {
  int64_t i = 0;
  for (; i + Lanes::kWidth <= n; i += Lanes::kWidth) step(i, AllLanes{});
  if (i < n) step(i, SomeLanes{static_cast<int>(n - i)});
}

// Stores past the caches fill whole lines.
constexpr int64_t kLineBytes = 64;
// How far ahead of a stream of stores its input is asked for: beyond the page that the processor's own prefetchers stop
// at, and near enough to stay in the first cache.
constexpr int64_t kAheadBytes = 4096;

// Elements of element_bytes from p to the next line.
inline int64_t to_line(const void* p, int64_t element_bytes) {
  return static_cast<int64_t>(-reinterpret_cast<uintptr_t>(p) % kLineBytes) / element_bytes;
}

inline void prefetch_lines(const void* p, int64_t bytes) {
  for (int64_t at = 0; at < bytes; at += kLineBytes) {
    Lanes::prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(p) + kAheadBytes + at));
  }
}

}  // namespace
}  // namespace lowbit
