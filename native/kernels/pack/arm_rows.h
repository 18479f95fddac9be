// Rows of A arranged for the ARM units: six rows, 16 bytes of each at a time, side by side as the tiles read them.
// Included inside the region of an ISA file, without include guard and system headers.

namespace lowbit {

namespace {

constexpr int64_t kTileRows = 6;

// Calls Arrangement::store(16 bytes of each of the six rows, to) over depth, 6 * 16 * Arrangement::kCopies bytes each:
// missing rows repeat the last one, and what lies behind depth is zero.
template <typename Arrangement>
void arrange_rows(const uint8_t* a, int64_t stride, int64_t rows, int64_t depth, uint8_t* to) {
  const uint8_t* row[kTileRows];
  for (int64_t r = 0; r < kTileRows; ++r) row[r] = a + (r < rows ? r : rows - 1) * stride;
  uint8x16_t codes[kTileRows];
  int64_t i = 0;
  for (; i + 16 <= depth; i += 16, to += 96 * Arrangement::kCopies) {
    LOWBIT_UNROLL
    for (int r = 0; r < kTileRows; ++r) codes[r] = vld1q_u8(row[r] + i);
    Arrangement::store(codes, to);
  }
  if (i == depth) return;
  for (int r = 0; r < kTileRows; ++r) {
    uint8_t rest[16] = {};
    memcpy(rest, row[r] + i, static_cast<size_t>(depth - i));
    codes[r] = vld1q_u8(rest);
  }
  Arrangement::store(codes, to);
}

// Words of 4 bytes, as lanes of a register: for two words of k 48 bytes,
//   r0w0 r1w0 r2w0 r3w0   r4w0 r5w0 r4w1 r5w1   r0w1 r1w1 r2w1 r3w1
// kFlip is added to every byte without carry (0x80: unsigned codes become signed, lowered by 128).
template <uint8_t kFlip>
struct WordsOfRows {
  static constexpr int64_t kCopies = 1;
  static void store(const uint8x16_t (&codes)[kTileRows], uint8_t* to) {
    int32x4_t row[kTileRows];
    LOWBIT_UNROLL
    for (int r = 0; r < kTileRows; ++r) {
      row[r] = vreinterpretq_s32_u8(kFlip == 0 ? codes[r] : veorq_u8(codes[r], vdupq_n_u8(kFlip)));
    }
    const int64x2_t even01 = vreinterpretq_s64_s32(vtrn1q_s32(row[0], row[1]));  // r0w0 r1w0 r0w2 r1w2
    const int64x2_t odd01 = vreinterpretq_s64_s32(vtrn2q_s32(row[0], row[1]));
    const int64x2_t even23 = vreinterpretq_s64_s32(vtrn1q_s32(row[2], row[3]));
    const int64x2_t odd23 = vreinterpretq_s64_s32(vtrn2q_s32(row[2], row[3]));
    int64_t* words = reinterpret_cast<int64_t*>(to);
    vst1q_s64(words, vzip1q_s64(even01, even23));
    vst1q_s64(words + 2, vreinterpretq_s64_s32(vzip1q_s32(row[4], row[5])));
    vst1q_s64(words + 4, vzip1q_s64(odd01, odd23));
    vst1q_s64(words + 6, vzip2q_s64(even01, even23));
    vst1q_s64(words + 8, vreinterpretq_s64_s32(vzip2q_s32(row[4], row[5])));
    vst1q_s64(words + 10, vzip2q_s64(odd01, odd23));
  }
};

// sum[r][v] and sum[r][v + 1] += two columns of a word of k times the word of row r, for the rows from Row on. Unit:
// Sum, Operand, load(bytes), multiply_add<lane>(sum, column, words); what is opaque here keeps GCC 12 from gathering
// loads until registers run out.
template <typename Unit, int kParity, int Rows, int Row = 0>
LOWBIT_INLINE void add_columns(typename Unit::Sum (&sum)[Rows][4], int v, typename Unit::Operand left,
                               typename Unit::Operand right, typename Unit::Operand four, typename Unit::Operand two) {
  constexpr int kLane = Row < 4 ? Row : Row - 4 + 2 * kParity;
  sum[Row][v] = Unit::template multiply_add<kLane>(sum[Row][v], left, Row < 4 ? four : two);
  LOWBIT_OPAQUE(sum[Row][v]);
  sum[Row][v + 1] = Unit::template multiply_add<kLane>(sum[Row][v + 1], right, Row < 4 ? four : two);
  LOWBIT_OPAQUE(sum[Row][v + 1]);
  if constexpr (Row + 1 < Rows) add_columns<Unit, kParity, Rows, Row + 1>(sum, v, left, right, four, two);
}

// One word of k: 16 columns at b, the words of rows 0 to 3 and of 4 and 5.
template <typename Unit, int kParity, int Rows>
LOWBIT_INLINE void add_word(typename Unit::Sum (&sum)[Rows][4], const uint8_t* b, typename Unit::Operand four,
                            typename Unit::Operand two) {
  LOWBIT_UNROLL
  for (int v = 0; v < 4; v += 2) {
    add_columns<Unit, kParity>(sum, v, Unit::load(b + 16 * v), Unit::load(b + 16 * v + 16), four, two);
  }
}

// Two words of k.
template <typename Unit, int Rows>
LOWBIT_INLINE void add_two_words(typename Unit::Sum (&sum)[Rows][4], const uint8_t* a, const uint8_t* b) {
  const typename Unit::Operand shared = Unit::load(a + 16);
  add_word<Unit, 0>(sum, b, Unit::load(a), shared);
  add_word<Unit, 1>(sum, b + 64, Unit::load(a + 32), shared);
}

// sum += `words` words of k of arranged rows times 16 columns, 64 bytes per word. 24 of the 32 registers accumulate, 2
// hold columns and 3 two words of the rows.
template <typename Unit, int Rows>
LOWBIT_INLINE void add_words(typename Unit::Sum (&sum)[Rows][4], const uint8_t* a, const uint8_t* b, int64_t words) {
  for (int64_t fours = words / 4; fours > 0; --fours, a += 96, b += 256) {
    add_two_words<Unit>(sum, a, b);
    add_two_words<Unit>(sum, a + 48, b + 128);
  }
  if (words % 4 >= 2) {
    add_two_words<Unit>(sum, a, b);
    a += 48;
    b += 128;
  }
  if (words % 2 != 0) add_word<Unit, 0>(sum, b, Unit::load(a), Unit::load(a + 16));
}

}  // namespace

}  // namespace lowbit
