// The int8 products to sums and to codes with the dot product extension: sdot adds four i8 * i8 products to each int32,
// exactly.
#if defined(__aarch64__) || defined(_M_ARM64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_dotprod.h"

#include "native/isa/lanes/arm_neon.h"
#include "native/kernels/gemm_i8/finish_lanes.h"
#include "native/kernels/pack/arm_rows.h"

#include "native/kernels/gemm_i8/arm_tiles.h"

namespace lowbit {

namespace {

struct Dot {
  using Sum = int32x4_t;
  using Operand = int8x16_t;
  static Operand load(const uint8_t* bytes) { return vreinterpretq_s8_u8(vld1q_u8(bytes)); }
  template <int Lane>
  static Sum multiply_add(Sum sum, Operand column, Operand words) {
    return vdotq_laneq_s32(sum, column, words, Lane);
  }
};

template <bool Codes, int Rows>
LOWBIT_INLINE void tile_of(const ArmTile& tile) {
  int32x4_t sum[Rows][4];
  const int64_t before_stride = tile.before_stride;
  const int32_t* before = tile.before;
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r, before += before_stride) {
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) sum[r][v] = vld1q_s32(before + 4 * v);
  }
  add_words<Dot>(sum, tile.a, reinterpret_cast<const uint8_t*>(tile.b), tile.groups);
  end_tile<Codes>(tile, sum);
}

// Unsigned codes: a = (a ^ 0x80) + 128 with a ^ 0x80 signed.
template <bool Signed>
struct Unit {
  static constexpr int64_t kPanels = 8, kDepth = 1024, kRowStep = 1;
  static constexpr int32_t kFlip = Signed ? 0 : -128;
  using Rows = WordsOfRows<Signed ? 0 : 0x80>;
  struct Panels {
    void prepare(const int8_t*, int64_t, int64_t, int64_t, int64_t) {}  // they are multiplied as they lie
  };
  template <bool Codes, int Most = kTileRows>
  static LOWBIT_INLINE void run(const ArmTile& tile, const Panels& panels, int64_t p) {
    if (tile.rows == Most) {
      tile_of<Codes, Most>(tile);
    } else if constexpr (Most > 1) {
      run<Codes, Most - 1>(tile, panels, p);
    }
  }
};

}  // namespace

void gemm_u8i8_i32_arm_dotprod(const GemmI8Args& args) { gemm_by_arm_tiles<Unit<false>>(args); }
void gemm_i8i8_i32_arm_dotprod(const GemmI8Args& args) { gemm_by_arm_tiles<Unit<true>>(args); }
LOWBIT_GEMM_I8_CODES_KERNELS(arm_dotprod)

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
