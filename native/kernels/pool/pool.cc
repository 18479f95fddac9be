// The operations max_pool, average_pool_f32 and average_pool_i8 of a plan.
#include <cstring>

#include "native/kernels/chunks.h"
#include "native/plan/op.h"

namespace lowbit {
namespace {

// The window along one dimension of output position o: taps [first, last) lie inside the input.
struct Window {
  int64_t start;  // input position of tap 0, may be negative
  int64_t first, last;
};

Window window_of(int64_t o, int64_t stride, int64_t pad, int64_t kernel, int64_t dilation, int64_t size) {
  const int64_t start = o * stride - pad;
  int64_t first = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  int64_t last = start >= size ? 0 : (size - start + dilation - 1) / dilation;
  if (last > kernel) last = kernel;
  if (first > last) first = last;
  return {start, first, last};
}

// Taps of the window that lie before input position `end`: what count_include_pad counts.
int64_t taps_before(int64_t start, int64_t end, int64_t kernel, int64_t dilation) {
  const int64_t count = end <= start ? 0 : (end - start + dilation - 1) / dilation;
  return count < kernel ? count : kernel;
}

// Most taps that the 32-bit sums of 8-bit codes allow.
constexpr int64_t kMostTaps = int64_t{1} << 23;

template <typename Fields>
void check_pool(const Fields& op, int32_t x_bytes, int32_t y_bytes, PlanCheck& check) {
  const int32_t at_least_one[] = {op.n,  op.h,  op.w,        op.c,        op.oh,         op.ow,
                                  op.kh, op.kw, op.stride_h, op.stride_w, op.dilation_h, op.dilation_w};
  for (int32_t value : at_least_one) check.range(value, 1, INT32_MAX);
  check.range(op.pad_top, 0, INT32_MAX);
  check.range(op.pad_left, 0, INT32_MAX);
  if (!check.ok()) return;
  check.that(static_cast<int64_t>(op.kh) * op.kw <= kMostTaps);
  check.buffer(op.x, checked_product(op.n, op.h, op.w, op.c), x_bytes);
  check.buffer(op.y, checked_product(op.n, op.oh, op.ow, op.c), y_bytes);
  if (!check.ok()) return;
  // Every window must see the input: a maximum or a mean of nothing has no value.
  for (int64_t o = 0; o < op.oh && check.ok(); o++) {
    const Window at = window_of(o, op.stride_h, op.pad_top, op.kh, op.dilation_h, op.h);
    check.that(at.first < at.last);
  }
  for (int64_t o = 0; o < op.ow && check.ok(); o++) {
    const Window at = window_of(o, op.stride_w, op.pad_left, op.kw, op.dilation_w, op.w);
    check.that(at.first < at.last);
  }
}

// Pixels that one call of a kernel covers at most: their tap pointers and accumulators stay in the first-level cache.
constexpr int64_t kMostPixels = 16;

template <typename Fields>
int64_t pixels_of(const Fields& op) {
  const int64_t taps = static_cast<int64_t>(op.kh) * op.kw;
  const int64_t fit = 2048 / taps;
  const int64_t pixels = fit < 1 ? 1 : fit > kMostPixels ? kMostPixels : fit;
  return pixels < op.ow ? pixels : op.ow;
}

template <typename Fields>
size_t pointer_bytes(const Fields& op) {
  const size_t bytes = static_cast<size_t>(pixels_of(op)) * op.kh * op.kw * sizeof(void*);
  return (bytes + 63) / 64 * 64;
}

// Consecutive pixels of an output row with equally many taps, all of `channels` channels from the first one of a task.
struct Run {
  int64_t pixel;  // of y, counting all rows
  int64_t first_channel, channels;
  int64_t pixels, tap_count, divisor;
};

// How the taps outside of the input are treated.
enum class Outside { kRepeat, kSkip, kZero };

// Calls body(run, taps, worker) for runs that cover the output, spread over the threads. kRepeat puts a tap of the
// input in the place of those outside (a maximum does not mind), so that whole rows have one tap count; kSkip leaves
// them out; kZero, of those within the padding, points at `zero`. divisor is the number of taps, with `include` those
// within the padding too.
template <typename Fields, typename Body>
void for_each_pool_run(const Fields& op, const RunContext& run, int64_t x_bytes, Outside outside, bool include,
                       int64_t pad_bottom, int64_t pad_right, const void* (*zero_of)(const Fields&, uint8_t*),
                       Body& body) {
  const uint8_t* x = run.buffer<uint8_t>(op.x);
  const int64_t c = op.c, taps_most = static_cast<int64_t>(op.kh) * op.kw, block = pixels_of(op);
  // A single output pixel (a global pool) is spread over the threads by channels.
  const bool by_channel = static_cast<int64_t>(op.oh) * op.ow == 1;
  const Chunks channels = by_channel ? cut(c, taps_most * x_bytes, 64) : Chunks{1, c};
  const int64_t rows = static_cast<int64_t>(op.n) * op.oh;
  const Chunks units = cut(rows * channels.count, op.ow * taps_most * channels.step * x_bytes);

  auto task = [&](int64_t t, int worker) {
    const void** taps = reinterpret_cast<const void**>(run.scratch_of(worker));
    const void* zero = outside == Outside::kZero ? zero_of(op, run.scratch_of(worker)) : nullptr;
    for (int64_t unit = units.begin(t); unit < units.end(t, rows * channels.count); unit++) {
      const int64_t row = unit / channels.count, c0 = channels.begin(unit % channels.count);
      const int64_t c1 = channels.end(unit % channels.count, c);
      const uint8_t* image = x + (row / op.oh * op.h * op.w * c + c0) * x_bytes;
      const Window down = window_of(row % op.oh, op.stride_h, op.pad_top, op.kh, op.dilation_h, op.h);
      const int64_t down_all = taps_before(down.start, static_cast<int64_t>(op.h) + pad_bottom, op.kh, op.dilation_h);
      Run now{row * op.ow, c0, c1 - c0, 0, 0, 0};
      for (int64_t ow = 0; ow < op.ow; ow++) {
        const Window right = window_of(ow, op.stride_w, op.pad_left, op.kw, op.dilation_w, op.w);
        const int64_t right_all =
            taps_before(right.start, static_cast<int64_t>(op.w) + pad_right, op.kw, op.dilation_w);
        const int64_t inside = (down.last - down.first) * (right.last - right.first);
        const int64_t divisor = include ? down_all * right_all : inside;
        const int64_t count = outside == Outside::kSkip   ? inside
                              : outside == Outside::kZero ? down_all * right_all
                                                          : taps_most;
        if (now.pixels == block || (now.pixels > 0 && (now.tap_count != count || now.divisor != divisor))) {
          body(now, taps, worker);
          now.pixel += now.pixels;
          now.pixels = 0;
        }
        now.tap_count = count;
        now.divisor = divisor;
        const void** out = taps + now.pixels * count;
        int64_t made = 0;
        if (outside == Outside::kZero && count != inside) {
          for (int64_t i = 0; i < down_all; i++) {
            for (int64_t j = 0; j < right_all; j++) {
              const bool seen = i >= down.first && i < down.last && j >= right.first && j < right.last;
              const int64_t at = (down.start + i * op.dilation_h) * op.w + right.start + j * op.dilation_w;
              out[made++] = seen ? image + at * c * x_bytes : zero;
            }
          }
        } else {
          for (int64_t i = down.first; i < down.last; i++) {
            const uint8_t* line =
                image +
                ((down.start + i * op.dilation_h) * op.w + right.start + right.first * op.dilation_w) * c * x_bytes;
            for (int64_t j = right.first; j < right.last; j++, line += op.dilation_w * c * x_bytes) out[made++] = line;
          }
          for (; made < count; made++) out[made] = out[0];
        }
        now.pixels++;
      }
      body(now, taps, worker);
    }
  };
  run.parallel(units.count, task);
}

// Maxima of codes by whole lines: over the rows of a window first, then over its columns, each a pass over contiguous
// memory. Scratch of a worker: two lines with their padding, in which the lowest code stands, then the taps of a pass.
struct MaxLines {
  int64_t columns;  // pixels of a line, padding included
  size_t line_bytes, bytes;
  bool possible;
};

MaxLines max_lines(const max_pool_fields& op) {
  // Padding and strides of any size are legal, and would make lines of any size.
  constexpr int64_t kMostPadding = 2;
  MaxLines lines;
  lines.columns = int64_t{op.ow - 1} * op.stride_w + int64_t{op.kw - 1} * op.dilation_w + 1;
  lines.possible =
      op.format != kF32 && lines.columns <= kMostPadding * (int64_t{op.w} + op.kw) && op.pad_left < lines.columns;
  lines.line_bytes = lines.possible ? static_cast<size_t>((lines.columns * op.c + 63) / 64 * 64) : 0;
  const int64_t taps = op.kh > op.kw ? op.kh : op.kw;
  lines.bytes = lines.possible ? 2 * lines.line_bytes + static_cast<size_t>(taps) * sizeof(void*) : 0;
  return lines;
}

void run_max_lines(const max_pool_fields& op, const MaxLines& lines, void (*kernel)(const PoolArgs&),
                   const RunContext& run) {
  const uint8_t* x = run.buffer<uint8_t>(op.x);
  uint8_t* y = run.buffer<uint8_t>(op.y);
  const int64_t c = op.c, rows = int64_t{op.n} * op.oh, line_bytes = op.ow * c;
  const int64_t left = op.pad_left, seen = op.w < lines.columns - left ? op.w : lines.columns - left;
  const int64_t wide = lines.columns - int64_t{op.kw - 1} * op.dilation_w;  // windows at every pixel of a line
  const Chunks units = cut(rows, line_bytes * op.kh * op.kw);
  auto task = [&](int64_t t, int worker) {
    uint8_t* down = run.scratch_of(worker);
    uint8_t* across = down + lines.line_bytes;
    const void** taps = reinterpret_cast<const void**>(across + lines.line_bytes);
    memset(down, op.format == kI8 ? 0x80 : 0, static_cast<size_t>(lines.columns * c));
    for (int64_t row = units.begin(t); row < units.end(t, rows); row++) {
      const Window at = window_of(row % op.oh, op.stride_h, op.pad_top, op.kh, op.dilation_h, op.h);
      const uint8_t* image = x + row / op.oh * op.h * op.w * c;
      for (int64_t i = at.first; i < at.last; i++) {
        taps[i - at.first] = image + (at.start + i * op.dilation_h) * op.w * c;
      }
      kernel({taps, 1, at.last - at.first, seen * c, down + left * c});
      for (int64_t i = 0; i < op.kw; i++) taps[i] = down + i * op.dilation_w * c;
      uint8_t* to = y + row * line_bytes;
      if (op.stride_w == 1) {
        kernel({taps, 1, op.kw, line_bytes, to});
        continue;
      }
      kernel({taps, 1, op.kw, wide * c, across});
      for (int64_t p = 0; p < op.ow; p++) {
        memcpy(to + p * c, across + p * op.stride_w * c, static_cast<size_t>(c));
      }
    }
  };
  run.parallel(units.count, task);
}

int32_t bytes_of_format(int32_t format) { return format == kF32 ? 4 : 1; }

}  // namespace

void check_max_pool(const max_pool_fields& op, PlanCheck& check) {
  check.that(op.format == kF32 || op.format == kU8 || op.format == kI8);
  check_pool(op, bytes_of_format(op.format), bytes_of_format(op.format), check);
}

size_t scratch_max_pool(const max_pool_fields& op, const Dispatch&) {
  const size_t pointers = pointer_bytes(op), lines = max_lines(op).bytes;
  return pointers > lines ? pointers : lines;
}

Status run_max_pool(const max_pool_fields& op, const RunContext& run) {
  const Dispatch& kernels = *run.kernels;
  void (*kernel)(const PoolArgs&) = op.format == kU8   ? kernels.max_pool_u8
                                    : op.format == kI8 ? kernels.max_pool_i8
                                                       : kernels.max_pool_f32;
  const MaxLines lines = max_lines(op);
  if (lines.possible) {
    run_max_lines(op, lines, kernel, run);
    return Status::ok;
  }
  const int64_t bytes = bytes_of_format(op.format);
  uint8_t* y = run.buffer<uint8_t>(op.y);
  auto body = [&](const Run& now, const void* const* taps, int) {
    kernel({taps, now.pixels, now.tap_count, now.channels, y + (now.pixel * op.c + now.first_channel) * bytes});
  };
  for_each_pool_run(op, run, bytes, Outside::kRepeat, false, 0, 0, {}, body);
  return Status::ok;
}

void check_average_pool_f32(const average_pool_f32_fields& op, PlanCheck& check) {
  check.range(op.pad_bottom, 0, INT32_MAX);
  check.range(op.pad_right, 0, INT32_MAX);
  check.range(op.count_include_pad, 0, 1);
  check_pool(op, 4, 4, check);
}

// Scratch: tap pointers, then one pixel of zeros for the padding.
size_t scratch_average_pool_f32(const average_pool_f32_fields& op, const Dispatch&) {
  return pointer_bytes(op) + static_cast<size_t>(op.c) * 4;
}

Status run_average_pool_f32(const average_pool_f32_fields& op, const RunContext& run) {
  float* y = run.buffer<float>(op.y);
  auto body = [&](const Run& now, const void* const* taps, int) {
    run.kernels->average_pool_f32(
        {taps, now.pixels, now.tap_count, now.channels, y + now.pixel * op.c + now.first_channel});
  };
  const bool include = op.count_include_pad != 0;
  auto zero_of = [](const average_pool_f32_fields& fields, uint8_t* scratch) -> const void* {
    return memset(scratch + pointer_bytes(fields), 0, static_cast<size_t>(fields.c) * 4);
  };
  for_each_pool_run<average_pool_f32_fields>(op, run, 4, include ? Outside::kZero : Outside::kSkip, include,
                                             op.pad_bottom, op.pad_right, zero_of, body);
  return Status::ok;
}

void check_average_pool_i8(const average_pool_i8_fields& op, PlanCheck& check) {
  check.range(op.pad_bottom, 0, INT32_MAX);
  check.range(op.pad_right, 0, INT32_MAX);
  check.range(op.count_include_pad, 0, 1);
  const int32_t formats[2] = {op.x_format, op.y_format};
  const int32_t zeros[2] = {op.x_zero_point, op.y_zero_point};
  for (int i = 0; i < 2; i++) {
    check.that(formats[i] == kU8 || formats[i] == kI8);
    check.range(zeros[i], formats[i] == kI8 ? -128 : 0, formats[i] == kI8 ? 127 : 255);
  }
  check_pool(op, 1, 1, check);
}

// Scratch: tap pointers, then the sums of a run, then the offset of one pixel.
size_t scratch_average_pool_i8(const average_pool_i8_fields& op, const Dispatch&) {
  return pointer_bytes(op) + static_cast<size_t>(pixels_of(op) + 1) * static_cast<size_t>(op.c) * 4;
}

Status run_average_pool_i8(const average_pool_i8_fields& op, const RunContext& run) {
  const Dispatch& kernels = *run.kernels;
  uint8_t* y = run.buffer<uint8_t>(op.y);
  const bool to_signed = op.y_format == kI8;
  auto body = [&](const Run& now, const void* const* taps, int worker) {
    int32_t* sums = reinterpret_cast<int32_t*>(run.scratch_of(worker) + pointer_bytes(op));
    int32_t* offset = sums + pixels_of(op) * op.c;
    const PoolArgs sum{taps, now.pixels, now.tap_count, now.channels, sums};
    op.x_format == kI8 ? kernels.sum_i8_i32(sum) : kernels.sum_u8_i32(sum);
    // |tap_count * zero point| <= 2^23 * 255 < 2^31.
    const int32_t zero = static_cast<int32_t>(-now.tap_count * op.x_zero_point);
    for (int64_t i = 0; i < now.channels; i++) offset[i] = zero;
    const float multiplier = op.x_scale / (op.y_scale * static_cast<float>(now.divisor));
    const RequantizeArgs out{sums,
                             now.channels,
                             y + now.pixel * op.c + now.first_channel,
                             op.c,
                             now.pixels,
                             now.channels,
                             offset,
                             &multiplier,
                             0,
                             op.y_zero_point,
                             to_signed ? -128 : 0,
                             to_signed ? 127 : 255};
    to_signed ? kernels.requantize_i32_i8(out) : kernels.requantize_i32_u8(out);
  };
  for_each_pool_run(op, run, 1, Outside::kSkip, op.count_include_pad != 0, op.pad_bottom, op.pad_right, {}, body);
  return Status::ok;
}

}  // namespace lowbit
