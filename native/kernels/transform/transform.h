// transpose_32: a matrix of 4-byte elements, its rows and columns exchanged.
#pragma once

#include <cstdint>

namespace lowbit {

// y[r * y_row + c] = x[c * x_column + r] for r < rows, c < columns: bits are moved as they are. y_row >= columns,
// x_column >= rows. Planes become pixels (columns are the planes) and back (rows are).
struct Transpose32Args {
  const uint32_t* x;
  int64_t x_column;
  uint32_t* y;
  int64_t y_row;
  int64_t rows, columns;
};

}  // namespace lowbit
