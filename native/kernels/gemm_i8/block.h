// One block of an int8 product, finished into the output: from registers where the instruction set has such a kernel,
// else through accumulators in scratch. Shared by gemm_i8 and conv_i8.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/kernels/pack/blocks.h"
#include "native/kernels/pack/pack.h"
#include "native/plan/op.h"

namespace lowbit {

// Codes that the codes of a product are added to; GemmI8AddArgs says how.
struct GemmI8Added {
  int32_t format, zero;
  float ratio, added_ratio;
  int32_t sum_format, sum_zero, sum_lo, sum_hi;
};

// Everything about a product that is the same for all of its blocks; pointers are at column 0 of the matrix.
struct GemmI8Job {
  const Dispatch* kernels;
  void (*sums)(const GemmI8Args&);
  // Null where the kernel of the sums is of a better instruction set than theirs.
  void (*codes)(const GemmI8CodesArgs&);
  void (*floats)(const GemmI8FloatsArgs&);
  void (*add)(const GemmI8AddArgs&);  // of a product with `added`
  const PackedHeader* packed;
  const int32_t* w_zero;    // [groups, n] or null
  const int32_t* offset;    // [n] or null
  const float* multiplier;  // by y_format
  int64_t multiplier_step;  // 0 or 1; for more than one group always 1
  const float* bias;        // [n] or null
  int32_t a_format, y_format;
  int32_t y_zero_point, qlo, qhi;
  float lo, hi;
  // For floats, between the bias and the bounds: a matrix like y, and a kind of unary_f32.
  const float* residual;  // at row 0 of the block, or null
  int32_t activation;     // -1 = none
  float alpha, beta;
  // For codes: the others, a matrix like y whose row 0 is that of the block.
  const GemmI8Added* added;  // or null
  const uint8_t* added_codes;
};

// Sets the kernels of a job by its formats, and by `added`.
void choose_gemm_i8_kernels(const Dispatch& kernels, GemmI8Job* job);

// The job of an operation with the fields of an epilogue, apart from `packed`, without
// residual and activation, and apart from added_codes.
template <typename Fields>
GemmI8Job gemm_i8_job(const Fields& f, int32_t a_format, const RunContext& run, const GemmI8Added* added = nullptr) {
  GemmI8Job job;
  job.packed = nullptr;
  job.w_zero = run.buffer<const int32_t>(f.w_zero);
  job.offset = run.buffer<const int32_t>(f.offset);
  job.multiplier = run.buffer<const float>(f.multiplier);
  job.multiplier_step = f.multiplier_step;
  job.bias = run.buffer<const float>(f.bias);
  job.a_format = a_format;
  job.y_format = f.y_format;
  job.y_zero_point = f.y_zero_point;
  job.qlo = f.qlo;
  job.qhi = f.qhi;
  job.lo = f.lo;
  job.hi = f.hi;
  job.residual = nullptr;
  job.activation = -1;
  job.alpha = job.beta = 0.0f;
  job.added = added;
  job.added_codes = nullptr;
  choose_gemm_i8_kernels(*run.kernels, &job);
  return job;
}

// Rows of A of one block: `rows` rows of k codes. A row is `segments` runs of k / segments codes, segment_stride bytes
// apart; rows follow one another by `stride` within a line of line_rows rows, and lines by line_stride, so that the
// windows of a convolution are rows without being copied. More than one segment: k / segments is a multiple of 4, there
// is one group and no zero point of the weights. k_readable >= k says how many bytes of a row of one segment may be
// read (the ones behind k meet zero weights). zero and scale belong to row 0 of the block.
struct GemmI8Rows {
  const uint8_t* a;
  int64_t stride, rows, k_readable;
  int64_t line_rows, line_stride;
  int64_t segments, segment_stride;
  const int32_t* zero;  // or null
  int64_t zero_step;
  const float* scale;  // or null
  int64_t scale_step;
};

// Rows that lie one after the other, each in one piece.
inline GemmI8Rows plain_rows(const uint8_t* a, int64_t stride, int64_t rows, int64_t k_readable) {
  return {a, stride, rows, k_readable, rows, 0, 1, 0, nullptr, 0, nullptr, 0};
}

// Bytes of scratch that gemm_i8_block needs.
size_t gemm_i8_block_scratch();

// y[r][c] for the rows of the block and the panels [first_panel, first_panel + panels) of the matrix, at most
// kMaxPanels; y is at row 0 of the block and column 0 of the matrix, its stride in elements.
void gemm_i8_block(const GemmI8Job& job, const GemmI8Rows& rows, int64_t first_panel, int64_t panels, void* y,
                   int64_t y_stride, uint8_t* scratch);

}  // namespace lowbit
