// How the product of a convolution is cut for the threads that share it.
#pragma once

#include <cstdint>

namespace lowbit {

// Parts along the rows of A (pixels, or lines of them) and along the columns (panels of the weights).
struct ProductSplit {
  int64_t rows, columns;
};

// About `tasks` parts of a product: whichever of its two operands is larger is cut first, so that a core reads a part
// of it and all of the smaller one. At most most_rows x most_columns.
inline ProductSplit split_product(int64_t tasks, int64_t a_bytes, int64_t most_rows, int64_t w_bytes,
                                  int64_t most_columns) {
  const auto part = [](int64_t wanted, int64_t most) { return wanted < most ? wanted : most < 1 ? 1 : most; };
  ProductSplit split;
  if (w_bytes > a_bytes) {
    split.columns = part(tasks, most_columns);
    split.rows = part((tasks + split.columns - 1) / split.columns, most_rows);
  } else {
    split.rows = part(tasks, most_rows);
    split.columns = part((tasks + split.rows - 1) / split.rows, most_columns);
  }
  return split;
}

// Least rows of a part that leave the tiles of the kernels full, and least panels.
constexpr int64_t kPartRows = 12;
constexpr int64_t kPartPanels = 4;

// The panels of the next step of a task that has `left` panels to do: 8, in the end what lets the widest tiles end
// even.
inline int64_t step_panels(int64_t left) { return left <= 8 ? left : left < 12 ? left - 4 : 8; }

}  // namespace lowbit
