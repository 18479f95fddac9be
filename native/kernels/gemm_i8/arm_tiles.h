// The walk of an int8 product over tiles of up to six rows by one panel, for the ARM units. Included inside the region
// of an ISA file behind kernels/pack/arm_rows.h, without include guard and system headers.

namespace lowbit {

namespace {

// One tile: rows from first_row on by the panel's 16 columns.
struct ArmTile {
  int64_t rows;
  const uint8_t* a;  // arranged
  const int8_t* b;   // the chunk of the panel
  int64_t groups;    // of 4 values of k
  bool start;        // the first chunk of a product: c starts from column_sum
  const int32_t* column_sum;
  int32_t* c;
  int64_t c_stride;
};

// Unit: kPanels and kDepth, the panels and the values of k at a time; kRowStep, rows that are never parted; Rows, the
// arrangement; Panels, what a unit makes of the panels of a chunk, prepare()d once for all rows; run(tile, panels, p).
template <typename Unit>
void gemm_by_arm_tiles(const GemmI8Args& args) {
  alignas(64) uint8_t rows_of_a[Unit::Rows::kCopies * kTileRows * Unit::kDepth];
  typename Unit::Panels prepared;
  const int64_t steps = (args.m + Unit::kRowStep - 1) / Unit::kRowStep;
  const int64_t tiles = (args.m + kTileRows - 1) / kTileRows;
  for (int64_t panel = 0; panel < args.panels; panel += Unit::kPanels) {
    const int64_t panels = args.panels - panel < Unit::kPanels ? args.panels - panel : Unit::kPanels;
    for (int64_t k = 0; k < args.k; k += Unit::kDepth) {
      const int64_t depth = args.k - k < Unit::kDepth ? args.k - k : Unit::kDepth;
      ArmTile tile;
      tile.groups = (depth + 3) / 4;
      tile.start = k == 0 && !args.accumulate;
      tile.a = rows_of_a;
      tile.c_stride = args.c_stride;
      const int8_t* b = args.b + panel * args.panel_bytes + k * 16;
      prepared.prepare(b, args.panel_bytes, panels, tile.groups, tiles);
      for (int64_t t = 0; t < tiles; ++t) {
        // Tiles of nearly equal height: a last one of one row would leave the units waiting for its few accumulators.
        const int64_t row = steps * t / tiles * Unit::kRowStep;
        const int64_t end = steps * (t + 1) / tiles * Unit::kRowStep;
        tile.rows = (end < args.m ? end : args.m) - row;
        arrange_rows<typename Unit::Rows>(static_cast<const uint8_t*>(args.a) + row * args.a_stride + k, args.a_stride,
                                          tile.rows, depth, rows_of_a);
        for (int64_t p = 0; p < panels; ++p) {
          tile.b = b + p * args.panel_bytes;
          tile.column_sum = args.column_sum + 16 * (panel + p);
          tile.c = args.c + row * args.c_stride + 16 * (panel + p);
          Unit::run(tile, prepared, p);
        }
      }
    }
  }
}

// Unsigned codes: a = (a ^ 0x80) + 128 with a ^ 0x80 signed, so accumulation starts from 128 * column_sum.
template <bool Signed>
inline int32x4_t start_of(const int32_t* column_sum) {
  return Signed ? vdupq_n_s32(0) : vshlq_n_s32(vld1q_s32(column_sum), 7);
}

}  // namespace

}  // namespace lowbit
