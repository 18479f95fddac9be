// Convolutions as the products of their groups: tasks over them, and their packed matrices.
#pragma once

#include "native/kernels/pack/blocks.h"
#include "native/kernels/pack/pack.h"

namespace lowbit {

// One task: a group, a block of output pixels and a range of steps over the panels.
struct ConvTask {
  int64_t group, first_pixel, pixels, first_step, last_step;
};

inline ConvTask conv_task(const GemmBlocks& blocks, int64_t pixels, int64_t task) {
  ConvTask cut;
  cut.group = task / blocks.tasks();
  const int64_t row_block = task % blocks.tasks() / blocks.column_blocks;
  const int64_t column_block = task % blocks.column_blocks;
  cut.first_pixel = blocks.first_row(row_block, pixels);
  cut.pixels = blocks.first_row(row_block + 1, pixels) - cut.first_pixel;
  cut.first_step = blocks.first_step(column_block);
  cut.last_step = blocks.first_step(column_block + 1);
  return cut;
}

// The matrices of all groups, or null when one is not of the tile and size.
inline const PackedHeader* packed_groups(const void* packed, uint64_t bytes, PackedTile tile, int64_t k, int64_t n,
                                         int64_t groups) {
  const uint8_t* base = static_cast<const uint8_t*>(packed);
  uint64_t before = 0;
  for (int64_t g = 0; g < groups; ++g) {
    const PackedHeader* header = before > bytes ? nullptr : packed_header(base + before, bytes - before, tile, k, n);
    if (header == nullptr || header->groups != 1) return nullptr;
    before += static_cast<uint64_t>(header->total_bytes);
  }
  return static_cast<const PackedHeader*>(packed);
}

}  // namespace lowbit
