// The walk of an int8 product over tiles of up to six rows by one panel, for the ARM units. Included inside the region
// of an ISA file behind the lanes, kernels/pack/arm_rows.h and finish_lanes.h, without include guard and system
// headers.

#include "native/kernels/gemm_i8/segment_rows.h"

namespace lowbit {

namespace {

// One tile: rows from first_row on by the panel's 16 columns. Its sums are added to before[r * before_stride], and end
// as codes when there is an `out`, else in c.
struct ArmTile {
  int64_t rows;
  const uint8_t* a;  // arranged
  const int8_t* b;   // the chunk of the panel
  int64_t groups;    // of 4 values of k
  const int32_t* before;
  int64_t before_stride;
  int32_t* c;
  int64_t c_stride;
  const CodesOut* out;
  int64_t row, column;
};

// `Rows` rows of sums, as codes or to c.
template <bool Codes, int Rows>
LOWBIT_INLINE void end_tile(const ArmTile& tile, const int32x4_t (&sum)[Rows][4]) {
  if constexpr (Codes) {
    LOWBIT_UNROLL
    for (int h = 0; h < 2; ++h) {
      Lanes::I half[Rows];
      LOWBIT_UNROLL
      for (int r = 0; r < Rows; ++r) half[r] = Lanes::pair(sum[r][2 * h], sum[r][2 * h + 1]);
      finish_rows(*tile.out, tile.row, tile.column + 8 * h, half);
    }
  } else {
    const int64_t c_stride = tile.c_stride;
    int32_t* c = tile.c;
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r, c += c_stride) {
      LOWBIT_UNROLL
      for (int v = 0; v < 4; ++v) vst1q_s32(c + 4 * v, sum[r][v]);
    }
  }
}

// What a product begins and ends with. flip as in start_columns; sums in c when there is no `out`.
struct ArmEnds {
  int32_t flip;
  bool accumulate;
  int32_t* c;
  int64_t c_stride;
  const CodesOut* out;
};

// Rows of codes whose sums wait for their other parts of k, on the stack: 24 KiB.
template <typename Unit>
constexpr int64_t kWaitingRows = 384 / Unit::kPanels;

// `depth` codes of rows from the k-th on, segment after segment, `span` bytes from row to row. Not inlined: the loop of
// the tiles has no register to spare.
__attribute__((noinline)) void gather_rows(const GemmI8Product& product, int64_t row, int64_t rows, int64_t k,
                                           int64_t depth, int64_t span, uint8_t* to) {
  each_run(product, row, rows, k, depth, [&](int64_t r, int64_t i, const uint8_t* from, int64_t count) {
    memcpy(to + r * span + i, from, static_cast<size_t>(count));
  });
}

// Beside the loop of the other tiles, whose registers it would take.
template <typename Unit>
__attribute__((noinline)) void run_to_codes(const ArmTile tile, const typename Unit::Panels& panels, int64_t p) {
  Unit::template run<true>(tile, panels, p);
}

// Unit: kPanels (at most kFinishPanels) and kDepth, the panels and the values of k at a time; kRowStep, rows that are
// never parted; Rows, the arrangement; Panels, what a unit makes of the panels of a chunk, prepare()d once for all
// rows; run<Codes>(tile, panels, p), with codes when the tile has an `out`. Rows [row, row + m) of the product.
template <typename Unit>
void multiply_rows(const GemmI8Product& product, const ArmEnds& ends, int64_t row, int64_t m) {
  alignas(64) uint8_t rows_of_a[Unit::Rows::kCopies * kTileRows * Unit::kDepth];
  alignas(64) uint8_t gathered[kTileRows * Unit::kDepth];
  alignas(64) int32_t start[16 * Unit::kPanels];
  typename Unit::Panels prepared;
  const int64_t all = product.segments * product.k;
  const int64_t panel_bytes = product.panel_bytes;
  const int64_t steps = (m + Unit::kRowStep - 1) / Unit::kRowStep;
  const int64_t tiles = (m + kTileRows - 1) / kTileRows;
  ArmTile tile;
  tile.a = rows_of_a;
  tile.c_stride = ends.c_stride;
  for (int64_t panel = 0; panel < product.panels; panel += Unit::kPanels) {
    const int64_t panels = product.panels - panel < Unit::kPanels ? product.panels - panel : Unit::kPanels;
    if (!ends.accumulate) start_columns(product, panel, panels, ends.flip, start);
    // Codes of one part of k have no sums in memory; those of several wait in c, panel group by panel group.
    int32_t* const c = ends.out == nullptr ? ends.c + 16 * panel : ends.c;
    for (int64_t k = 0; k < all; k += Unit::kDepth) {
      const int64_t depth = all - k < Unit::kDepth ? all - k : Unit::kDepth;
      const bool starts = k == 0 && !ends.accumulate;
      tile.groups = (depth + 3) / 4;
      tile.before_stride = starts ? 0 : ends.c_stride;
      tile.out = ends.out != nullptr && !ends.out->corrected && k + depth == all ? ends.out : nullptr;
      const int8_t* b = product.b + panel * panel_bytes + k * 16;
      prepared.prepare(b, panel_bytes, panels, tile.groups, tiles);
      for (int64_t t = 0; t < tiles; ++t) {
        // Tiles of nearly equal height: a last one of one row would leave the units waiting for its few accumulators.
        const int64_t first = steps * t / tiles * Unit::kRowStep;
        const int64_t end = steps * (t + 1) / tiles * Unit::kRowStep;
        tile.rows = (end < m ? end : m) - first;
        tile.row = row + first;
        const uint8_t* a = static_cast<const uint8_t*>(product.a) + tile.row * product.a_stride + k;
        int64_t a_stride = product.a_stride;
        if (product.segments > 1) {
          gather_rows(product, tile.row, tile.rows, k, depth, Unit::kDepth, gathered);
          a = gathered;
          a_stride = Unit::kDepth;
        }
        arrange_rows<typename Unit::Rows>(a, a_stride, tile.rows, depth, rows_of_a);
        tile.b = b;
        tile.c = c + first * ends.c_stride;
        tile.before = starts ? start : tile.c;
        tile.column = 16 * panel;
        for (int64_t p = 0; p < panels; ++p) {
          if (tile.out == nullptr) {
            Unit::template run<false>(tile, prepared, p);
          } else {  // by value, so that the tile itself needs no memory
            run_to_codes<Unit>(tile, prepared, p);
          }
          tile.b += panel_bytes;
          tile.c += 16;
          tile.before += 16;
          tile.column += 16;
        }
      }
    }
    if (ends.out != nullptr && ends.out->corrected) {
      finish_corrected(*ends.out, row, m, panel, panels, c, ends.c_stride);
    }
  }
}

template <typename Unit>
void gemm_by_arm_tiles(const GemmI8Args& args) {
  const GemmI8Product product = {
      args.a,           args.a_stride,   1,       0,       args.b, args.panel_bytes, args.m, args.panels, args.k,
      16 * args.panels, args.column_sum, nullptr, nullptr, 0,      nullptr,          nullptr};
  multiply_rows<Unit>(product, {Unit::kFlip, args.accumulate, args.c, args.c_stride, nullptr}, 0, args.m);
}

template <typename Unit>
void codes_by_arm_tiles(const CodesOut& out) {
  alignas(64) int32_t sums[kWaitingRows<Unit> * 16 * Unit::kPanels];
  const GemmI8Product& product = out.args.product;
  const ArmEnds ends = {Unit::kFlip, false, sums, 16 * Unit::kPanels, &out};
  const bool waits = out.corrected || product.segments * product.k > Unit::kDepth;
  const int64_t most = waits ? kWaitingRows<Unit> : product.m;
  for (int64_t row = 0; row < product.m; row += most) {
    multiply_rows<Unit>(product, ends, row, product.m - row < most ? product.m - row : most);
  }
}

}  // namespace

}  // namespace lowbit

// The kernels of an instruction set.
#define LOWBIT_GEMM_I8_CODES_KERNELS(isa)                                                                        \
  void gemm_u8i8_u8_##isa(const GemmI8CodesArgs& args) { codes_by_arm_tiles<Unit<false>>(CodesOut(args, 128)); } \
  void gemm_u8i8_i8_##isa(const GemmI8CodesArgs& args) { codes_by_arm_tiles<Unit<false>>(CodesOut(args, 0)); }   \
  void gemm_i8i8_u8_##isa(const GemmI8CodesArgs& args) { codes_by_arm_tiles<Unit<true>>(CodesOut(args, 128)); }  \
  void gemm_i8i8_i8_##isa(const GemmI8CodesArgs& args) { codes_by_arm_tiles<Unit<true>>(CodesOut(args, 0)); }
