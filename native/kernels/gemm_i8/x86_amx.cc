// gemm_u8i8_i32 and gemm_i8i8_i32 with AMX: tiles of 16 x 16 int32 take 64 bytes of k per instruction, exactly.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstring>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_amx.h"

#if defined(LOWBIT_AMX_EMULATION)
#include "native/isa/amx_emulation.h"
#endif

namespace lowbit {

namespace {

constexpr int64_t kTileRows = 16;
constexpr int64_t kTileDepth = 64;  // bytes of k in a row of A; 16 groups of a panel, which are 1 KiB in a row

// The operand of ldtilecfg:
//   0 palette  1 start row  2-15 zero  16-31 bytes per row of tiles 0-7 (u16)  32-47 zero  48-55 rows of tiles 0-7
//   56-63 zero
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
void configure(int64_t upper, int64_t lower) {
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

template <bool Signed>
struct Product;
template <>
struct Product<false> {
  static void first_upper() { _tile_dpbusd(0, 4, 6); }
  static void second_upper() { _tile_dpbusd(1, 4, 7); }
  static void first_lower() { _tile_dpbusd(2, 5, 6); }
  static void second_lower() { _tile_dpbusd(3, 5, 7); }
};
template <>
struct Product<true> {
  static void first_upper() { _tile_dpbssd(0, 4, 6); }
  static void second_upper() { _tile_dpbssd(1, 4, 7); }
  static void first_lower() { _tile_dpbssd(2, 5, 6); }
  static void second_lower() { _tile_dpbssd(3, 5, 7); }
};

// One step of 64 bytes of k: A at a (upper rows) and a_lower, B at b and b_second; absent parts are null.
template <bool Signed>
void step(const uint8_t* a, const uint8_t* a_lower, int64_t a_stride, const int8_t* b, const int8_t* b_second) {
  _tile_loadd(4, a, a_stride);
  _tile_loadd(6, b, 64);
  Product<Signed>::first_upper();
  if (b_second != nullptr) {
    _tile_loadd(7, b_second, 64);
    Product<Signed>::second_upper();
  }
  if (a_lower != nullptr) {
    _tile_loadd(5, a_lower, a_stride);
    Product<Signed>::first_lower();
    if (b_second != nullptr) Product<Signed>::second_lower();
  }
}

// Up to 32 rows by one or two panels. `tail` holds the last k % 64 bytes of the rows, padded with zeros to 64.
template <bool Signed>
void block(const GemmI8Args& args, const uint8_t* a, int64_t rows, const uint8_t* tail, int64_t panel, bool two,
           int32_t* c) {
  const int64_t lower_row = rows > kTileRows ? kTileRows : 0;
  const uint8_t* a_lower = lower_row != 0 ? a + lower_row * args.a_stride : nullptr;
  const int8_t* b = args.b + panel * args.panel_bytes;
  const int8_t* b_second = two ? b + args.panel_bytes : nullptr;
  const int64_t stride = args.c_stride * 4;
  if (args.accumulate) {
    _tile_loadd(0, c, stride);
    if (two) _tile_loadd(1, c + 16, stride);
    if (lower_row != 0) _tile_loadd(2, c + lower_row * args.c_stride, stride);
    if (lower_row != 0 && two) _tile_loadd(3, c + lower_row * args.c_stride + 16, stride);
  } else {
    _tile_zero(0);
    if (two) _tile_zero(1);
    if (lower_row != 0) _tile_zero(2);
    if (lower_row != 0 && two) _tile_zero(3);
  }

  const int64_t steps = args.k / kTileDepth;
  for (int64_t s = 0; s < steps; ++s) {
    step<Signed>(a + s * kTileDepth, lower_row != 0 ? a_lower + s * kTileDepth : nullptr, args.a_stride, b + s * 1024,
                 two ? b_second + s * 1024 : nullptr);
  }
  const int64_t rest = args.k % kTileDepth;
  if (rest != 0) {
    // The panel ends here, so its last groups are copied too: a tile of B always has 16 groups.
    alignas(64) int8_t columns[2][1024];
    const size_t bytes = static_cast<size_t>((rest + 3) / 4 * 64);
    memset(columns, 0, sizeof(columns));
    memcpy(columns[0], b + steps * 1024, bytes);
    if (two) memcpy(columns[1], b_second + steps * 1024, bytes);
    settle_memory();
    step<Signed>(tail, lower_row != 0 ? tail + lower_row * kTileDepth : nullptr, kTileDepth, columns[0],
                 two ? columns[1] : nullptr);
  }

  _tile_stored(0, c, stride);
  if (two) _tile_stored(1, c + 16, stride);
  if (lower_row != 0) _tile_stored(2, c + lower_row * args.c_stride, stride);
  if (lower_row != 0 && two) _tile_stored(3, c + lower_row * args.c_stride + 16, stride);
}

// The configuration belongs to the thread, like other registers: it is loaded here and released before this returns, so
// nothing else on the thread meets it and the kernel has no tiles to save.
template <bool Signed>
void gemm(const GemmI8Args& args) {
  alignas(64) uint8_t tail[2 * kTileRows * kTileDepth];
  const int64_t rest = args.k % kTileDepth;
  int64_t configured = 0;
  for (int64_t row = 0; row < args.m; row += 2 * kTileRows) {
    const int64_t rows = args.m - row < 2 * kTileRows ? args.m - row : 2 * kTileRows;
    const uint8_t* a = static_cast<const uint8_t*>(args.a) + row * args.a_stride;
    if (rows != configured) {
      configure(rows < kTileRows ? rows : kTileRows, rows > kTileRows ? rows - kTileRows : 0);
      configured = rows;
    }
    if (rest != 0) {
      memset(tail, 0, sizeof(tail));
      for (int64_t r = 0; r < rows; ++r) {
        memcpy(tail + r * kTileDepth, a + r * args.a_stride + args.k - rest, static_cast<size_t>(rest));
      }
    }
    for (int64_t panel = 0; panel < args.panels; panel += 2) {
      block<Signed>(args, a, rows, tail, panel, panel + 1 < args.panels, args.c + row * args.c_stride + 16 * panel);
    }
  }
  if (configured != 0) _tile_release();
}

}  // namespace

void gemm_u8i8_i32_x86_amx(const GemmI8Args& args) { gemm<false>(args); }
void gemm_i8i8_i32_x86_amx(const GemmI8Args& args) { gemm<true>(args); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
