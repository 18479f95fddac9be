// gemm_u8i8_i32 and gemm_i8i8_i32 with the dot product extension: sdot adds four i8 * i8 products to each int32,
// exactly.
#if defined(__aarch64__) || defined(_M_ARM64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_dotprod.h"

#include "native/kernels/gemm_i8/signed_rows.h"

namespace lowbit {

namespace {

// Rows x 16 columns: 24 of the 32 registers accumulate, 4 hold a group of the panel.
template <bool Signed, int Rows>
void tile(const int8_t* a, const int8_t* b, int64_t groups, bool first, const int32_t* column_sum, int32_t* c,
          int64_t c_stride) {
  int32x4_t sum[Rows][4];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) {
      sum[r][v] = first ? start_of<Signed>(column_sum + 4 * v) : vld1q_s32(c + r * c_stride + 4 * v);
    }
  }
  for (int64_t g = 0; g < groups; ++g, a += 4, b += 64) {
    int8x16_t columns[4];
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) columns[v] = vld1q_s8(b + 16 * v);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const int8x16_t codes = vreinterpretq_s8_s32(vld1q_dup_s32(reinterpret_cast<const int32_t*>(a + r * kRowSpan)));
      LOWBIT_UNROLL
      for (int v = 0; v < 4; ++v) sum[r][v] = vdotq_s32(sum[r][v], codes, columns[v]);
    }
  }
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) vst1q_s32(c + r * c_stride + 4 * v, sum[r][v]);
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

void gemm_u8i8_i32_arm_dotprod(const GemmI8Args& args) { gemm_by_signed_rows<false, 16, Tile<false>>(args); }
void gemm_i8i8_i32_arm_dotprod(const GemmI8Args& args) { gemm_by_signed_rows<true, 16, Tile<true>>(args); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
