// One block of a float product, straight into the output where its columns fill a panel. Shared by gemm_f32 and
// conv_f32.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/isa/dispatch.h"
#include "native/kernels/pack/pack.h"

namespace lowbit {

struct GemmF32Job {
  const Dispatch* kernels;
  const PackedHeader* packed;
  const float* bias;  // [n] or null
  float lo, hi;
  bool exact;  // gemm_unfused_f32 in place of gemm_f32
};

// Bytes of scratch that gemm_f32_block needs: the last panel of a matrix whose n is not a multiple of 16.
size_t gemm_f32_block_scratch();

// y[r][c] for `rows` rows of A (stride in elements) and the panels [first_panel, first_panel + panels); y is at row 0
// of the block and column 0 of the matrix. The order of additions does not depend on the cut.
void gemm_f32_block(const GemmF32Job& job, const float* a, int64_t a_stride, int64_t rows, int64_t first_panel,
                    int64_t panels, float* y, int64_t y_stride, uint8_t* scratch);

}  // namespace lowbit
