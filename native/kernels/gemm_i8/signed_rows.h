// Rows of A as signed codes in a small block, for units that multiply signed by signed bytes. Included inside the
// region of an ISA file (arm_neon, arm_dotprod), without include guard and system headers.

namespace lowbit {

namespace {

constexpr int kMaxRows = 6;
constexpr int64_t kDepth = 1024;  // of k at a time: 6 rows stay in the L1 cache beside the columns
constexpr int64_t kRowSpan =
    kDepth + 64;  // bytes between rows: not a power of two, so that rows fall into different sets

// to[r][i] = a[r][i] ^ flip for i < depth, zero up to the next multiple of 4.
void signed_rows(const uint8_t* a, int64_t a_stride, int64_t rows, int64_t depth, uint8_t flip, int8_t* to) {
  const uint8x16_t mask = vdupq_n_u8(flip);
  for (int64_t r = 0; r < rows; ++r, a += a_stride, to += kRowSpan) {
    int64_t i = 0;
    for (; i + 16 <= depth; i += 16) vst1q_s8(to + i, vreinterpretq_s8_u8(veorq_u8(vld1q_u8(a + i), mask)));
    for (; i < depth; ++i) to[i] = static_cast<int8_t>(a[i] ^ flip);
    for (; i % 4 != 0; ++i) to[i] = 0;
  }
}

// Unsigned codes: a = (a ^ 0x80) + 128 with a ^ 0x80 signed, so accumulation starts from 128 * column_sum.
template <bool Signed>
int32x4_t start_of(const int32_t* column_sum) {
  return Signed ? vdupq_n_s32(0) : vshlq_n_s32(vld1q_s32(column_sum), 7);
}

// Row tiles by chunks of k by parts of `Columns` columns: Tile<Signed>::run(rows, a, b, groups, first, column_sum, c,
// stride).
template <bool Signed, int Columns, typename Tile>
void gemm_by_signed_rows(const GemmI8Args& args) {
  alignas(16) int8_t block[kMaxRows * kRowSpan];
  constexpr int64_t kParts = 16 / Columns;
  const int64_t tiles = (args.m + kMaxRows - 1) / kMaxRows;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t row = args.m * t / tiles;
    const int64_t rows = args.m * (t + 1) / tiles - row;
    const uint8_t* a = static_cast<const uint8_t*>(args.a) + row * args.a_stride;
    for (int64_t k = 0; k < args.k; k += kDepth) {
      const int64_t depth = args.k - k < kDepth ? args.k - k : kDepth;
      signed_rows(a + k, args.a_stride, rows, depth, Signed ? 0 : 0x80, block);
      for (int64_t part = 0; part < kParts * args.panels; ++part) {
        const int8_t* b = args.b + part / kParts * args.panel_bytes + part % kParts * Columns * 4 + k * 16;
        Tile::run(rows, block, b, (depth + 3) / 4, k == 0 && !args.accumulate, args.column_sum + part * Columns,
                  args.c + row * args.c_stride + part * Columns, args.c_stride);
      }
    }
  }
}

}  // namespace

}  // namespace lowbit
