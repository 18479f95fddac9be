// Adding the codes of a block to others, a row at a time or all rows as one.
#include "native/kernels/gemm_i8/add_codes.h"

namespace lowbit {

void add_codes(const GemmI8Job& job, const WaitingCodes& waiting, int64_t at, void* y, int64_t y_stride) {
  const GemmI8Added& added = *job.added;
  const bool dense = waiting.stride == waiting.columns && waiting.stride == y_stride;
  BinaryI8Args add;
  add.n = dense ? waiting.columns * waiting.rows : waiting.columns;
  add.a_step = add.b_step = 1;
  add.kind = 0;
  add.a_signed = job.y_format == kI8;
  add.b_signed = added.format == kI8;
  add.y_signed = added.sum_format == kI8;
  add.a_zero = job.y_zero_point;
  add.b_zero = added.zero;
  add.y_zero = added.sum_zero;
  add.a_ratio = added.ratio;
  add.b_ratio = added.added_ratio;
  add.qlo = added.sum_lo;
  add.qhi = added.sum_hi;
  for (int64_t r = 0; r < (dense ? 1 : waiting.rows); ++r, at += y_stride) {
    add.a = waiting.codes + r * waiting.stride;
    add.b = job.added_codes + at;
    add.y = static_cast<uint8_t*>(y) + at;
    job.kernels->binary_i8(add);
  }
}

}  // namespace lowbit
