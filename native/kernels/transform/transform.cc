// The operations transpose and copy_rows of a plan. They move bytes; planes that become pixels, and pixels that become
// planes, have kernels per instruction set.
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

// Pixels or elements of a plane in a tile of squares: long enough for the streams of memory, short enough that both
// sides stay in the L2 cache when a line is touched again.
constexpr int64_t kSquares = 256;

// Part `number` of `parts` of n begins here: even parts, on lines of memory where they can.
int64_t even_part(int64_t n, int64_t number, int64_t parts) {
  return number == parts ? n : n * number / parts / 16 * 16;
}

// A view of two dimensions and the planes of it: rows walk `other`, columns the last dimension.
struct Tiles {
  int64_t rows, columns, x_row, x_column, y_row;
  View outer;
  int64_t planes;
};

Tiles tiles_of(const View& view) {
  const int last = view.rank - 1;
  // Rows of a tile walk the dimension that is closest together in x, so that a tile uses whole lines of both sides.
  const int64_t* strides = view.strides[0];
  int other = last == 0 ? 0 : last - 1;
  for (int i = 0; i < last; i++) {
    if (strides[i] != 0 && (strides[other] == 0 || strides[i] < strides[other])) other = i;
  }
  const bool one = last == 0;
  Tiles tiles = {one ? 1 : view.dims[other],
                 view.dims[last],
                 one ? 0 : strides[other],
                 strides[last],
                 one ? 0 : view.strides[1][other],
                 {0, {}, {}},
                 1};
  for (int i = 0; i < last; i++) {
    if (i == other) continue;
    tiles.planes *= view.dims[i];
    tiles.outer.dims[tiles.outer.rank] = view.dims[i];
    for (int v = 0; v < 2; v++) tiles.outer.strides[v][tiles.outer.rank] = view.strides[v][i];
    tiles.outer.rank++;
  }
  return tiles;
}

// Calls copy(x, y, rows, columns), offsets in elements, for tiles of at most tile_rows x tile_columns.
template <typename Copy>
void for_tiles(const Tiles& tiles, int64_t tile_rows, int64_t tile_columns, int64_t element_bytes,
               const RunContext& run, const Copy& copy) {
  const int64_t down = (tiles.rows + tile_rows - 1) / tile_rows;
  const int64_t across = (tiles.columns + tile_columns - 1) / tile_columns;
  const int64_t per_plane = down * across, all = tiles.planes * per_plane;
  const Chunks units = cut(all, 2 * element_bytes * least(tiles.rows, tile_rows) * tile_columns);
  auto body = [&](int64_t task, int) {
    const int64_t first = units.begin(task);
    Odometer<2> plane(tiles.outer.rank, tiles.outer.dims, tiles.outer.strides, first / per_plane);
    int64_t tile = first % per_plane;
    for (int64_t u = first; u < units.end(task, all); u++) {
      const int64_t r = even_part(tiles.rows, tile / across, down);
      const int64_t c = even_part(tiles.columns, tile % across, across);
      copy(plane.offset(0) + r * tiles.x_row + c * tiles.x_column, plane.offset(1) + r * tiles.y_row + c,
           even_part(tiles.rows, tile / across + 1, down) - r, even_part(tiles.columns, tile % across + 1, across) - c);
      if (++tile == per_plane) {
        tile = 0;
        plane.next();
      }
    }
  };
  run.parallel(units.count, body);
}

template <typename T>
void copy_tiles(const View& view, const void* x_bytes, void* y_bytes, const RunContext& run) {
  const T* x = static_cast<const T*>(x_bytes);
  T* y = static_cast<T*>(y_bytes);
  const Tiles tiles = tiles_of(view);
  if constexpr (sizeof(T) == 4) {
    if (tiles.x_row == 1) {
      const int64_t columns = least(tiles.columns, kSquares);
      for_tiles(tiles, columns < 16 ? kSquares * 16 : kSquares, columns, 4, run,
                [&](int64_t from, int64_t to, int64_t rows, int64_t columns) {
                  run.kernels->transpose_32({x + from, tiles.x_column, y + to, tiles.y_row, rows, columns});
                });
      return;
    }
  }
  const int64_t tile_columns = view.rank == 1 ? 4096 : least(tiles.columns, kTile);
  // Narrow tiles are made longer.
  const int64_t tile_rows = tiles.columns < kTile ? kTile * kTile / tiles.columns : kTile;
  for_tiles(tiles, tile_rows, tile_columns, sizeof(T), run,
            [&](int64_t from, int64_t to, int64_t rows, int64_t columns) {
              copy_tile(x + from, tiles.x_row, tiles.x_column, y + to, tiles.y_row, rows, columns);
            });
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
