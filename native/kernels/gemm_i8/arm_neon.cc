// gemm_u8i8_i32 and gemm_i8i8_i32 with Advanced SIMD, exact: smull to int16, then pairwise into int32 (sadalp).
#if defined(__aarch64__) || defined(_M_ARM64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/kernels/gemm_i8/signed_rows.h"

namespace lowbit {

namespace {

// Rows x 8 columns. |a * w| <= 2^14 fits int16, the sum of two would not (-128 * -128 twice), so every product goes to
// int32 at once. sum[r][v] holds [c c' d d'] for two columns: the sums over k = 0, 1 and k = 2, 3 (mod 4).
template <bool Signed, int Rows>
void tile(const int8_t* a, const int8_t* b, int64_t groups, bool first, const int32_t* column_sum, int32_t* c,
          int64_t c_stride) {
  int32x4_t sum[Rows][4];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) sum[r][v] = vdupq_n_s32(0);
  }
  for (int64_t g = 0; g < groups; ++g, a += 4, b += 64) {
    const int8x16_t left = vld1q_s8(b);
    const int8x16_t right = vld1q_s8(b + 16);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const int8x16_t codes = vreinterpretq_s8_s32(vld1q_dup_s32(reinterpret_cast<const int32_t*>(a + r * kRowSpan)));
      sum[r][0] = vpadalq_s16(sum[r][0], vmull_s8(vget_low_s8(codes), vget_low_s8(left)));
      sum[r][1] = vpadalq_s16(sum[r][1], vmull_high_s8(codes, left));
      sum[r][2] = vpadalq_s16(sum[r][2], vmull_s8(vget_low_s8(codes), vget_low_s8(right)));
      sum[r][3] = vpadalq_s16(sum[r][3], vmull_high_s8(codes, right));
    }
  }
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int h = 0; h < 2; ++h) {
      int32_t* to = c + r * c_stride + 4 * h;
      const int32x4_t before = first ? start_of<Signed>(column_sum + 4 * h) : vld1q_s32(to);
      vst1q_s32(to, vaddq_s32(before, vpaddq_s32(sum[r][2 * h], sum[r][2 * h + 1])));
    }
  }
}

template <bool Signed, int Rows = kMaxRows>
struct Tile {
  static void run(int64_t rows, const int8_t* a, const int8_t* b, int64_t groups, bool first, const int32_t* column_sum,
                  int32_t* c, int64_t c_stride) {
    if (rows == Rows) {
      tile<Signed, Rows>(a, b, groups, first, column_sum, c, c_stride);
    } else if constexpr (Rows > 1) {
      Tile<Signed, Rows - 1>::run(rows, a, b, groups, first, column_sum, c, c_stride);
    }
  }
};

}  // namespace

void gemm_u8i8_i32_arm_neon(const GemmI8Args& args) { gemm_by_signed_rows<false, 8, Tile<false>>(args); }
void gemm_i8i8_i32_arm_neon(const GemmI8Args& args) { gemm_by_signed_rows<true, 8, Tile<true>>(args); }

}  // namespace lowbit
#endif
