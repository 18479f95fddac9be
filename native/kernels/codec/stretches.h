// How a range of elements in the geometry of quantize falls into rows with their scales, and work over such ranges.
#pragma once

#include "native/kernels/quantize/geometry.h"

namespace lowbit {

// rows x columns elements without gaps from `begin`; the scale of [r][c] is at parameter + r*row_step + c*column_step.
struct Stretch {
  int64_t begin, rows, columns, parameter, row_step, column_step;
};

// The first stretch of [from, to), which may begin and end anywhere.
template <typename Fields>
Stretch stretch_at(const Fields& op, int64_t from, int64_t to) {
  const int64_t axis = op.axis, inner = op.inner, block = op.block, left = to - from;
  const auto least = [](int64_t a, int64_t b) { return a < b ? a : b; };
  if (op.granularity == kPerTensor) return {from, 1, left, 0, 0, 0};
  const int64_t place = from % inner, line = from / inner, channel = line % axis;
  if (op.granularity == kPerChannel) {
    if (inner == 1) return {from, 1, least(axis - channel, left), channel, 0, 1};
    if (place == 0 && left >= inner) return {from, least(axis - channel, left / inner), inner, channel, 1, 0};
    return {from, 1, least(inner - place, left), channel, 0, 0};
  }
  const int64_t blocks = (axis + block - 1) / block, first = line / axis * blocks + channel / block;
  if (inner > 1) return {from, 1, least(inner - place, left), first * inner + place, 0, 1};
  const int64_t whole = least(axis - channel, left) / block;
  if (channel % block == 0 && whole > 0) return {from, whole, block, first, 1, 0};
  return {from, 1, least(least(block - channel % block, axis - channel), left), first, 0, 0};
}

// Codes of fewer than 8 bits are made or read one per byte in parts of so many.
constexpr int64_t kPart = 2048;

// Calls step(stretch, codes of its first element, elements before it in those) for all elements, spread over the
// threads. `bits` below 8: the codes lie in `bytes`, kPart of them, and before(begin, n, bytes) and after(begin, n,
// bytes) come before and after the stretches of a part. Parts begin on multiples of 64 elements.
template <typename Fields, typename Step, typename Before, typename After>
void for_each_stretch(const Fields& op, const RunContext& run, int bits, const Step& step, const Before& before,
                      const After& after) {
  const int64_t n = static_cast<int64_t>(op.outer) * op.axis * op.inner;
  const Chunks chunks = cut(n, 4 + (bits + 7) / 8, 64);
  auto task = [&](int64_t t, int) {
    const int64_t end = chunks.end(t, n);
    uint8_t bytes[kPart];
    const int64_t part = bits < 8 ? kPart : end;
    for (int64_t begin = chunks.begin(t); begin < end; begin += part) {
      const int64_t stop = begin + part < end ? begin + part : end;
      if (bits < 8) before(begin, stop - begin, bytes);
      for (int64_t at = begin; at < stop;) {
        const Stretch stretch = stretch_at(op, at, stop);
        step(stretch, bits < 8 ? bytes + (at - begin) : nullptr);
        at += stretch.rows * stretch.columns;
      }
      if (bits < 8) after(begin, stop - begin, bytes);
    }
  };
  run.parallel(chunks.count, task);
}

}  // namespace lowbit
