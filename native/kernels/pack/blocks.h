// How matrix products are cut into tasks.
#pragma once

#include <cstdint>

namespace lowbit {

// How a matrix product is cut: a task is `rows` x `columns_per_task` panels, computed `panels` at a time so that the
// int32 accumulators of a step stay in the L1 cache beside the rows and the panels that they are made of.
struct GemmBlocks {
  int64_t rows, row_blocks;
  int64_t panels;         // of one step
  int64_t steps;          // per matrix: ceil(all panels / panels)
  int64_t column_blocks;  // tasks along n
  int64_t tasks() const { return row_blocks * column_blocks; }
  int64_t first_row(int64_t block, int64_t m) const { return block * rows < m ? block * rows : m; }
  int64_t first_step(int64_t block) const { return block * steps / column_blocks; }
};

// Bytes of accumulators of a step. L1 caches hold 32 to 48 KiB.
constexpr int64_t kAccumulatorBytes = 24 * 1024;
// Bytes of rows that a block keeps at hand, in the L2 cache (256 KiB and more).
constexpr int64_t kRowBytes = 96 * 1024;
// Panels of a step, at most: one row of 8 panels gives a kernel 8 independent accumulators of 16 columns.
constexpr int64_t kMaxPanels = 8;
// Rows of a block, unless the matrix has fewer: below this the tiles of the kernels run half empty.
constexpr int64_t kLeastRows = 6;

// The cut for m x k by k x (16 * panels) with rows of row_bytes each, wanting enough tasks for `threads`.
GemmBlocks gemm_blocks(int64_t m, int64_t row_bytes, int64_t panels, int threads);

// The same for blocks that cut their accumulators themselves: the rows of a block take 3/8 of the L2 cache, the panels
// of a step pass by them.
GemmBlocks gemm_i8_blocks(int64_t m, int64_t row_bytes, int64_t panels, int threads, int64_t l2_bytes);

}  // namespace lowbit
