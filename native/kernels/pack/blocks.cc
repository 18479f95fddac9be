// How matrix products are cut into tasks.
#include "native/kernels/pack/blocks.h"

namespace lowbit {

namespace {

GemmBlocks blocks_of(int64_t m, int64_t rows_at_hand, int64_t panels, bool accumulators, int threads) {
  GemmBlocks blocks;
  blocks.steps = (panels + kMaxPanels - 1) / kMaxPanels;
  // Even steps, and 4 panels at a time where the accumulators of a step would leave few rows otherwise.
  if (m >= 96 && panels > 4) blocks.steps = (panels + 3) / 4;
  blocks.panels = (panels + blocks.steps - 1) / blocks.steps;
  blocks.steps = (panels + blocks.panels - 1) / blocks.panels;
  int64_t rows = accumulators ? kAccumulatorBytes / (blocks.panels * 64) : rows_at_hand;
  if (rows > rows_at_hand) rows = rows_at_hand;
  if (rows < kLeastRows) rows = kLeastRows;
  blocks.row_blocks = m < 1 ? 0 : (m + rows - 1) / rows;
  blocks.column_blocks = 1;
  if (threads > 1 && blocks.row_blocks > 0) {
    // Four tasks per thread even out what others do to the machine; smaller rows first, then columns.
    const int64_t wanted = int64_t{4} * threads;
    if (blocks.row_blocks < wanted) {
      const int64_t most = (m + 15) / 16;
      const int64_t row_blocks = wanted < most ? wanted : most;
      if (row_blocks > blocks.row_blocks) blocks.row_blocks = row_blocks;
    }
    if (blocks.row_blocks < wanted) {
      const int64_t splits = (wanted + blocks.row_blocks - 1) / blocks.row_blocks;
      blocks.column_blocks = splits < blocks.steps ? splits : blocks.steps;
    }
  }
  blocks.rows = blocks.row_blocks == 0 ? rows : (m + blocks.row_blocks - 1) / blocks.row_blocks;
  if (blocks.rows > 0) blocks.row_blocks = (m + blocks.rows - 1) / blocks.rows;
  return blocks;
}

}  // namespace

GemmBlocks gemm_blocks(int64_t m, int64_t row_bytes, int64_t panels, int threads) {
  return blocks_of(m, row_bytes > 0 ? kRowBytes / row_bytes : m, panels, true, threads);
}

GemmBlocks gemm_i8_blocks(int64_t m, int64_t row_bytes, int64_t panels, int threads, int64_t l2_bytes) {
  return blocks_of(m, row_bytes > 0 ? l2_bytes * 3 / 8 / row_bytes : m, panels, false, threads);
}

}  // namespace lowbit
