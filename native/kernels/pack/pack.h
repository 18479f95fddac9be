// The packed form of a weight matrix: a header that names the tile, column sums, and panels.
#pragma once

#include <cstdint>

namespace lowbit {

// Tiles by number: a kernel reads only the tile that it names.
enum PackedTile : int32_t {
  kTileI8N16K4 = 1,
  kTileF32N16K1 = 2,
  kTileBf16N16K2 = 6,
  kTileF16N16K1 = 7,
  kTileU4N16K8 = 8,
  kTileU8N16K4 = 9
};

// Memory of one packed matrix (all little-endian, every part 64-byte aligned):
//   0                PackedHeader, 64 bytes
//   64               column_sum i32 [groups][16 * panels]        (i8 only)
//   data_offset      panels: for each panel, ceil(group / 4) * 64 bytes per group of k (i8), or k * 64 bytes (f32)
//                    or ceil(k / 2) * 64 bytes (bf16: 16 pairs of two rows; f16: 16 of a row, then 16 of the next)
// Groups of k follow one another inside a panel, so a panel is contiguous over all of k.
struct PackedHeader {
  char magic[4];  // "LBPK"
  int32_t tile;   // PackedTile
  int32_t k, n;
  int32_t group_size;  // = k when there is one group
  int32_t groups;      // ceil(k / group_size)
  int32_t panels;      // ceil(n / 16)
  int32_t w_shift;     // 128 when u8 codes were stored as w - 128: the zero point is lowered by it, else 0
  int64_t panel_bytes;
  int64_t data_offset;  // from the header
  int64_t total_bytes;  // of this matrix: header, sums and panels
  int64_t reserved;     // 0
};
static_assert(sizeof(PackedHeader) == 64, "the header is one cache line");

// Bytes that pack_i8 and pack_f32 fill for one matrix, or -1 when the sizes overflow. TypeScript computes the same
// (src/runtime/packed.ts) and a test holds the two together.
int64_t packed_i8_bytes(int64_t k, int64_t n, int64_t group_size);
int64_t packed_f32_bytes(int64_t k, int64_t n);
// The same of pack_half.
int64_t packed_half_bytes(int64_t k, int64_t n);

// The header at `packed` if it describes a matrix of that tile and size that fits in `bytes`, else null.
const PackedHeader* packed_header(const void* packed, uint64_t bytes, PackedTile tile, int64_t k, int64_t n);

}  // namespace lowbit
