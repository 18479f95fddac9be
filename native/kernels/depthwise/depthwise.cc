// The operation depthwise_i8: whole lines that end in codes, or lists of tap pointers for a block of pixels, the kernel
// and its epilogue.
#include "native/kernels/depthwise/depthwise.h"

#include <cstring>

#include "native/kernels/conv/conv.h"
#include "native/kernels/depthwise/lines.h"
#include "native/kernels/pack/blocks.h"
#include "native/kernels/requantize/check.h"

namespace lowbit {

namespace {

size_t round_up_64(size_t bytes) { return (bytes + 63) / 64 * 64; }

// Output pixels of a block: their accumulators (4 bytes per channel) stay in the L1 cache.
int64_t block_pixels(const ConvShape& s) {
  const int64_t fit = kAccumulatorBytes / (s.c * 4);
  return fit < 4 ? 4 : fit > 256 ? 256 : fit;
}

// The scratch of every worker: what is made once per run (used in worker 0's only), then the worker's own.
struct Layout {
  size_t padding, offset;  // one pixel of padding; offset[c]
  size_t taps, accumulators;
  size_t bytes;
};

Layout layout_of(const ConvShape& s, int64_t element_bytes) {
  const size_t c = static_cast<size_t>(s.c);
  const size_t pixels = static_cast<size_t>(block_pixels(s));
  Layout layout;
  layout.padding = 0;
  layout.offset = round_up_64(c * static_cast<size_t>(element_bytes));
  layout.taps = layout.offset + round_up_64(c * 4);
  layout.accumulators = layout.taps + round_up_64(pixels * static_cast<size_t>(s.kh * s.kw) * sizeof(void*));
  layout.bytes = layout.accumulators + round_up_64(pixels * c * 4);
  return layout;
}

// Pointers to the taps of one output pixel whose window starts at (in_y, in_x), in the order (kh, kw); padded ones
// point at `padding`. `image` is the input of the pixel's image.
void pixel_taps(const ConvShape& s, const uint8_t* image, int64_t pixel, const uint8_t* padding, int64_t in_y,
                int64_t in_x, const void** taps) {
  for (int64_t ky = 0; ky < s.kh; ++ky) {
    const int64_t y = in_y + ky * s.dilation_h;
    for (int64_t kx = 0; kx < s.kw; ++kx) {
      const int64_t x = in_x + kx * s.dilation_w;
      const bool inside = y >= 0 && y < s.h && x >= 0 && x < s.w;
      *taps++ = inside ? image + (y * s.w + x) * pixel : padding;
    }
  }
}

// The taps of a pixel from those of the pixel before it. A count that the compiler knows unrolls the loop.
template <int Count>
void moved(const void** taps, int64_t count, int64_t step) {
  const int64_t n = Count == 0 ? count : Count;
  for (int64_t t = 0; t < n; ++t) taps[t] = static_cast<const uint8_t*>(taps[t - n]) + step;
}

// The taps of the output pixels [first, first + count). Where the windows of two neighbours in a row both lie inside
// the image, the taps of the second are those of the first moved by one stride.
void tap_pointers(const ConvShape& s, const uint8_t* x, int64_t element_bytes, const uint8_t* padding, int64_t first,
                  int64_t count, const void** taps) {
  const int64_t pixel = s.c * element_bytes;
  const int64_t step = s.stride_w * pixel;
  const int64_t tap_count = s.kh * s.kw;
  const int64_t last_y = s.h - 1 - (s.kh - 1) * s.dilation_h, last_x = s.w - 1 - (s.kw - 1) * s.dilation_w;
  int64_t out_y = first / s.ow, out_x = first % s.ow;
  bool follows = false;
  for (int64_t p = 0; p < count; ++p, taps += tap_count) {
    const int64_t in_x = out_x * s.stride_w - s.pad_left;
    if (follows && in_x <= last_x) {
      tap_count == 9 ? moved<9>(taps, tap_count, step) : moved<0>(taps, tap_count, step);
    } else {
      const int64_t in_y = out_y % s.oh * s.stride_h - s.pad_top;
      pixel_taps(s, x + out_y / s.oh * s.h * s.w * pixel, pixel, padding, in_y, in_x, taps);
      follows = in_y >= 0 && in_y <= last_y && in_x >= 0 && in_x <= last_x;
    }
    if (++out_x == s.ow) {
      out_x = 0;
      ++out_y;
      follows = false;
    }
  }
}

// Pixels per task: a block, or less so that every thread gets some.
int64_t task_pixels(const ConvShape& s) {
  const int64_t block = block_pixels(s);
  const int64_t share = s.pixels() / (int64_t{4} * thread_limit());
  const int64_t least = block < 4 ? block : 4;
  if (thread_limit() == 1 || share >= block) return block;
  return share < least ? least : share;
}

}  // namespace

void check_depthwise_i8(const depthwise_i8_fields& f, PlanCheck& check) {
  check_conv_shape(conv_shape(f, f.c), check);
  if (!check.ok()) return;
  check.that(f.x_format == kU8 || f.x_format == kI8);
  check.range(f.x_zero_point, f.x_format == kU8 ? 0 : -128, f.x_format == kU8 ? 255 : 127);
  check.buffer(f.x, checked_product(f.n, f.h, f.w, f.c), 1);
  check.buffer(f.weights, checked_product(f.kh, f.kw, f.c), 1);
  check.optional(f.x_scale, 1, 4);
  check.optional(f.x_zero, 1, 4);
  check_epilogue(f, f.c, checked_product(f.n, f.oh, f.ow, f.c), check);
}

size_t scratch_depthwise_i8(const depthwise_i8_fields& f, const Dispatch&) {
  const ConvShape shape = conv_shape(f, f.c);
  const size_t lines = depthwise_lines_scratch(shape), taps = layout_of(shape, 1).bytes;
  return lines > taps ? lines : taps;
}

Status run_depthwise_i8(const depthwise_i8_fields& f, const RunContext& run) {
  const ConvShape shape = conv_shape(f, f.c);
  const Layout layout = layout_of(shape, 1);
  const uint8_t* x = run.buffer<const uint8_t>(f.x);
  const int8_t* weights = run.buffer<const int8_t>(f.weights);
  const int32_t* bias = run.buffer<const int32_t>(f.offset);
  const float* multiplier = run.buffer<const float>(f.multiplier);
  uint8_t* y = run.buffer<uint8_t>(f.y);
  const int64_t c = f.c;
  const int64_t taps = shape.kh * shape.kw;
  const int32_t x_zero = f.x_zero < 0 ? f.x_zero_point : *run.buffer<const int32_t>(f.x_zero);
  if (run_depthwise_lines(f, shape, x_zero, run)) return Status::ok;

  // Once per run, read by every task: a pixel of padding, and offset - x_zero * sum of the channel's weights.
  uint8_t* padding = run.scratch + layout.padding;
  memset(padding, static_cast<uint8_t>(x_zero), static_cast<size_t>(c));
  int32_t* offset = reinterpret_cast<int32_t*>(run.scratch + layout.offset);
  memset(offset, 0, static_cast<size_t>(c) * 4);
  for (int64_t t = 0; t < taps; ++t) {
    for (int64_t j = 0; j < c; ++j) offset[j] += weights[t * c + j];
  }
  for (int64_t j = 0; j < c; ++j) {
    const uint32_t start = bias == nullptr ? 0 : static_cast<uint32_t>(bias[j]);
    offset[j] = static_cast<int32_t>(start - static_cast<uint32_t>(x_zero) * static_cast<uint32_t>(offset[j]));
  }

  const int64_t pixels = shape.pixels();
  const int64_t block = task_pixels(shape);
  auto run_task = [&](int64_t task, int worker) {
    uint8_t* scratch = run.scratch_of(worker);
    const int64_t first = task * block;
    const int64_t count = pixels - first < block ? pixels - first : block;
    const void** pointers = reinterpret_cast<const void**>(scratch + layout.taps);
    tap_pointers(shape, x, 1, padding, first, count, pointers);
    DepthwiseArgs args;
    args.taps = pointers;
    args.pixels = count;
    args.tap_count = taps;
    args.channels = c;
    args.w = weights;
    args.acc = scratch + layout.accumulators;
    (f.x_format == kI8 ? run.kernels->depthwise_i8i8_i32 : run.kernels->depthwise_u8i8_i32)(args);

    int32_t* acc = static_cast<int32_t*>(args.acc);
    if (f.y_format == kI32) {
      CorrectArgs correct = {};
      correct.acc = acc;
      correct.acc_stride = c;
      correct.rows = count;
      correct.columns = c;
      correct.offset = offset;
      run.kernels->correct_i32(correct);
      memcpy(y + first * c * 4, acc, static_cast<size_t>(count * c) * 4);
    } else if (f.y_format == kF32) {
      DequantizeAccumulatorArgs out = {};
      out.acc = acc;
      out.acc_stride = c;
      out.y = reinterpret_cast<float*>(y) + first * c;
      out.y_stride = c;
      out.rows = count;
      out.columns = c;
      out.offset = offset;
      out.row_scale = run.buffer<const float>(f.x_scale);
      out.column_scale = multiplier;
      out.column_scale_step = f.multiplier_step;
      out.bias = run.buffer<const float>(f.bias);
      out.lo = f.lo;
      out.hi = f.hi;
      out.last = true;
      run.kernels->dequantize_accumulator_i32_f32(out);
    } else {
      RequantizeArgs out;
      out.acc = acc;
      out.acc_stride = c;
      out.y = y + first * c;
      out.y_stride = c;
      out.rows = count;
      out.columns = c;
      out.offset = offset;
      out.multiplier = multiplier;
      out.multiplier_step = f.multiplier_step;
      out.zero_point = f.y_zero_point;
      out.qlo = f.qlo;
      out.qhi = f.qhi;
      (f.y_format == kI8 ? run.kernels->requantize_i32_i8 : run.kernels->requantize_i32_u8)(out);
    }
  };
  run.parallel((pixels + block - 1) / block, run_task);
  return Status::ok;
}

}  // namespace lowbit
