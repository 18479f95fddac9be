// The int8 products to sums and to codes with the int8 matrix extension: smmla and usmmla add the product of 2 x 8 by 8
// x 2 codes to 2 x 2 int32, exactly.
#if defined(__aarch64__) || defined(_M_ARM64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_i8mm.h"

#include "native/isa/lanes/arm_neon.h"
#include "native/kernels/gemm_i8/finish_lanes.h"
#include "native/kernels/pack/arm_rows.h"

#include "native/kernels/gemm_i8/arm_tiles.h"

namespace lowbit {

namespace {

// 8 codes of a row beside 8 of the next one: for 8 values of k 48 bytes, r0 r1  r2 r3  r4 r5.
struct PairsOfRows {
  static constexpr int64_t kCopies = 1;
  static void store(const uint8x16_t (&codes)[kTileRows], uint8_t* to) {
    uint64_t* pairs = reinterpret_cast<uint64_t*>(to);
    LOWBIT_UNROLL
    for (int r = 0; r < kTileRows; r += 2) {
      vst1q_u64(pairs + r, vzip1q_u64(vreinterpretq_u64_u8(codes[r]), vreinterpretq_u64_u8(codes[r + 1])));
    }
    LOWBIT_UNROLL
    for (int r = 0; r < kTileRows; r += 2) {
      vst1q_u64(pairs + 6 + r, vzip2q_u64(vreinterpretq_u64_u8(codes[r]), vreinterpretq_u64_u8(codes[r + 1])));
    }
  }
};

// The assembly is what the intrinsics stand for. GCC 12 copies accumulators around them, a fifth more instructions.
template <bool Signed>
inline int32x4_t multiply_add(int32x4_t sum, uint8x16_t rows, int8x16_t columns) {
#if defined(__GNUC__) && !defined(__clang__)
  if (Signed) {
    __asm__ volatile("smmla %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(rows), "w"(columns));
  } else {
    __asm__ volatile("usmmla %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(rows), "w"(columns));
  }
  return sum;
#else
  return Signed ? vmmlaq_s32(sum, vreinterpretq_s8_u8(rows), columns) : vusmmlaq_s32(sum, rows, columns);
#endif
}

// A group of the panel holds 4 values of k of 4 columns in a register; smmla wants 8 values of 2 columns, the two
// groups zipped: pair[2v] and pair[2v + 1] are the columns 4v and 4v + 1, 4v + 2 and 4v + 3.
struct Zipped {
  static constexpr int64_t kGroupBytes = 64;
  static inline void load(const int8_t* b, int v, int8x16_t* pair) {
    const int32x4_t first = vreinterpretq_s32_s8(vld1q_s8(b + 16 * v));
    const int32x4_t second = vreinterpretq_s32_s8(vld1q_s8(b + 64 + 16 * v));
    pair[0] = vreinterpretq_s8_s32(vzip1q_s32(first, second));
    pair[1] = vreinterpretq_s8_s32(vzip2q_s32(first, second));
  }
};

// The last group of an odd number of them: what would be the second one is zero.
inline void load_last(const int8_t* b, int v, int8x16_t* pair) {
  const int32x4_t first = vreinterpretq_s32_s8(vld1q_s8(b + 16 * v));
  pair[0] = vreinterpretq_s8_s32(vzip1q_s32(first, vdupq_n_s32(0)));
  pair[1] = vreinterpretq_s8_s32(vzip2q_s32(first, vdupq_n_s32(0)));
}

// The pairs as they lie in a prepared panel.
struct Prepared {
  static inline void load(const int8_t* b, int v, int8x16_t* pair) {
    pair[0] = vld1q_s8(b + 32 * v);
    pair[1] = vld1q_s8(b + 32 * v + 16);
  }
};

// sum[p][q] is 2 x 2: the rows 2p and 2p + 1 by the columns 2q and 2q + 1. One step of 8 values of k.
template <bool Signed, int Pairs, typename Load>
LOWBIT_INLINE void add_step(int32x4_t (&sum)[Pairs][8], const uint8x16_t* rows, const Load& load) {
  LOWBIT_UNROLL
  for (int v = 0; v < 4; ++v) {
    int8x16_t pair[2];
    load(v, pair);
    LOWBIT_UNROLL
    for (int p = 0; p < Pairs; ++p) {
      sum[p][2 * v] = multiply_add<Signed>(sum[p][2 * v], rows[p], pair[0]);
      sum[p][2 * v + 1] = multiply_add<Signed>(sum[p][2 * v + 1], rows[p], pair[1]);
    }
  }
}

// Reads the pairs of rows of one step, a[16p].
template <int Pairs>
LOWBIT_INLINE void load_rows(const uint8_t* a, uint8x16_t* rows) {
  LOWBIT_UNROLL
  for (int p = 0; p < Pairs; ++p) rows[p] = vld1q_u8(a + 16 * p);
}

template <typename Source>
struct LoadPairs {
  const int8_t* b;
  inline void operator()(int v, int8x16_t* pair) const { Source::load(b, v, pair); }
};
struct LoadLast {
  const int8_t* b;
  inline void operator()(int v, int8x16_t* pair) const { load_last(b, v, pair); }
};

// 24 of the 32 registers accumulate, 3 hold rows, the others pairs of columns. `b` is a prepared panel, or the panel
// itself; `last` its last group, when their number is odd and it is not prepared.
template <bool Signed, bool Codes, typename Source, int Pairs>
LOWBIT_INLINE void tile_of(const ArmTile& tile, const int8_t* b) {
  int32x4_t sum[Pairs][8];
  // The row that an odd last one is paired with is itself again.
  const bool even = tile.rows == 2 * Pairs;
  const int64_t before_stride = tile.before_stride, lower = even ? before_stride : 0;
  LOWBIT_UNROLL
  for (int p = 0; p < Pairs; ++p) {
    const int32_t* before = tile.before + 2 * p * before_stride;
    const int32_t* under = before + (p + 1 < Pairs ? before_stride : lower);
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) {
      const int64x2_t first = vreinterpretq_s64_s32(vld1q_s32(before + 4 * v));
      const int64x2_t second = vreinterpretq_s64_s32(vld1q_s32(under + 4 * v));
      sum[p][2 * v] = vreinterpretq_s32_s64(vzip1q_s64(first, second));
      sum[p][2 * v + 1] = vreinterpretq_s32_s64(vzip2q_s64(first, second));
    }
  }
  const uint8_t* a = tile.a;
  uint8x16_t rows[4];
  for (int64_t fours = tile.groups / 8; fours > 0; --fours, a += 192, b += 512) {
    LOWBIT_UNROLL
    for (int s = 0; s < 4; s += 2) {
      // Four registers, so that two loads of two serve the two steps of six rows better than three and one.
      load_rows<Pairs>(a + 48 * s, rows);
      rows[3] = vld1q_u8(a + 48 * s + 48);
      add_step<Signed>(sum, rows, LoadPairs<Source>{b + 128 * s});
      rows[0] = rows[3];
      for (int p = 1; p < Pairs; ++p) rows[p] = vld1q_u8(a + 48 * s + 48 + 16 * p);
      add_step<Signed>(sum, rows, LoadPairs<Source>{b + 128 * s + 128});
    }
  }
  for (int64_t steps = tile.groups % 8 / 2; steps > 0; --steps, a += 48, b += 128) {
    load_rows<Pairs>(a, rows);
    add_step<Signed>(sum, rows, LoadPairs<Source>{b});
  }
  if (tile.groups % 2 != 0) {
    load_rows<Pairs>(a, rows);
    add_step<Signed>(sum, rows, LoadLast{b});
  }

  const int64_t c_stride = tile.c_stride, last = even ? c_stride : 0;
  int32_t* c = tile.c;
  LOWBIT_UNROLL
  for (int p = 0; p < Pairs; ++p, c += 2 * c_stride) {
    int32_t* c_under = c + (p + 1 < Pairs ? c_stride : last);
    LOWBIT_UNROLL
    for (int h = 0; h < 2; ++h) {
      Lanes::I upper, under;
      LOWBIT_UNROLL
      for (int v = 0; v < 2; ++v) {
        const int64x2_t left = vreinterpretq_s64_s32(sum[p][4 * h + 2 * v]);
        const int64x2_t right = vreinterpretq_s64_s32(sum[p][4 * h + 2 * v + 1]);
        upper.val[v] = vreinterpretq_s32_s64(vzip1q_s64(left, right));
        under.val[v] = vreinterpretq_s32_s64(vzip2q_s64(left, right));
      }
      if constexpr (Codes) {
        sum[p][4 * h] = upper.val[0];
        sum[p][4 * h + 1] = upper.val[1];
        sum[p][4 * h + 2] = under.val[0];
        sum[p][4 * h + 3] = under.val[1];
      } else {
        Lanes::store(c + 8 * h, upper, AllLanes{});
        Lanes::store(c_under + 8 * h, under, AllLanes{});
      }
    }
  }
  if constexpr (Codes) {
    LOWBIT_UNROLL
    for (int h = 0; h < 2; ++h) {
      Lanes::I half[2 * Pairs];
      LOWBIT_UNROLL
      for (int r = 0; r < 2 * Pairs; ++r) {
        half[r] = Lanes::pair(sum[r / 2][4 * h + r % 2 * 2], sum[r / 2][4 * h + r % 2 * 2 + 1]);
      }
      finish_rows(*tile.out, tile.row, tile.column + 8 * h, half, static_cast<int>(tile.rows));
    }
  }
}

// The zipped pairs of a chunk, made once for all rows; with a single tile of rows there is nobody to share them.
struct PreparedPanels {
  static constexpr int64_t kPanels = 4, kDepth = 512;
  alignas(64) int8_t pairs[kPanels][kDepth * 16];
  bool used;
  void prepare(const int8_t* b, int64_t panel_bytes, int64_t panels, int64_t groups, int64_t tiles) {
    used = tiles > 1;
    if (!used) return;
    for (int64_t p = 0; p < panels; ++p) {
      const int8_t* from = b + p * panel_bytes;
      int8_t* to = pairs[p];
      for (int64_t g = groups / 2; g > 0; --g, from += 128, to += 128) {
        int8x16_t pair[8];
        LOWBIT_UNROLL
        for (int v = 0; v < 4; ++v) Zipped::load(from, v, pair + 2 * v);
        LOWBIT_UNROLL
        for (int q = 0; q < 8; ++q) vst1q_s8(to + 16 * q, pair[q]);
      }
      if (groups % 2 != 0) memcpy(to, from, 64);
    }
  }
};

template <bool Signed>
struct Unit {
  static constexpr int64_t kPanels = PreparedPanels::kPanels, kDepth = PreparedPanels::kDepth, kRowStep = 2;
  static constexpr int32_t kFlip = 0;
  using Rows = PairsOfRows;
  using Panels = PreparedPanels;
  template <bool Codes, int Most = kTileRows / 2>
  static LOWBIT_INLINE void run(const ArmTile& tile, const Panels& panels, int64_t p) {
    if (tile.rows > 2 * (Most - 1)) {
      if (panels.used) {
        tile_of<Signed, Codes, Prepared, Most>(tile, panels.pairs[p]);
      } else {
        tile_of<Signed, Codes, Zipped, Most>(tile, tile.b);
      }
    } else if constexpr (Most > 1) {
      run<Codes, Most - 1>(tile, panels, p);
    }
  }
};

}  // namespace

// One row would leave half of every smmla empty, and the zips beside it: sdot does the same work without them.
void gemm_u8i8_i32_arm_i8mm(const GemmI8Args& args) {
  args.m == 1 ? gemm_u8i8_i32_arm_dotprod(args) : gemm_by_arm_tiles<Unit<false>>(args);
}
void gemm_i8i8_i32_arm_i8mm(const GemmI8Args& args) {
  args.m == 1 ? gemm_i8i8_i32_arm_dotprod(args) : gemm_by_arm_tiles<Unit<true>>(args);
}

void gemm_u8i8_u8_arm_i8mm(const GemmI8CodesArgs& args) {
  args.product.m == 1 ? gemm_u8i8_u8_arm_dotprod(args) : codes_by_arm_tiles<Unit<false>>(CodesOut(args, 128));
}
void gemm_u8i8_i8_arm_i8mm(const GemmI8CodesArgs& args) {
  args.product.m == 1 ? gemm_u8i8_i8_arm_dotprod(args) : codes_by_arm_tiles<Unit<false>>(CodesOut(args, 0));
}
void gemm_i8i8_u8_arm_i8mm(const GemmI8CodesArgs& args) {
  args.product.m == 1 ? gemm_i8i8_u8_arm_dotprod(args) : codes_by_arm_tiles<Unit<true>>(CodesOut(args, 128));
}
void gemm_i8i8_i8_arm_i8mm(const GemmI8CodesArgs& args) {
  args.product.m == 1 ? gemm_i8i8_i8_arm_dotprod(args) : codes_by_arm_tiles<Unit<true>>(CodesOut(args, 0));
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
