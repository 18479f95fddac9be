// How a depthwise convolution is cut into lines.
#include "native/kernels/depthwise/lines.h"

#include <cstring>

#include "native/kernels/chunks.h"

namespace lowbit {

namespace {

// Rows that one call names at most.
constexpr int64_t kMostRows = 256;
// Output bytes of a task: its rows of input stay in the second-level cache while the channels are walked.
constexpr int64_t kLineBytes = 64 * 1024;
// NaN is not below 1.
bool below_one(const float* multiplier, int64_t n) {
  uint32_t above = 0;
  for (int64_t i = 0; i < n; ++i) {
    uint32_t word;
    memcpy(&word, multiplier + i, 4);
    above |= (word & 0x7FFFFFFFu) >= 0x3F800000u ? 1u : 0u;
  }
  return above == 0;
}

struct Kernel {
  void (*codes)(const DepthwiseCodesArgs&);
  Slot slot, sums;
};

Kernel kernel_of(const Dispatch& kernels, bool x_signed, bool y_signed) {
  if (x_signed) {
    return y_signed ? Kernel{kernels.depthwise_i8i8_i8, Slot::depthwise_i8i8_i8, Slot::depthwise_i8i8_i32}
                    : Kernel{kernels.depthwise_i8i8_u8, Slot::depthwise_i8i8_u8, Slot::depthwise_i8i8_i32};
  }
  return y_signed ? Kernel{kernels.depthwise_u8i8_i8, Slot::depthwise_u8i8_i8, Slot::depthwise_u8i8_i32}
                  : Kernel{kernels.depthwise_u8i8_u8, Slot::depthwise_u8i8_u8, Slot::depthwise_u8i8_i32};
}

int64_t lines_of_task(const ConvShape& s) {
  int64_t lines = kLineBytes / (s.ow * s.c);
  // About 0.075 nanoseconds for a code of 9 taps; every task arranges the weights anew.
  const int64_t tasks = tasks_worth(s.pixels() * s.c * s.kh * s.kw / 120, thread_limit());
  const int64_t share = (s.n * s.oh + tasks - 1) / tasks;
  if (lines > share) lines = share;
  if (lines > kMostRows / s.kh) lines = kMostRows / s.kh;
  if (lines > s.oh) lines = s.oh;
  return lines < 1 ? 1 : lines;
}

}  // namespace

size_t depthwise_lines_scratch(const ConvShape& shape) {
  return static_cast<size_t>((shape.w * shape.c + 63) / 64 * 64);  // a row of padding
}

bool run_depthwise_lines(const depthwise_i8_fields& f, const ConvShape& s, int32_t x_zero, const RunContext& run) {
  if ((f.y_format != kU8 && f.y_format != kI8) || s.kh * s.kw > kDepthwiseTaps) return false;
  const Kernel kernel = kernel_of(*run.kernels, f.x_format == kI8, f.y_format == kI8);
  const auto rank = [&](Slot slot) { return isa_row(run.kernels->slot_isa[static_cast<int32_t>(slot)]).rank; };
  if (rank(kernel.slot) < rank(kernel.sums)) return false;
  const float* multiplier = run.buffer<const float>(f.multiplier);
  if (!below_one(multiplier, f.multiplier_step == 0 ? 1 : s.c)) return false;

  const uint8_t* x = run.buffer<const uint8_t>(f.x);
  uint8_t* y = run.buffer<uint8_t>(f.y);
  uint8_t* padding = run.scratch;
  const int64_t row_bytes = s.w * s.c;
  memset(padding, static_cast<uint8_t>(x_zero), static_cast<size_t>(row_bytes));
  const int64_t lines = lines_of_task(s), tasks = (s.oh + lines - 1) / lines;
  auto run_task = [&](int64_t task, int) {
    const int64_t image = task / tasks, first = task % tasks * lines;
    const void* rows[kMostRows];
    DepthwiseCodesArgs args;
    args.rows = rows;
    args.lines = s.oh - first < lines ? s.oh - first : lines;
    for (int64_t i = 0; i < args.lines * s.kh; ++i) {
      const int64_t at = (first + i / s.kh) * s.stride_h - s.pad_top + i % s.kh * s.dilation_h;
      rows[i] = at >= 0 && at < s.h ? x + (image * s.h + at) * row_bytes : padding;
    }
    args.pixels = s.ow;
    args.width = s.w;
    args.channels = s.c;
    args.kh = s.kh;
    args.kw = s.kw;
    args.stride = s.stride_w;
    args.pad_left = s.pad_left;
    args.dilation = s.dilation_w;
    args.x_zero = x_zero;
    args.w = run.buffer<const int8_t>(f.weights);
    args.offset = run.buffer<const int32_t>(f.offset);
    args.multiplier = multiplier;
    args.multiplier_step = f.multiplier_step;
    args.zero_point = f.y_zero_point;
    args.qlo = f.qlo;
    args.qhi = f.qhi;
    args.y = y + (image * s.oh + first) * s.ow * s.c;
    kernel.codes(args);
  };
  run.parallel(s.n * tasks, run_task);
  return true;
}

}  // namespace lowbit
