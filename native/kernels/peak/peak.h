// peak_u8i8_i32, peak_f32 and read_u8_i32: what the arithmetic units and the memory of this processor can do at most.
#pragma once

#include <cstdint>

namespace lowbit {

// A step adds, for j < 16, the product of 4 codes by column j of one group of the tile n16k4 (kernels/pack/pack.h):
// out[j] = steps * sum over i < 4 of a[i] * b[4j + i], in int32 that wraps. 64 multiplications and 64 additions a step.
// The operands stay in registers, and the steps are spread over as many independent accumulators as keep the units
// busy: their sum is the result, so it is the same on every instruction set. steps is a multiple of kPeakSteps. Without
// the inline assembly of GCC and clang (MSVC) nothing keeps a compiler from moving products out of the loop. Exact.
struct PeakI8Args {
  const uint8_t* a;  // [4]
  const int8_t* b;   // [64]
  int32_t* out;      // [16]
  int64_t steps;
};

// The same for float: out[j] = sum over the steps of a[0] * b[j]; 16 multiplications and 16 additions a step. With
// fused multiply-add where gemm_f32 has it. Sums of small integers are exact; otherwise each accumulator rounds.
struct PeakF32Args {
  const float* a;  // [1]
  const float* b;  // [16]
  float* out;      // [16]
  int64_t steps;
};

// out[j] = the sum, wrapping, of the little-endian int32 words j, j + 16, j + 32, … of x; bytes is a multiple of 64.
// x is on a multiple of 4. One addition per word that is read: memory is the limit. Exact.
struct ReadArgs {
  const uint8_t* x;
  int32_t* out;  // [16]
  int64_t bytes;
};

// Divisible by the accumulators of every instruction set: by 4 tiles of 256 steps (AMX), and by 2, 3, 4, 6 and 12.
constexpr int64_t kPeakSteps = 3072;

}  // namespace lowbit
