// One block of a float product, cut along k so that what it reads again stays in the caches. Shared by gemm_f32 and
// conv_f32.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/kernels/pack/blocks.h"
#include "native/kernels/pack/pack.h"
#include "native/plan/op.h"

namespace lowbit {

struct GemmF32Job {
  void (*product)(const GemmF32Args&);  // gemm_f32, gemm_unfused_f32, or one that reads other panels
  int64_t group_rows;                   // rows of the matrix in 64 bytes of a panel
  const PackedHeader* packed;
  const float* bias;  // [n] or null
  float lo, hi;
};

// The job for floats, apart from `packed`: exact takes gemm_unfused_f32.
template <typename Fields>
GemmF32Job gemm_f32_job(const Fields& f, bool exact, const RunContext& run) {
  GemmF32Job job;
  job.product = exact ? run.kernels->gemm_unfused_f32 : run.kernels->gemm_f32;
  job.group_rows = 1;
  job.packed = nullptr;
  job.bias = run.buffer<const float>(f.bias);
  job.lo = f.lo;
  job.hi = f.hi;
  return job;
}

// Bytes of the rows of A of a block, for one cut of k: they stay in the L2 cache while the panels pass.
constexpr int64_t kFloatRowBytes = 256 * 1024;
// Values of k of one cut: three panels of so many take 72 KiB, which stay in the L2 cache while the rows pass.
constexpr int64_t kFloatDepth = 384;
// Panels of a step, at most: its part of the output stays in the L2 cache from one cut of k to the next.
constexpr int64_t kFloatPanels = 16;

// The cut for m x k by k x (16 * panels), wanting enough tasks for `threads`.
GemmBlocks gemm_f32_blocks(int64_t m, int64_t k, int64_t panels, int threads);

// y[r][c] for the rows of A and the panels [first_panel, first_panel + panels); y is at row 0 of the block and column 0
// of the matrix. The order of additions does not depend on the cut.
void gemm_f32_block(const GemmF32Job& job, const FloatRows& rows, int64_t first_panel, int64_t panels, float* y,
                    int64_t y_stride);

}  // namespace lowbit
