// The packed form of weights by group: its header, sizes and parts. kernels/gemm_i4/gemm_i4.h draws the panels.
#pragma once

#include <cstdint>

#include "native/kernels/pack/pack.h"

namespace lowbit {

// Memory of a packed matrix (little-endian, every part a multiple of 64 bytes):
//   0            PackedHeader; tile kTileU4N16K8 or kTileU8N16K4, panel_bytes of one panel
//   64           zero points u8 [panels][groups][16], padded to 64 bytes; nothing where all are the middle
//   data_offset  panels
struct GroupedWeights {
  const PackedHeader* header;
  const uint8_t* zero;  // null: the middle
  const uint8_t* panels;
  int64_t zero_stride;  // per panel
  int64_t lines, last_lines;
  int64_t group_bytes() const { return 64 + lines * 64; }
};

// k of one line: 8 of 4-bit codes, 4 of 8-bit codes.
constexpr int64_t line_k(int32_t bits) { return bits == 4 ? 8 : 4; }

// The header of a k x n matrix of 4 or 8 bits; group_size <= k, a multiple of 8 unless it is k. False on overflow.
bool make_grouped_header(int32_t bits, int64_t k, int64_t n, int64_t group_size, bool zero_points,
                         PackedHeader* header);

// The parts of the matrix at `packed` if it is one of that size and fits in `bytes`; `header` is null otherwise.
GroupedWeights grouped_weights(const void* packed, uint64_t bytes, int32_t bits, int64_t k, int64_t n);

}  // namespace lowbit
