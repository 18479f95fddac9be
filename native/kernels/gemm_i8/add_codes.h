// Adding the codes of a block to others where no kernel of the product does it.
#pragma once

#include <cstdint>

#include "native/kernels/gemm_i8/block.h"

namespace lowbit {

// Codes of a product that wait in scratch: rows `stride` apart.
struct WaitingCodes {
  const uint8_t* codes;
  int64_t stride, rows, columns;
};

// y = the codes added to job.added_codes as job.added says; `at` is the element of both, y_stride a row, where the
// first row begins.
void add_codes(const GemmI8Job& job, const WaitingCodes& waiting, int64_t at, void* y, int64_t y_stride);

}  // namespace lowbit
