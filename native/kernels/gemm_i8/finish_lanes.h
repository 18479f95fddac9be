// How tiles of sums of 8 columns begin and end as codes, over lanes that narrow four vectors at once (lanes/extent.h).
// Included inside the region of an ISA file, behind the lanes and the system headers.
#pragma once

#include "native/isa/unroll.h"
#include "native/kernels/gemm_i8/gemm_i8.h"

namespace lowbit {

namespace {

// Panels whose starting sums, and partial sums of a tile of rows, fit on the stack.
constexpr int64_t kFinishPanels = 8;

// Where a product goes: codes, or sums when there are none.
struct CodesOut {
  const GemmI8CodesArgs& args;
  Lanes::Narrow narrow;
  bool corrected;  // there are terms that rows do not have alike

  // flipped is 128 for u8, which is computed as i8, and 0 for i8.
  CodesOut(const GemmI8CodesArgs& of, int32_t flipped)
      : args(of),
        narrow(of.zero_point, of.qlo, of.qhi, flipped),
        corrected((of.product.row_zero != nullptr && of.product.row_zero_step != 0) ||
                  of.product.column_zero != nullptr) {}
};

// Columns [column, column + 8) that exist: the address of what belongs to them.
template <typename T>
inline auto eight_columns(const T* from, const GemmI8Product& product, int64_t column)
    -> decltype(Lanes::load(from, AllLanes{})) {
  const int64_t left = product.columns - column;
  if (left >= 8) return Lanes::load(from + column, AllLanes{});
  T some[8] = {};
  for (int64_t i = 0; i < left; ++i) some[i] = from[column + i];
  return Lanes::load(some, AllLanes{});
}

// start[j] for the columns of `panels` panels from `panel` on: the offset, less what every row has alike, the zero
// point and `flip` (128 where signed codes count as a ^ 0x80, -128 where unsigned ones do).
inline void start_columns(const GemmI8Product& product, int64_t panel, int64_t panels, int32_t flip, int32_t* start) {
  const int32_t shared = product.row_zero != nullptr && product.row_zero_step == 0 ? product.row_zero[0] : 0;
  const Lanes::I zero = Lanes::of(shared + flip);
  for (int64_t column = 16 * panel; column < 16 * (panel + panels); column += 8, start += 8) {
    Lanes::I sum = Lanes::mul(zero, Lanes::load(product.column_sum + column, AllLanes{}));
    const Lanes::I offset = product.offset == nullptr ? Lanes::of(0) : eight_columns(product.offset, product, column);
    Lanes::store(start, Lanes::sub(offset, sum), AllLanes{});
  }
}

// The codes of the first `count` of Rows x 8 sums.
template <int Rows>
LOWBIT_INLINE void finish_rows(const CodesOut& out, int64_t row, int64_t column, const Lanes::I (&sum)[Rows],
                               int count = Rows) {
  const GemmI8CodesArgs& args = out.args;
  const int64_t left = args.product.columns - column;
  if (left <= 0) return;
  const Lanes::F multiplier =
      args.multiplier_step == 0 ? Lanes::of(*args.multiplier) : eight_columns(args.multiplier, args.product, column);
  uint8_t* y = static_cast<uint8_t*>(args.y) + row * args.y_stride + column;
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; r += 4, y += 4 * args.y_stride) {
    Lanes::I code[4];
    LOWBIT_UNROLL
    for (int i = 0; i < 4; ++i) {
      if (r + i < Rows) {
        code[i] = Lanes::nearest(Lanes::mul(Lanes::to_float(sum[r + i < Rows ? r + i : r]), multiplier));
      } else {
        code[i] = code[i - 1];
      }
    }
    const int rows = count - r < 4 ? count - r : 4;
    const Lanes::Codes codes = out.narrow(code[0], code[1], code[2], code[3]);
    if (left >= 8) {
      Lanes::store_rows(y, args.y_stride, rows, codes);
    } else {
      uint8_t some[32];
      Lanes::store_rows(some, 8, rows, codes);
      for (int i = 0; i < rows; ++i) memcpy(y + i * args.y_stride, some + 8 * i, static_cast<size_t>(left));
    }
  }
}

// Rows of sums in memory that lack the terms that rows do not have alike.
__attribute__((noinline)) void finish_corrected(const CodesOut& out, int64_t row, int64_t rows, int64_t panel,
                                                int64_t panels, const int32_t* sums, int64_t stride) {
  const GemmI8Product& product = out.args.product;
  const bool by_row = product.row_zero != nullptr && product.row_zero_step != 0;
  for (int64_t r = 0; r < rows; ++r, sums += stride) {
    const Lanes::I row_zero = Lanes::of(by_row ? product.row_zero[row + r] : 0);
    const Lanes::I row_term = Lanes::of(product.column_zero != nullptr ? product.row_term[row + r] : 0);
    for (int64_t i = 0; i < 16 * panels; i += 8) {
      const int64_t column = 16 * panel + i;
      Lanes::I sum[1] = {Lanes::load(sums + i, AllLanes{})};
      if (by_row) {
        const Lanes::I column_sum = Lanes::load(product.column_sum + column, AllLanes{});
        sum[0] = Lanes::sub(sum[0], Lanes::mul(row_zero, column_sum));
      }
      if (product.column_zero != nullptr) {
        sum[0] = Lanes::add(sum[0], Lanes::mul(row_term, eight_columns(product.column_zero, product, column)));
      }
      finish_rows(out, row + r, column, sum);
    }
  }
}

}  // namespace

}  // namespace lowbit
