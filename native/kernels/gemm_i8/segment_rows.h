// Rows of a product whose codes lie in segments, run by run. Included inside the region of an ISA file.
#pragma once

#include "native/isa/unroll.h"
#include "native/kernels/gemm_i8/gemm_i8.h"

namespace lowbit {

namespace {

// take(r, i, from, count) for the runs of `depth` codes from the k-th on of the rows [row, row + rows): codes i to
// i + count - 1 of row r of them lie at `from`.
template <typename Take>
LOWBIT_INLINE void each_run(const GemmI8Product& product, int64_t row, int64_t rows, int64_t k, int64_t depth,
                            const Take& take) {
  const uint8_t* a = static_cast<const uint8_t*>(product.a) + row * product.a_stride;
  for (int64_t r = 0; r < rows; ++r, a += product.a_stride) {
    int64_t segment = k / product.k, behind = k % product.k;
    for (int64_t done = 0; done < depth; ++segment, behind = 0) {
      const int64_t count = product.k - behind < depth - done ? product.k - behind : depth - done;
      take(r, done, a + segment * product.segment_stride + behind, count);
      done += count;
    }
  }
}

}  // namespace

}  // namespace lowbit
