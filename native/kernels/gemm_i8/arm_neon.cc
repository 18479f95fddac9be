// The int8 products to sums and to codes with Advanced SIMD, exact: two products to int16 (smull, smlsl), their pairs
// to int32 (sadalp).
#if defined(__aarch64__) || defined(_M_ARM64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/isa/lanes/arm_neon.h"
#include "native/kernels/gemm_i8/finish_lanes.h"
#include "native/kernels/pack/arm_rows.h"

#include "native/kernels/gemm_i8/arm_tiles.h"

namespace lowbit {

namespace {

// The sum of two products of signed bytes does not fit int16 in one case: -128 * -128 twice. Their difference always
// does: -16,256 - 16,384 at least and 16,384 + 16,256 at most. So every second group of k is multiplied by the
// complement of its codes, ~a = -1 - a, and subtracted:
//   a0 * w0 - ~a1 * w1 = a0 * w0 + a1 * w1 + w1
// and what is too much, the sum of w over the second groups, is the same for all rows of a column. That makes three
// instructions for 16 products (smull, smlsl, sadalp) where widening every product by itself takes four.

// Each word of a row four times over, the second ones complemented: for two groups 32 bytes of a row after another.
// kFlip is 0x80 for unsigned codes, which become signed, lowered by 128.
template <uint8_t kFlip>
struct CopiesOfWords {
  static constexpr int64_t kCopies = 4;
  static void store(const uint8x16_t (&codes)[kTileRows], uint8_t* to) {
    const uint8x16_t flip =
        vreinterpretq_u8_u64(vdupq_n_u64(kFlip * 0x01010101u | (0xffull ^ kFlip) * 0x01010101 << 32));
    LOWBIT_UNROLL
    for (int r = 0; r < kTileRows; ++r, to += 32) {
      const uint32x4_t words = vreinterpretq_u32_u8(veorq_u8(codes[r], flip));
      vst1q_u8(to, vreinterpretq_u8_u32(vdupq_laneq_u32(words, 0)));
      vst1q_u8(to + 16, vreinterpretq_u8_u32(vdupq_laneq_u32(words, 1)));
      vst1q_u8(to + 32 * kTileRows, vreinterpretq_u8_u32(vdupq_laneq_u32(words, 2)));
      vst1q_u8(to + 32 * kTileRows + 16, vreinterpretq_u8_u32(vdupq_laneq_u32(words, 3)));
    }
  }
};

inline int8x16_t bytes(const void* from) { return vld1q_s8(static_cast<const int8_t*>(from)); }

// Rows x 8 columns of one panel: sum[r][v] holds [c c' d d'] for two columns, c over k = 0, 1 and c' over k = 2, 3
// (mod 4). 24 of the 32 registers accumulate, 4 hold two groups of the panel, 2 those of a row.
template <bool Codes, int Rows>
LOWBIT_INLINE void half_of(const ArmTile& tile, int half, const int32_t* less) {
  const int8_t* b = tile.b + 32 * half;
  int32x4_t sum[Rows][4];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) sum[r][v] = vdupq_n_s32(0);
  }
  const uint8_t* a = tile.a;
  for (int64_t g = tile.groups / 2; g > 0; --g, a += 32 * kTileRows, b += 128) {
    const int8x16_t left = bytes(b), right = bytes(b + 16), left_second = bytes(b + 64), right_second = bytes(b + 80);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const int8x16_t codes = bytes(a + 32 * r), second = bytes(a + 32 * r + 16);
      sum[r][0] = vpadalq_s16(sum[r][0], vmlsl_s8(vmull_s8(vget_low_s8(codes), vget_low_s8(left)), vget_low_s8(second),
                                                  vget_low_s8(left_second)));
      sum[r][1] = vpadalq_s16(sum[r][1], vmlsl_high_s8(vmull_high_s8(codes, left), second, left_second));
      sum[r][2] = vpadalq_s16(sum[r][2], vmlsl_s8(vmull_s8(vget_low_s8(codes), vget_low_s8(right)), vget_low_s8(second),
                                                  vget_low_s8(right_second)));
      sum[r][3] = vpadalq_s16(sum[r][3], vmlsl_high_s8(vmull_high_s8(codes, right), second, right_second));
      LOWBIT_OPAQUE(sum[r][3]);
    }
  }
  if (tile.groups % 2 != 0) {
    const int8x16_t left = bytes(b), right = bytes(b + 16);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const int8x16_t codes = bytes(a + 32 * r);
      sum[r][0] = vpadalq_s16(sum[r][0], vmull_s8(vget_low_s8(codes), vget_low_s8(left)));
      sum[r][1] = vpadalq_s16(sum[r][1], vmull_high_s8(codes, left));
      sum[r][2] = vpadalq_s16(sum[r][2], vmull_s8(vget_low_s8(codes), vget_low_s8(right)));
      sum[r][3] = vpadalq_s16(sum[r][3], vmull_high_s8(codes, right));
    }
  }
  Lanes::I total[Rows];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    const Lanes::I before = Lanes::load(tile.before + r * tile.before_stride + 8 * half, AllLanes{});
    total[r] = Lanes::pair(vpaddq_s32(sum[r][0], sum[r][1]), vpaddq_s32(sum[r][2], sum[r][3]));
    total[r] = Lanes::add(Lanes::add(total[r], Lanes::load(less + 8 * half, AllLanes{})), before);
  }
  if constexpr (Codes) {
    finish_rows(*tile.out, tile.row, tile.column + 8 * half, total);
  } else {
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) Lanes::store(tile.c + r * tile.c_stride + 8 * half, total[r], AllLanes{});
  }
}

// Minus the sums of the columns over the second groups of a chunk. A pair of them is at most 256 in size, and a chunk
// has 64 second groups: int16 holds their sum.
struct SecondGroups {
  static constexpr int64_t kPanels = 8, kDepth = 512;
  int32_t less[kPanels][16];
  void prepare(const int8_t* b, int64_t panel_bytes, int64_t panels, int64_t groups, int64_t) {
    for (int64_t p = 0; p < panels; ++p) {
      const int8_t* second = b + p * panel_bytes + 64;
      int16x8_t sum[4];
      for (int v = 0; v < 4; ++v) sum[v] = vdupq_n_s16(0);
      for (int64_t g = groups / 2; g > 0; --g, second += 128) {
        for (int v = 0; v < 4; ++v) sum[v] = vpadalq_s8(sum[v], vld1q_s8(second + 16 * v));
      }
      for (int v = 0; v < 4; ++v) vst1q_s32(less[p] + 4 * v, vnegq_s32(vpaddlq_s16(sum[v])));
    }
  }
};

template <bool Signed>
struct Unit {
  static constexpr int64_t kPanels = SecondGroups::kPanels, kDepth = SecondGroups::kDepth, kRowStep = 1;
  static constexpr int32_t kFlip = Signed ? 0 : -128;  // unsigned codes: a = (a ^ 0x80) + 128 with a ^ 0x80 signed
  using Rows = CopiesOfWords<Signed ? 0 : 0x80>;
  using Panels = SecondGroups;
  template <bool Codes, int Most = kTileRows>
  static LOWBIT_INLINE void run(const ArmTile& tile, const Panels& panels, int64_t p) {
    if (tile.rows == Most) {
      half_of<Codes, Most>(tile, 0, panels.less[p]);
      half_of<Codes, Most>(tile, 1, panels.less[p]);
    } else if constexpr (Most > 1) {
      run<Codes, Most - 1>(tile, panels, p);
    }
  }
};

}  // namespace

void gemm_u8i8_i32_arm_neon(const GemmI8Args& args) { gemm_by_arm_tiles<Unit<false>>(args); }
void gemm_i8i8_i32_arm_neon(const GemmI8Args& args) { gemm_by_arm_tiles<Unit<true>>(args); }
LOWBIT_GEMM_I8_CODES_KERNELS(arm_neon)

}  // namespace lowbit
#endif
