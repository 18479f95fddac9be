// The peak kernel for x86_amx: tdpbusd on tiles that stay in their registers.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_amx.h"

#if defined(LOWBIT_AMX_EMULATION)
#include "native/isa/amx_emulation.h"
#endif

namespace lowbit {

// One tdpbusd is 16 rows x 16 columns x 64 codes: 256 steps. Tiles 0 to 3 accumulate, 4 and 5 hold 16 equal rows of the
// codes, 6 and 7 hold 16 times the columns, as in gemm_i8.
void peak_u8i8_i32_x86_amx(const PeakI8Args& args) {
  alignas(64) uint8_t config[64] = {};
  config[0] = 1;
  for (int t = 0; t < 8; ++t) {
    config[16 + 2 * t] = 64;
    config[48 + t] = 16;
  }
  alignas(64) uint8_t codes[64];
  alignas(64) int8_t columns[64];
  alignas(64) int32_t sum[16][16];
  for (int i = 0; i < 64; i += 4) memcpy(codes + i, args.a, 4);
  memcpy(columns, args.b, 64);
#if defined(__GNUC__)
  __asm__ volatile("" ::: "memory");  // GCC's tile loads do not tell which bytes they read
#endif
  _tile_loadconfig(config);
  _tile_loadd(4, codes, 0);
  _tile_loadd(5, codes, 0);
  _tile_loadd(6, columns, 0);
  _tile_loadd(7, columns, 0);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t s = 0; s < args.steps; s += 1024) {
    _tile_dpbusd(0, 4, 6);
    _tile_dpbusd(1, 4, 7);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  }
  uint32_t all[16] = {};
  const auto add = [&] {
    for (int r = 0; r < 16; ++r) {
      for (int j = 0; j < 16; ++j) all[j] += static_cast<uint32_t>(sum[r][j]);
    }
  };
  _tile_stored(0, sum, 64);
  add();
  _tile_stored(1, sum, 64);
  add();
  _tile_stored(2, sum, 64);
  add();
  _tile_stored(3, sum, 64);
  add();
  _tile_release();
  memcpy(args.out, all, sizeof(all));
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
