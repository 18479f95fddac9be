// Products of floats by packed weights of 16 bits: bf16 and f16.
#pragma once

#include "native/kernels/gemm_f32/gemm_f32.h"

namespace lowbit {

// The arguments and the result are those of gemm_f32 (class ulp, its bound), for rows of one segment, with panels of 64
// bytes for two rows of the matrix; the row behind an odd k is zeros.
//   gemm_f32bf16_f32: the tile bf16 n16k2, 16 pairs (w[k][j], w[k + 1][j]). A weight is widened exactly; the
//   activations
//     are floats as they are.
//   gemm_f32f16_f32: the tile f16 n16k1, 16 numbers of a row, then 16 of the next. Widened exactly, subnormals too.
//   gemm_bf16bf16_f32: the tile bf16 n16k2, and rows of A that hold pairs of bf16 in every float; k counts pairs. The
//     products of a pair are exact in f32; they are added to the sum one after the other. A number or a partial sum
//     below 2^-126 may count as 0 (vdpbf16ps takes it so), which adds at most 2^-126 * (1 + |a| + |w|) per product to
//     the bound.

}  // namespace lowbit
