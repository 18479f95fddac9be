// The operation conv_f32: strips of the input, the input itself, or im2col of a block of pixels, then the block of a
// matrix product.
#include "native/kernels/conv/conv.h"
#include "native/kernels/conv/f32_strips.h"
#include "native/kernels/conv/groups.h"
#include "native/kernels/gemm_f32/block.h"

namespace lowbit {

namespace {

void run_float_strips(const ConvShape& shape, const FloatStrips& cut, const GemmF32Job& job, const float* x, float* y,
                      int64_t y_stride, const RunContext& run) {
  const int64_t all_panels = job.packed->panels;
  auto run_task = [&](int64_t task, int worker) {
    const int64_t column_block = task % cut.column_blocks;
    const int64_t image = task / cut.column_blocks / cut.blocks;
    const int64_t first_line = task / cut.column_blocks % cut.blocks * cut.lines;
    const int64_t lines = shape.oh - first_line < cut.lines ? shape.oh - first_line : cut.lines;
    const FloatRows rows = float_strip_rows(shape, cut, x + image * shape.h * shape.w * shape.c, first_line, lines,
                                            reinterpret_cast<float*>(run.scratch_of(worker)));
    float* to = y + (image * shape.oh + first_line) * shape.ow * y_stride;
    const int64_t last_step = (column_block + 1) * cut.steps / cut.column_blocks;
    for (int64_t step = column_block * cut.steps / cut.column_blocks; step < last_step; ++step) {
      const int64_t panel = step * cut.panels;
      const int64_t panels = all_panels - panel < cut.panels ? all_panels - panel : cut.panels;
      gemm_f32_block(job, rows, panel, panels, to, y_stride);
    }
  };
  run.parallel(shape.n * cut.blocks * cut.column_blocks, run_task);
}

}  // namespace

void check_conv_f32(const conv_f32_fields& f, PlanCheck& check) {
  const ConvShape shape = conv_shape(f, f.groups);
  check_conv_shape(shape, check);
  if (!check.that(check.ok() && f.oc >= 1 && f.oc % f.groups == 0)) return;
  check.range(f.exact, 0, 1);
  check.that(f.lo <= f.hi);
  check.buffer(f.x, checked_product(f.n, f.h, f.w, f.c), 4);
  const int64_t k = checked_product(f.kh, f.kw, f.c / f.groups);
  const int64_t packed_bytes = k < 1 ? -1 : packed_f32_bytes(k, f.oc / f.groups);
  if (check.that(packed_bytes >= 0)) check.buffer(f.packed, packed_bytes, f.groups);
  check.optional(f.bias, f.oc, 4);
  if (!check.that(f.y_stride >= f.oc)) return;
  const int64_t before = checked_product(checked_product(f.n, f.oh, f.ow) - 1, f.y_stride);
  check.buffer(f.y, before < 0 ? -1 : before + f.oc, 4);
}

size_t scratch_conv_f32(const conv_f32_fields& f, const Dispatch&) {
  const ConvShape shape = conv_shape(f, f.groups);
  // Fewer threads make longer strips.
  const FloatStrips strips = float_strips(shape, f.oc, 1);
  return strips.possible ? strips.scratch : window_scratch(shape, 4);
}

Status run_conv_f32(const conv_f32_fields& f, const RunContext& run) {
  const ConvShape shape = conv_shape(f, f.groups);
  const int64_t k = shape.kh * shape.kw * (shape.c / shape.groups);
  const int64_t n = f.oc / f.groups;
  const uint8_t* weights = run.buffer<const uint8_t>(f.packed);
  const PackedHeader* packed = packed_groups(weights, run.buffer_bytes[f.packed], kTileF32N16K1, k, n, shape.groups);
  if (packed == nullptr) return Status::bad_packed_weights;
  const float* x = run.buffer<const float>(f.x);
  float* y = run.buffer<float>(f.y);
  GemmF32Job job = gemm_f32_job(f, f.exact != 0, run);
  job.packed = packed;

  const FloatStrips strips = float_strips(shape, n, thread_limit());
  if (strips.possible) {
    run_float_strips(shape, strips, job, x, y, f.y_stride, run);
    return Status::ok;
  }

  const bool pointwise = shape.pointwise();
  const int64_t stride = pointwise ? shape.c : k;
  const int64_t pixels = shape.pixels();
  const GemmBlocks blocks = pointwise ? gemm_f32_blocks(pixels, k, packed->panels, thread_limit())
                                      : gemm_blocks(pixels, stride * 4, packed->panels, thread_limit());
  auto run_task = [&](int64_t task, int worker) {
    const ConvTask cut = conv_task(blocks, pixels, task);
    GemmF32Job mine = job;
    mine.packed = reinterpret_cast<const PackedHeader*>(weights + cut.group * packed->total_bytes);
    const int64_t channel = cut.group * n;
    if (job.bias != nullptr) mine.bias += channel;
    const float* a = x + cut.first_pixel * shape.c + cut.group * k;
    if (!pointwise) {
      uint8_t* windows = run.scratch_of(worker);
      im2col(shape, reinterpret_cast<const uint8_t*>(x), 4, cut.group, cut.first_pixel, cut.pixels, 0, windows);
      a = reinterpret_cast<const float*>(windows);
    }
    const FloatRows rows = plain_float_rows(a, stride, cut.pixels, k);
    for (int64_t step = cut.first_step; step < cut.last_step; ++step) {
      const int64_t panel = step * blocks.panels;
      const int64_t panels = packed->panels - panel < blocks.panels ? packed->panels - panel : blocks.panels;
      gemm_f32_block(mine, rows, panel, panels, y + cut.first_pixel * f.y_stride + channel, f.y_stride);
    }
  };
  run.parallel(shape.groups * blocks.tasks(), run_task);
  return Status::ok;
}

}  // namespace lowbit
