// The loop of the peak kernels over chains of accumulators in registers. Included inside the region of an ISA file,
// behind the system headers.
#pragma once

#include "native/isa/unroll.h"
#include "native/kernels/peak/keep.h"
#include "native/kernels/peak/peak.h"

namespace lowbit {
namespace {

// The four codes as one word.
inline uint32_t code_word(const PeakI8Args& args) {
  uint32_t four;
  memcpy(&four, args.a, 4);
  return four;
}

// all[q] = what `rounds` products of column q add up to, `rounds` a multiple of Chains: Chains accumulators for each
// take turns, so that none waits for the one before. Unit: Vector; zero; step(sum, q), a product of column q onto sum;
// add, of two accumulators.
template <int Chains, typename Unit, int Columns>
LOWBIT_INLINE void run_chains(Unit& unit, int64_t rounds, typename Unit::Vector (&all)[Columns]) {
  typename Unit::Vector sum[Chains][Columns];
  LOWBIT_UNROLL
  for (int c = 0; c < Chains; ++c) {
    LOWBIT_UNROLL
    for (int q = 0; q < Columns; ++q) {
      sum[c][q] = Unit::zero();
      LOWBIT_KEEP(sum[c][q]);
    }
  }
  for (int64_t s = 0; s < rounds; s += Chains) {
    LOWBIT_UNROLL
    for (int c = 0; c < Chains; ++c) {
      LOWBIT_UNROLL
      for (int q = 0; q < Columns; ++q) {
        unit.step(sum[c][q], q);
        LOWBIT_KEEP(sum[c][q]);
      }
    }
  }
  LOWBIT_UNROLL
  for (int q = 0; q < Columns; ++q) {
    all[q] = sum[0][q];
    LOWBIT_UNROLL
    for (int c = 1; c < Chains; ++c) all[q] = Unit::add(all[q], sum[c][q]);
  }
}

}  // namespace
}  // namespace lowbit
