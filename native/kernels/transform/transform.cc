// The operations transpose and copy_rows of a plan. They move bytes; only planes that become pixels have a
// kernel per instruction set.
#include <cstring>

#include "native/kernels/chunks.h"
#include "native/kernels/loop.h"
#include "native/kernels/strided.h"
#include "native/plan/op.h"

namespace lowbit {
namespace {

// Shorter contiguous runs are not worth a call of memcpy.
constexpr int64_t kShortRun = 32;
// A transposed tile is kTile x kTile elements: at most 32 KB of 8-byte elements read and written, and at least 32 bytes
// of every line of memory that is touched.
constexpr int64_t kTile = 32;

// y[r][c] = x[r * x_row + c * x_column] for a tile. One of the strides is usually 1.
template <typename T>
void copy_tile(const T* x, int64_t x_row, int64_t x_column, T* y, int64_t y_row, int64_t rows, int64_t columns) {
  if (columns == 3) {
    // Planes of an image to pixels: three streams read together, written in order.
    LOWBIT_INDEPENDENT
    for (int64_t r = 0; r < rows; r++) {
      const T a = x[r * x_row], b = x[r * x_row + x_column], c = x[r * x_row + 2 * x_column];
      y[r * y_row] = a;
      y[r * y_row + 1] = b;
      y[r * y_row + 2] = c;
    }
    return;
  }
  for (int64_t r = 0; r < rows; r++) {
    const T* from = x + r * x_row;
    T* to = y + r * y_row;
    LOWBIT_INDEPENDENT
    for (int64_t c = 0; c < columns; c++) to[c] = from[c * x_column];
  }
}

// Output dimensions and their strides in x, flattened; rank at least 1.
struct View {
  int rank;
  int64_t dims[6];
  int64_t strides[2][6];  // of x, of y
};

// The last dimension is contiguous in x: copy runs.
void copy_runs(const View& view, int64_t element_bytes, const uint8_t* x, uint8_t* y, const RunContext& run) {
  const int last = view.rank - 1;
  const int64_t bytes = view.dims[last] * element_bytes;
  int64_t rows = 1;
  for (int i = 0; i < last; i++) rows *= view.dims[i];
  const Chunks pieces = cut(bytes, 2, 64);
  const Chunks units = cut(rows * pieces.count, (bytes < pieces.step ? bytes : pieces.step) * 2);
  auto body = [&](int64_t task, int) {
    const int64_t first = units.begin(task);
    Odometer<2> row(last, view.dims, view.strides, first / pieces.count);
    int64_t piece = first % pieces.count;
    for (int64_t u = first; u < units.end(task, rows * pieces.count); u++) {
      const int64_t begin = pieces.begin(piece), end = pieces.end(piece, bytes);
      memcpy(y + row.offset(1) * element_bytes + begin, x + row.offset(0) * element_bytes + begin,
             static_cast<size_t>(end - begin));
      if (++piece == pieces.count) {
        piece = 0;
        row.next();
      }
    }
  };
  run.parallel(units.count, body);
}

template <typename T>
void copy_tiles(const View& view, const void* x_bytes, void* y_bytes, const RunContext& run) {
  const T* x = static_cast<const T*>(x_bytes);
  T* y = static_cast<T*>(y_bytes);
  const int last = view.rank - 1;
  // Rows of a tile walk the dimension that is closest together in x, so that a tile uses whole lines of both sides.
  const int64_t* strides = view.strides[0];
  int other = last == 0 ? 0 : last - 1;
  for (int i = 0; i < last; i++) {
    if (strides[i] != 0 && (strides[other] == 0 || strides[i] < strides[other])) other = i;
  }
  const bool one = last == 0;
  const int64_t columns = view.dims[last], rows = one ? 1 : view.dims[other];
  const int64_t x_row = one ? 0 : strides[other], y_row = one ? 0 : view.strides[1][other];
  const int64_t tile_columns = one ? 4096 : columns < kTile ? columns : kTile;
  // Narrow tiles are made longer.
  const int64_t tile_rows = columns < kTile ? kTile * kTile / columns : kTile;
  const int64_t down = (rows + tile_rows - 1) / tile_rows, across = (columns + tile_columns - 1) / tile_columns;
  View outer{0, {}, {}};
  int64_t planes = 1;
  for (int i = 0; i < last; i++) {
    if (i == other) continue;
    planes *= view.dims[i];
    outer.dims[outer.rank] = view.dims[i];
    for (int v = 0; v < 2; v++) outer.strides[v][outer.rank] = view.strides[v][i];
    outer.rank++;
  }
  const int64_t per_plane = down * across, all = planes * per_plane;
  const Chunks units =
      cut(all, 2 * static_cast<int64_t>(sizeof(T)) * (rows < tile_rows ? rows : tile_rows) * tile_columns);
  auto body = [&](int64_t task, int) {
    const int64_t first = units.begin(task);
    Odometer<2> plane(outer.rank, outer.dims, outer.strides, first / per_plane);
    int64_t tile = first % per_plane;
    for (int64_t u = first; u < units.end(task, all); u++) {
      const int64_t r = tile / across * tile_rows, c = tile % across * tile_columns;
      copy_tile(x + plane.offset(0) + r * x_row + c * strides[last], x_row, strides[last],
                y + plane.offset(1) + r * y_row + c, y_row, least(tile_rows, rows - r),
                least(tile_columns, columns - c));
      if (++tile == per_plane) {
        tile = 0;
        plane.next();
      }
    }
  };
  run.parallel(units.count, body);
}

}  // namespace

void check_transpose(const transpose_fields& op, PlanCheck& check) {
  const int32_t b = op.element_bytes;
  if (!check.that(b == 1 || b == 2 || b == 4 || b == 8)) return;
  const int32_t dims[6] = {op.d0, op.d1, op.d2, op.d3, op.d4, op.d5};
  const int32_t strides[6] = {op.s0, op.s1, op.s2, op.s3, op.s4, op.s5};
  check.buffer(op.x, strided_extent(dims, strides, 6), b);
  check.buffer(op.y, checked_product(op.d0, op.d1, op.d2, op.d3, op.d4, op.d5), b);
}

size_t scratch_transpose(const transpose_fields&, const Dispatch&) { return 0; }

Status run_transpose(const transpose_fields& op, const RunContext& run) {
  View view{0, {op.d0, op.d1, op.d2, op.d3, op.d4, op.d5}, {{op.s0, op.s1, op.s2, op.s3, op.s4, op.s5}}};
  for (int64_t dim : view.dims) {
    if (dim == 0) return Status::ok;
  }
  view.rank = flatten_views<1>(6, view.dims, view.strides);
  int64_t step = 1;
  for (int i = view.rank - 1; i >= 0; i--) {
    view.strides[1][i] = step;
    step *= view.dims[i];
  }
  const uint8_t* x = run.buffer<uint8_t>(op.x);
  uint8_t* y = run.buffer<uint8_t>(op.y);
  const int last = view.rank - 1;
  // Planes of bytes to pixels, as of an image.
  if (op.element_bytes == 1 && view.rank == 2 && view.dims[1] == 3 && view.strides[0][0] == 1) {
    const Chunks chunks = cut(view.dims[0], 6, 64);
    auto weave = [&](int64_t task, int) {
      const int64_t begin = chunks.begin(task);
      run.kernels->interleave_8({x + begin, view.strides[0][1], y + 3 * begin, chunks.end(task, view.dims[0]) - begin});
    };
    run.parallel(chunks.count, weave);
    return Status::ok;
  }
  if (view.strides[0][last] == 1 && (last == 0 || view.dims[last] * op.element_bytes >= kShortRun)) {
    copy_runs(view, op.element_bytes, x, y, run);
    return Status::ok;
  }
  switch (op.element_bytes) {
    case 1:
      copy_tiles<uint8_t>(view, x, y, run);
      break;
    case 2:
      copy_tiles<uint16_t>(view, x, y, run);
      break;
    case 4:
      copy_tiles<uint32_t>(view, x, y, run);
      break;
    default:
      copy_tiles<uint64_t>(view, x, y, run);
  }
  return Status::ok;
}

void check_copy_rows(const copy_rows_fields& op, PlanCheck& check) {
  const int32_t fields[6] = {op.rows, op.row_bytes, op.x_stride, op.x_offset, op.y_stride, op.y_offset};
  for (int32_t field : fields) check.range(field, 0, INT32_MAX);
  if (!check.ok()) return;
  const int64_t last = op.rows > 0 ? op.rows - 1 : 0;
  const bool any = op.rows > 0 && op.row_bytes > 0;
  check.buffer(op.x, any ? last * op.x_stride + op.x_offset + op.row_bytes : 0, 1);
  check.buffer(op.y, any ? last * op.y_stride + op.y_offset + op.row_bytes : 0, 1);
  // Rows of y must not overlap: they are written by different threads.
  check.that(op.rows <= 1 || op.y_stride >= op.row_bytes);
}

size_t scratch_copy_rows(const copy_rows_fields&, const Dispatch&) { return 0; }

Status run_copy_rows(const copy_rows_fields& op, const RunContext& run) {
  if (op.rows == 0 || op.row_bytes == 0) return Status::ok;
  // Rows without gaps on both sides are one row.
  const bool dense = op.x_stride == op.row_bytes && op.y_stride == op.row_bytes;
  const int64_t rows = dense ? 1 : op.rows, row_bytes = dense ? int64_t{op.rows} * op.row_bytes : op.row_bytes;
  const View view{2, {rows, row_bytes}, {{op.x_stride, 1}, {op.y_stride, 1}}};
  copy_runs(view, 1, run.buffer<uint8_t>(op.x) + op.x_offset, run.buffer<uint8_t>(op.y) + op.y_offset, run);
  return Status::ok;
}

}  // namespace lowbit
