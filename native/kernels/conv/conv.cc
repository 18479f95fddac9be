// The operation conv_i8: strips of the input or im2col of a block of pixels, then the block of a matrix product.
#include "native/kernels/conv/conv.h"

#include <cstddef>
#include <cstring>
#include <initializer_list>

#include "native/base/caches.h"
#include "native/kernels/chunks.h"
#include "native/kernels/conv/groups.h"
#include "native/kernels/conv/split.h"
#include "native/kernels/conv/strips.h"
#include "native/kernels/gemm_i8/block.h"
#include "native/kernels/loop.h"
#include "native/kernels/requantize/check.h"

namespace lowbit {

namespace {

size_t round_up_64(size_t bytes) { return (bytes + 63) / 64 * 64; }

// Nanoseconds of a convolution on one thread, about: 400 multiply-adds each, and 16 codes to end with.
int64_t nanoseconds_of(const ConvShape& s, int64_t output_channels) {
  const int64_t outputs = s.pixels() * output_channels;
  return outputs * (s.kh * s.kw * (s.c / s.groups)) / 400 + outputs / 16;
}

// A task does `rows` rows of A by a part of the panels.
struct Cut {
  int64_t rows, row_blocks;
  int64_t panels, column_blocks;
  int64_t first_panel(int64_t block) const { return block * panels / column_blocks; }
};

// Rows of `stride` bytes of one group; a block of them stays in 3/8 of the L2 cache while the panels pass by.
Cut cut_rows(int64_t m, int64_t stride, int64_t panels, int64_t tasks) {
  const ProductSplit split =
      split_product(tasks, m * stride, m / kPartRows, panels * 16 * stride, panels / kPartPanels);
  Cut cut;
  cut.rows = (m + split.rows - 1) / split.rows;
  const int64_t fit = caches().l2 * 3 / 8 / stride;
  if (cut.rows > fit) cut.rows = fit < kPartRows ? kPartRows : fit;
  cut.row_blocks = (m + cut.rows - 1) / cut.rows;
  cut.panels = panels;
  cut.column_blocks = split.columns;
  return cut;
}

void run_strips(const ConvShape& shape, const StripCut& cut, const GemmI8Job& job, const uint8_t* x,
                const int32_t* x_zero, const float* x_scale, uint8_t* y, int64_t y_stride, int64_t y_bytes,
                const RunContext& run) {
  const int64_t all_panels = job.packed->panels;
  auto run_task = [&](int64_t task, int worker) {
    const int64_t column_block = task / (shape.n * cut.blocks);
    const int64_t image = task / cut.blocks % shape.n;
    const int64_t first_line = task % cut.blocks * cut.lines;
    const int64_t lines = shape.oh - first_line < cut.lines ? shape.oh - first_line : cut.lines;
    uint8_t* scratch = run.scratch_of(worker);
    GemmI8Rows rows = strip_rows(shape, cut, x + image * shape.h * shape.w * shape.c, first_line, lines,
                                 static_cast<uint8_t>(*x_zero), scratch + round_up_64(gemm_i8_block_scratch()));
    rows.zero = x_zero;
    rows.scale = x_scale;
    const int64_t at = (image * shape.oh + first_line) * shape.ow * y_stride;
    uint8_t* to = y + at * y_bytes;
    GemmI8Job mine = job;
    if (job.added != nullptr) mine.added_codes += at;
    const int64_t last = (column_block + 1) * all_panels / cut.column_blocks;
    for (int64_t panel = column_block * all_panels / cut.column_blocks; panel < last;) {
      const int64_t panels = step_panels(last - panel);
      gemm_i8_block(mine, rows, panel, panels, to, y_stride, scratch);
      panel += panels;
    }
  };
  run.parallel(shape.n * cut.blocks * cut.column_blocks, run_task);
}

}  // namespace

void check_conv_i8(const conv_i8_fields& f, PlanCheck& check) {
  const ConvShape shape = conv_shape(f, f.groups);
  check_conv_shape(shape, check);
  if (!check.that(check.ok() && f.oc >= 1 && f.oc % f.groups == 0)) return;
  check.that(f.x_format == kU8 || f.x_format == kI8);
  check.range(f.x_zero_point, f.x_format == kU8 ? 0 : -128, f.x_format == kU8 ? 255 : 127);
  check.buffer(f.x, checked_product(f.n, f.h, f.w, f.c), 1);
  const int64_t k = checked_product(f.kh, f.kw, f.c / f.groups);
  const int64_t packed_bytes = k < 1 ? -1 : packed_i8_bytes(k, f.oc / f.groups, 0);
  if (check.that(packed_bytes >= 0)) check.buffer(f.packed, packed_bytes, f.groups);
  check.optional(f.x_scale, 1, 4);
  check.optional(f.x_zero, 1, 4);
  check.optional(f.w_zero, f.oc, 4);
  if (!check.that(f.y_stride >= f.oc)) return;
  const int64_t before = checked_product(checked_product(f.n, f.oh, f.ow) - 1, f.y_stride);
  check_epilogue(f, f.oc, before < 0 ? -1 : before + f.oc, check);
}

size_t scratch_conv_i8(const conv_i8_fields& f, const Dispatch&) {
  const ConvShape shape = conv_shape(f, f.groups);
  // Fewer threads make longer strips.
  const size_t strip = strip_cut(shape, f.oc, 1).scratch;
  const int64_t stride = window_stride(shape.kh * shape.kw * (shape.c / shape.groups));
  const int64_t panels = (f.oc / f.groups + 15) / 16;
  const size_t windows =
      shape.pointwise() ? 0 : static_cast<size_t>(cut_rows(shape.pixels(), stride, panels, 1).rows * stride);
  return round_up_64(gemm_i8_block_scratch()) + (strip > windows ? strip : windows);
}

namespace {

// With what the codes are added to, or null.
Status run_conv(const conv_i8_fields& f, const GemmI8Added* added, const uint8_t* added_codes, const RunContext& run) {
  const ConvShape shape = conv_shape(f, f.groups);
  const int64_t k = shape.kh * shape.kw * (shape.c / shape.groups);
  const int64_t n = f.oc / f.groups;
  const uint8_t* weights = run.buffer<const uint8_t>(f.packed);
  const PackedHeader* packed = packed_groups(weights, run.buffer_bytes[f.packed], kTileI8N16K4, k, n, shape.groups);
  if (packed == nullptr) return Status::bad_packed_weights;
  const uint8_t* x = run.buffer<const uint8_t>(f.x);
  uint8_t* y = run.buffer<uint8_t>(f.y);
  const int32_t* x_zero = f.x_zero < 0 ? &f.x_zero_point : run.buffer<const int32_t>(f.x_zero);
  const int64_t y_bytes = f.y_format == kF32 || f.y_format == kI32 ? 4 : 1;
  const bool pointwise = shape.pointwise();
  const int64_t stride = pointwise ? shape.c : window_stride(k);
  const int64_t pixels = shape.pixels();
  GemmI8Job job = gemm_i8_job(f, f.x_format, run, added);
  job.added_codes = added_codes;

  const int64_t tasks = tasks_worth(nanoseconds_of(shape, f.oc), thread_limit());
  const StripCut strips = strip_cut(shape, n, tasks);
  if (strips.possible && job.w_zero == nullptr && packed->w_shift == 0) {
    GemmI8Job strip_job = job;
    strip_job.packed = packed;
    run_strips(shape, strips, strip_job, x, x_zero, run.buffer<const float>(f.x_scale), y, f.y_stride, y_bytes, run);
    return Status::ok;
  }

  const Cut cut = cut_rows(pixels, stride, packed->panels, (tasks + shape.groups - 1) / shape.groups);
  auto run_task = [&](int64_t task, int worker) {
    const int64_t group = task / (cut.row_blocks * cut.column_blocks);
    const int64_t column_block = task / cut.row_blocks % cut.column_blocks;
    const int64_t first_pixel = task % cut.row_blocks * cut.rows;
    const int64_t count = least(cut.rows, pixels - first_pixel);
    uint8_t* scratch = run.scratch_of(worker);
    uint8_t* windows = scratch + round_up_64(gemm_i8_block_scratch());
    GemmI8Job mine = job;
    mine.packed = reinterpret_cast<const PackedHeader*>(weights + group * packed->total_bytes);
    const int64_t channel = group * n;
    if (job.w_zero != nullptr) mine.w_zero += channel;
    if (job.offset != nullptr) mine.offset += channel;
    if (job.multiplier != nullptr) mine.multiplier += channel * job.multiplier_step;
    if (job.bias != nullptr) mine.bias += channel;
    if (job.added != nullptr) mine.added_codes += first_pixel * f.y_stride + channel;
    const uint8_t* a = x + first_pixel * shape.c + group * k;
    if (!pointwise) {
      im2col(shape, x, 1, group, first_pixel, count, static_cast<uint8_t>(*x_zero), windows);
      a = windows;
    }
    GemmI8Rows rows = plain_rows(a, stride, count, pointwise ? k : stride);
    rows.zero = x_zero;
    rows.scale = run.buffer<const float>(f.x_scale);
    uint8_t* to = y + (first_pixel * f.y_stride + channel) * y_bytes;
    const int64_t last = cut.first_panel(column_block + 1);
    for (int64_t panel = cut.first_panel(column_block); panel < last;) {
      const int64_t panels = step_panels(last - panel);
      gemm_i8_block(mine, rows, panel, panels, to, f.y_stride, scratch);
      panel += panels;
    }
  };
  run.parallel(shape.groups * cut.row_blocks * cut.column_blocks, run_task);
  return Status::ok;
}

// The fields of conv_i8, with which those of conv_add_i8 begin.
conv_i8_fields conv_of(const conv_add_i8_fields& f) {
  static_assert(offsetof(conv_add_i8_fields, added) == sizeof(conv_i8_fields), "conv_add_i8 begins as conv_i8");
  conv_i8_fields conv;
  memcpy(&conv, &f, sizeof conv);
  return conv;
}

}  // namespace

Status run_conv_i8(const conv_i8_fields& f, const RunContext& run) { return run_conv(f, nullptr, nullptr, run); }

void check_conv_add_i8(const conv_add_i8_fields& f, PlanCheck& check) {
  check_conv_i8(conv_of(f), check);
  check.that(f.y_format == kU8 || f.y_format == kI8);
  check.that(f.y_stride == f.oc);
  if (!check.ok()) return;
  check.buffer(f.added, checked_product(f.n, f.oh, f.ow, f.oc), 1);
  const int32_t formats[2] = {f.added_format, f.sum_format}, zeros[2] = {f.added_zero, f.sum_zero};
  for (int i = 0; i < 2; i++) {
    check.that(formats[i] == kU8 || formats[i] == kI8);
    check.range(zeros[i], formats[i] == kI8 ? -128 : 0, formats[i] == kI8 ? 127 : 255);
  }
  for (const float ratio : {f.ratio, f.added_ratio}) check.that(ratio > -kInfinity && ratio < kInfinity);
  check.range(f.sum_lo, f.sum_format == kI8 ? -128 : 0, f.sum_hi);
  check.range(f.sum_hi, f.sum_lo, f.sum_format == kI8 ? 127 : 255);
}

size_t scratch_conv_add_i8(const conv_add_i8_fields& f, const Dispatch& kernels) {
  return scratch_conv_i8(conv_of(f), kernels);
}

Status run_conv_add_i8(const conv_add_i8_fields& f, const RunContext& run) {
  const GemmI8Added added = {f.added_format, f.added_zero, f.ratio,  f.added_ratio,
                             f.sum_format,   f.sum_zero,   f.sum_lo, f.sum_hi};
  return run_conv(conv_of(f), &added, run.buffer<const uint8_t>(f.added), run);
}

}  // namespace lowbit
