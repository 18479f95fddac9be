// The tile registers of AMX for products by blocks of 2 x 2 tiles. Include inside the target region, behind the
// emulation where there is one.
#pragma once

#include <cstdint>
#include <cstring>

namespace lowbit {

namespace {

constexpr int64_t kTileRows = 16;
constexpr int64_t kBlockRows = 2 * kTileRows;
constexpr int64_t kTileBytes = 1024;  // 16 groups of a panel lie in a row: the tile of B

// The operand of ldtilecfg: palette, start row, 14 zeros, bytes per row of tiles 0 to 7 (u16), 16 zeros, rows of tiles
// 0 to 7, 8 zeros.
struct TileConfig {
  uint8_t palette, start_row;
  uint8_t zero_14[14];
  uint16_t row_bytes[8];
  uint8_t zero_16[16];
  uint8_t rows[8];
  uint8_t zero_8[8];
};
static_assert(sizeof(TileConfig) == 64, "the operand of ldtilecfg has 64 bytes");

// What was written before is in memory after: GCC's _tile_loadd and _tile_loadconfig do not tell the compiler which
// bytes they read, so stores to local arrays could be dropped.
inline void settle_memory() {
#if defined(__GNUC__)
  __asm__ volatile("" ::: "memory");
#endif
}

// Tiles 0 to 3 accumulate 2 x 2 blocks, 4 and 5 hold A, 6 and 7 hold B. `upper` rows in the first block row, `lower` in
// the second (0 = there is none).
inline void configure_blocks(int64_t upper, int64_t lower) {
  alignas(64) TileConfig config;
  memset(&config, 0, sizeof(config));
  config.palette = 1;
  const int64_t rows[8] = {upper, upper, lower, lower, upper, lower, 16, 16};
  for (int t = 0; t < 8; ++t) {
    if (rows[t] == 0) continue;
    config.rows[t] = static_cast<uint8_t>(rows[t]);
    config.row_bytes[t] = 64;
  }
  settle_memory();
  _tile_loadconfig(&config);
}

}  // namespace

}  // namespace lowbit
