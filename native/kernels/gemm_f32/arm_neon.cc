// gemm_f32 and gemm_unfused_f32 with Advanced SIMD.
#if defined(__aarch64__) || defined(_M_ARM64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/kernels/pack/arm_rows.h"

// GCC 12 makes a broadcast of its own, shared by all uses of a lane, of the intrinsics that multiply by a lane.
#if defined(__GNUC__) && !defined(__clang__)
#define LOWBIT_NO_LANE_INTRINSICS
#endif

namespace lowbit {

namespace {

struct Fused {
  using Vector = float32x4_t;
  using Sum = Vector;
  using Operand = Vector;
  static constexpr int kLanes = 4;
  static Vector zero() { return vdupq_n_f32(0.0f); }
  static Vector load(const float* p) { return vld1q_f32(p); }
  static void store(float* p, Vector v) { vst1q_f32(p, v); }
  static Vector broadcast(const float* p) { return vld1q_dup_f32(p); }
  static Vector of(float value) { return vdupq_n_f32(value); }
  static Vector add(Vector a, Vector b) { return vaddq_f32(a, b); }
  static Vector load(const uint8_t* p) { return vld1q_f32(reinterpret_cast<const float*>(p)); }
  // Row S of a group of the tile, from its column of the given number.
  static constexpr bool kPrefetches = false;
  static constexpr int kRows = 1;
  template <int S>
  static Vector column(const uint8_t* group, int first) {
    return load(group + 4 * first);
  }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }
  template <int Lane>
  static Vector multiply_add(Vector sum, Vector column, Vector words) {
#if defined(LOWBIT_NO_LANE_INTRINSICS)
    __asm__ volatile("fmla %0.4s, %1.4s, %2.s[%3]" : "+w"(sum) : "w"(column), "w"(words), "i"(Lane));
    return sum;
#else
    return vfmaq_laneq_f32(sum, column, words, Lane);
#endif
  }
  static Vector clamp(Vector v, Vector lo, Vector hi) {
    const Vector raised = vbslq_f32(vcltq_f32(v, lo), lo, v);
    return vbslq_f32(vcgtq_f32(raised, hi), hi, raised);
  }
};

// A product and a sum, each rounded: what processors without a fused multiply-add compute.
struct Unfused : Fused {
  static Vector multiply_add(Vector a, Vector b, Vector c) { return vaddq_f32(vmulq_f32(a, b), c); }
  template <int Lane>
  static Vector multiply_add(Vector sum, Vector column, Vector words) {
#if defined(LOWBIT_NO_LANE_INTRINSICS)
    Vector product;
    __asm__ volatile("fmul %0.4s, %2.4s, %3.s[%4]\n\tfadd %1.4s, %0.4s, %1.4s"
                     : "=&w"(product), "+w"(sum)
                     : "w"(column), "w"(words), "i"(Lane));
    return sum;
#else
    return vaddq_f32(vmulq_laneq_f32(column, words, Lane), sum);
#endif
  }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_f32/body.h"

namespace lowbit {

namespace {

constexpr int64_t kDepth = 256;  // of k at a time: six rows of it stay in the L1 cache beside the columns

// Six rows as add_words reads them; missing ones repeat the last.
struct Arranged {
  float words[kTileRows * kDepth];

  // `depth` values of k from `first` on, counted through the segments of the rows.
  void arrange(const FloatRows& rows, const float* a, int64_t count, int64_t first, int64_t depth) {
    const float* row[kTileRows];
    for (int64_t r = 0; r < kTileRows; ++r) row[r] = a + (r < count ? r : count - 1) * rows.row_stride;
    int64_t k = 0;
    int64_t segment = first / rows.run, offset = first % rows.run;
    while (k < depth) {
      const int64_t piece = rows.run - offset < depth - k ? rows.run - offset : depth - k;
      const int64_t from = segment * rows.segment_stride + offset;
      for (int64_t i = 0; i < piece;) {
        if (k % 2 == 0 && i + 4 <= piece) {
          uint8x16_t four[kTileRows];
          LOWBIT_UNROLL
          for (int r = 0; r < kTileRows; ++r) four[r] = vreinterpretq_u8_f32(vld1q_f32(row[r] + from + i));
          WordsOfRows<0>::store(four, reinterpret_cast<uint8_t*>(words + k * kTileRows));
          i += 4;
          k += 4;
        } else {
          float* pair = words + k / 2 * 2 * kTileRows;
          for (int r = 0; r < 4; ++r) pair[k % 2 * 8 + r] = row[r][from + i];
          for (int r = 4; r < kTileRows; ++r) pair[k % 2 * 2 + r] = row[r][from + i];
          ++i;
          ++k;
        }
      }
      ++segment;
      offset = 0;
    }
  }
};

// One panel of a tile: `start` begins new sums, `end` finishes them with bias (16 values, or null) and clamp.
struct TilePart {
  const float* b;
  int64_t depth;
  bool start, end;
  const float* bias;
  float* c;
  int64_t c_stride;
};

// 24 of the 32 registers accumulate, 2 hold columns and 3 two words of the rows.
template <typename Simd, int Rows>
void arranged_tile(const GemmF32Args& args, const Arranged& arranged, const TilePart& part) {
  float32x4_t sum[Rows][4];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) {
      sum[r][v] = part.start ? vdupq_n_f32(0.0f) : vld1q_f32(part.c + r * part.c_stride + 4 * v);
    }
  }
  add_words<Simd>(sum, reinterpret_cast<const uint8_t*>(arranged.words), reinterpret_cast<const uint8_t*>(part.b),
                  part.depth);
  const float32x4_t lo = vdupq_n_f32(args.lo), hi = vdupq_n_f32(args.hi);
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int v = 0; v < 4; ++v) {
      float32x4_t value = sum[r][v];
      if (part.end && part.bias != nullptr) value = vaddq_f32(value, vld1q_f32(part.bias + 4 * v));
      if (part.end) value = Simd::clamp(value, lo, hi);
      vst1q_f32(part.c + r * part.c_stride + 4 * v, value);
    }
  }
}

template <typename Simd, int Rows = kTileRows>
void arranged_tile_of(int64_t rows, const GemmF32Args& args, const Arranged& arranged, const TilePart& part) {
  if (rows == Rows) {
    arranged_tile<Simd, Rows>(args, arranged, part);
  } else if constexpr (Rows > 1) {
    arranged_tile_of<Simd, Rows - 1>(rows, args, arranged, part);
  }
}

// The same for a panel with columns behind the matrix's last, which has `left`: they go through a buffer.
template <typename Simd>
void edge_tile(int64_t rows, const GemmF32Args& args, const Arranged& arranged, TilePart part, int64_t left) {
  float edge[kTileRows * 16] = {}, bias[16] = {};
  const size_t bytes = static_cast<size_t>(left) * 4;
  float* c = part.c;
  const int64_t c_stride = part.c_stride;
  for (int64_t r = 0; r < rows && !part.start; ++r) memcpy(edge + 16 * r, c + r * c_stride, bytes);
  if (part.bias != nullptr) memcpy(bias, part.bias, bytes);
  if (part.bias != nullptr) part.bias = bias;
  part.c = edge;
  part.c_stride = 16;
  arranged_tile_of<Simd>(rows, args, arranged, part);
  for (int64_t r = 0; r < rows; ++r) memcpy(c + r * c_stride, edge + 16 * r, bytes);
}

// Tiles of six rows by one panel, the rows arranged once for all panels; a single row is multiplied as it lies.
template <typename Simd>
void product(const GemmF32Args& args) {
  const FloatRows& rows = args.rows;
  if (rows.rows() == 1) {
    groups<Simd, 1, 1>(args, groups<Simd, 1, 2>(args, 0));
    return;
  }
  Arranged arranged;
  const int64_t k = rows.segments * rows.run;
  const int64_t tiles = (rows.line_rows + kTileRows - 1) / kTileRows;
  for (int64_t t = 0; t < rows.lines * tiles; ++t) {
    const int64_t line = t / tiles;
    const int64_t row = rows.line_rows * (t % tiles) / tiles;
    const int64_t count = rows.line_rows * (t % tiles + 1) / tiles - row;
    const float* a = rows.a + line * rows.line_stride + row * rows.row_stride;
    for (int64_t first = 0; first < k; first += kDepth) {
      TilePart part;
      part.depth = k - first < kDepth ? k - first : kDepth;
      part.start = first == 0 && !args.accumulate;
      part.end = first + part.depth == k && args.last;
      part.c_stride = args.c_stride;
      arranged.arrange(rows, a, count, first, part.depth);
      for (int64_t column = 0; column < args.n; column += 16) {
        part.b = reinterpret_cast<const float*>(args.b + column / 16 * args.panel_bytes) + first * 16;
        part.bias = args.bias == nullptr ? nullptr : args.bias + column;
        part.c = args.c + (line * rows.line_rows + row) * args.c_stride + column;
        if (args.n - column >= 16) {
          arranged_tile_of<Simd>(count, args, arranged, part);
        } else {
          edge_tile<Simd>(count, args, arranged, part, args.n - column);
        }
      }
    }
  }
}

}  // namespace

}  // namespace lowbit

LOWBIT_GEMM_F32_KERNELS(arm_neon)
#endif
