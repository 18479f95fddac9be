// transpose_32 by squares that are turned in registers, compiled once per instruction set, which defines them: kSide,
// and turn(x, x_column, y, y_row) for kSide rows and columns.
#pragma once

#include "native/kernels/transform/transform.h"

namespace lowbit {
namespace {

// The last square of a direction overlaps the one before it, so nothing is left over.
template <typename Square>
void turn_squares(const Transpose32Args& a) {
  constexpr int64_t kSide = Square::kSide;
  for (int64_t r = 0; r < a.rows; r += kSide) {
    const int64_t row = r + kSide <= a.rows ? r : a.rows - kSide;
    for (int64_t c = 0; c < a.columns; c += kSide) {
      const int64_t column = c + kSide <= a.columns ? c : a.columns - kSide;
      Square::turn(a.x + column * a.x_column + row, a.x_column, a.y + row * a.y_row + column, a.y_row);
    }
  }
}

inline void turn_elements(const Transpose32Args& a) {
  for (int64_t r = 0; r < a.rows; ++r) {
    for (int64_t c = 0; c < a.columns; ++c) a.y[r * a.y_row + c] = a.x[c * a.x_column + r];
  }
}

// What rows and columns are left from row `first` on, by single elements.
inline void turn_rest(const Transpose32Args& args, int64_t first) {
  Transpose32Args rest = args;
  rest.x += first;
  rest.y += first * args.y_row;
  rest.rows -= first;
  turn_elements(rest);
}

}  // namespace
}  // namespace lowbit
