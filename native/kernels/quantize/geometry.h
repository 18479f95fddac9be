// Granularity: how [outer, axis, inner] falls into rows and columns that share their scale, for quantize and
// dequantize.
#pragma once

#include "native/kernels/chunks.h"
#include "native/plan/op.h"

namespace lowbit {

enum Granularity : int32_t { kPerTensor = 0, kPerChannel = 1, kPerBlock = 2 };

// A matrix of elements for one call of a kernel: where it begins, and where its scale and zero point begin.
struct Piece {
  int64_t offset, stride, rows, columns;
  int64_t parameter, row_step, column_step;
};

// The number of scales of a geometry, after the checks of its fields.
template <typename Fields>
int64_t checked_parameters(const Fields& op, PlanCheck& check) {
  if (!check.range(op.granularity, kPerTensor, kPerBlock)) return 0;
  if (op.granularity == kPerTensor) return 1;
  if (op.granularity == kPerChannel) return op.axis;
  if (!check.range(op.block, 1, INT32_MAX)) return 0;
  return checked_product(op.outer, (static_cast<int64_t>(op.axis) + op.block - 1) / op.block, op.inner);
}

// Checks of a quantize or dequantize instruction: `from` and `to` are its buffers, with their element sizes.
template <typename Fields>
void check_geometry(const Fields& op, int32_t from, int32_t from_bytes, int32_t to, int32_t to_bytes,
                    PlanCheck& check) {
  const int64_t parameters = checked_parameters(op, check);
  const int64_t n = checked_product(op.outer, op.axis, op.inner);
  check.buffer(from, n, from_bytes);
  check.buffer(to, n, to_bytes);
  check.buffer(op.scale, parameters, 4);
  check.optional(op.zero_point, parameters, 4);
}

// From so many bytes read and written on, what an instruction writes is in no cache when another reads it.
constexpr int64_t kStreamedBytes = 16 * 1024 * 1024;

template <typename Fields>
bool streams_past_caches(const Fields& op, int64_t element_bytes) {
  return static_cast<int64_t>(op.outer) * op.axis * op.inner >= kStreamedBytes / element_bytes;
}

// Calls body(piece) for pieces that cover the tensor, spread over the threads. element_bytes is read and written
// together.
template <typename Fields, typename Body>
void for_each_piece(const Fields& op, const RunContext& run, int64_t element_bytes, Body& body) {
  const int64_t outer = op.outer, axis = op.axis, inner = op.inner, block = op.block;
  const int64_t n = outer * axis * inner;
  if (n == 0) return;

  if (op.granularity == kPerTensor) {
    const Chunks chunks = cut(n, element_bytes, 64);
    auto task = [&](int64_t t, int) {
      const int64_t begin = chunks.begin(t), count = chunks.end(t, n) - begin;
      body(Piece{begin, count, 1, count, 0, 0, 0});
    };
    return run.parallel(chunks.count, task);
  }

  if (op.granularity == kPerChannel && inner == 1) {
    const Chunks rows = cut(outer, axis * element_bytes);
    auto task = [&](int64_t t, int) {
      const int64_t begin = rows.begin(t);
      body(Piece{begin * axis, axis, rows.end(t, outer) - begin, axis, 0, 0, 1});
    };
    return run.parallel(rows.count, task);
  }

  if (op.granularity == kPerChannel) {
    const Chunks rows = cut(outer * axis, inner * element_bytes);
    auto task = [&](int64_t t, int) {
      // The scales start over with every outer index, so a run of rows is cut there.
      const int64_t end = rows.end(t, outer * axis);
      for (int64_t r = rows.begin(t); r < end;) {
        const int64_t channel = r % axis, count = axis - channel < end - r ? axis - channel : end - r;
        body(Piece{r * inner, inner, count, inner, channel, 1, 0});
        r += count;
      }
    };
    return run.parallel(rows.count, task);
  }

  const int64_t blocks = (axis + block - 1) / block;
  const Chunks chunks = cut(outer * blocks, (block < axis ? block : axis) * inner * element_bytes);
  auto task = [&](int64_t t, int) {
    for (int64_t b = chunks.begin(t); b < chunks.end(t, outer * blocks);) {
      const int64_t o = b / blocks, k = b % blocks, begin = o * axis + k * block;
      if (inner > 1) {
        const int64_t rows = axis - k * block < block ? axis - k * block : block;
        body(Piece{begin * inner, inner, rows, inner, b * inner, 0, 1});
        b++;
        continue;
      }
      // Blocks of one run of elements are rows of a matrix, up to the shorter one at the end of the axis.
      const int64_t whole = axis / block;
      if (k == whole) {
        body(Piece{begin, block, 1, axis - k * block, b, 1, 0});
        b++;
        continue;
      }
      const int64_t left = chunks.end(t, outer * blocks) - b;
      const int64_t count = whole - k < left ? whole - k : left;
      body(Piece{begin, block, count, block, b, 1, 0});
      b += count;
    }
  };
  run.parallel(chunks.count, task);
}

}  // namespace lowbit
