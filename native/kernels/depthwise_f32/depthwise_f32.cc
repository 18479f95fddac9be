// The operation depthwise_f32: the output in blocks of lines whose windows keep the same rows of taps inside the image.
#include "native/kernels/depthwise_f32/depthwise_f32.h"

#include "native/kernels/conv/conv.h"
#include "native/kernels/pack/blocks.h"

namespace lowbit {

namespace {

// The taps [first, last) of a window along one dimension that lie inside the image; empty when none does.
struct Inside {
  int64_t first, last;
};

Inside inside(int64_t start, int64_t taps, int64_t dilation, int64_t size) {
  Inside found;
  found.first = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  found.last = start >= size ? 0 : (size - start + dilation - 1) / dilation;
  if (found.last > taps) found.last = taps;
  if (found.first > found.last) found.first = found.last;
  return found;
}

// Outputs from `first` on, before `end`, whose windows keep the same taps.
int64_t alike(const Inside& taps, int64_t first, int64_t end, int64_t stride, int64_t pad, int64_t count,
              int64_t dilation, int64_t size) {
  int64_t next = first + 1;
  for (; next < end; ++next) {
    const Inside other = inside(next * stride - pad, count, dilation, size);
    if (other.first != taps.first || other.last != taps.last) break;
  }
  return next;
}

// Output lines of a task: a thread alone takes an image whole, which the kernel passes through in strips.
int64_t task_lines(const ConvShape& s) {
  const int64_t threads = thread_limit();
  const int64_t lines = threads == 1 ? s.oh : s.n * s.oh / (4 * threads);
  return lines < 1 ? 1 : lines > s.oh ? s.oh : lines;
}

}  // namespace

void check_depthwise_f32(const depthwise_f32_fields& f, PlanCheck& check) {
  check_conv_shape(conv_shape(f, f.c), check);
  if (!check.ok()) return;
  check.that(f.lo <= f.hi);
  check.buffer(f.x, checked_product(f.n, f.h, f.w, f.c), 4);
  check.buffer(f.weights, checked_product(f.kh, f.kw, f.c), 4);
  check.optional(f.bias, f.c, 4);
  check.buffer(f.y, checked_product(f.n, f.oh, f.ow, f.c), 4);
}

size_t scratch_depthwise_f32(const depthwise_f32_fields&, const Dispatch&) { return 0; }

Status run_depthwise_f32(const depthwise_f32_fields& f, const RunContext& run) {
  const ConvShape s = conv_shape(f, f.c);
  const float* x = run.buffer<const float>(f.x);
  const float* w = run.buffer<const float>(f.weights);
  float* y = run.buffer<float>(f.y);
  const int64_t step = task_lines(s);
  const int64_t blocks = (s.oh + step - 1) / step;
  DepthwiseF32Args shared;
  shared.line_stride = s.stride_h * s.w * s.c;
  shared.pixels = s.ow;
  shared.stride = s.stride_w;
  shared.left = s.pad_left;
  shared.width = s.w;
  shared.dilation = s.dilation_w;
  shared.columns = s.kw;
  shared.tap_row = s.dilation_h * s.w * s.c;
  shared.channels = s.c;
  shared.w_row = s.kw * s.c;
  shared.y_line = s.ow * s.c;
  shared.bias = run.buffer<const float>(f.bias);
  shared.lo = f.lo;
  shared.hi = f.hi;
  auto run_task = [&](int64_t task, int) {
    const int64_t image = task / blocks;
    const int64_t end = (task % blocks + 1) * step < s.oh ? (task % blocks + 1) * step : s.oh;
    DepthwiseF32Args args = shared;
    for (int64_t line = task % blocks * step, next_line; line < end; line = next_line) {
      const int64_t top = line * s.stride_h - s.pad_top;
      const Inside rows = inside(top, s.kh, s.dilation_h, s.h);
      next_line = alike(rows, line, end, s.stride_h, s.pad_top, s.kh, s.dilation_h, s.h);
      args.lines = next_line - line;
      args.rows = rows.last - rows.first;
      // Where no row is inside, nothing is read, and x is not the address of anything.
      args.x = args.rows > 0 ? x + (image * s.h + top + rows.first * s.dilation_h) * s.w * s.c : x;
      args.w = w + rows.first * s.kw * s.c;
      args.y = y + (image * s.oh + line) * s.ow * s.c;
      run.kernels->depthwise_f32(args);
    }
  };
  run.parallel(s.n * blocks, run_task);
  return Status::ok;
}

}  // namespace lowbit
