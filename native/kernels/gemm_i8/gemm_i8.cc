// The operation gemm_i8: codes by packed weights, to codes, floats or accumulators.
#include "native/kernels/gemm_i8/gemm_i8.h"

#include "native/base/caches.h"
#include "native/kernels/gemm_i8/block.h"
#include "native/kernels/unary/unary.h"
#include "native/plan/op.h"
#include "native/kernels/requantize/check.h"

namespace lowbit {

namespace {

int64_t bytes_of_format(int32_t format) { return format == kF32 || format == kI32 ? 4 : 1; }

}  // namespace

void check_gemm_i8(const gemm_i8_fields& f, PlanCheck& check) {
  if (!check.that(f.batch >= 1 && f.m >= 0 && f.k >= 1 && f.n >= 1)) return;
  check.range(f.b_batched, 0, 1);
  check.range(f.a_step, 0, 1);
  check.that(f.a_format == kU8 || f.a_format == kI8);
  check.buffer(f.a, checked_product(f.batch, f.m, f.k), 1);
  const int64_t row_values = f.a_step == 0 ? 1 : checked_product(f.batch, f.m);
  check.optional(f.a_scale, row_values, 4);
  check.optional(f.a_zero, row_values, 4);
  // The group size is known when the header is read; these are the least that any packing needs.
  check.buffer(f.packed, packed_i8_bytes(f.k, f.n, 0), f.b_batched == 0 ? 1 : f.batch);
  check.optional(f.w_zero, f.n, 4);
  const int64_t outputs = checked_product(f.batch, f.m, f.n);
  check.optional(f.residual, outputs, 4);
  check.range(f.activation, -1, kUnaryKinds - 1);
  if (f.y_format != kF32) check.that(f.residual < 0 && f.activation < 0);
  check_epilogue(f, f.n, outputs, check);
}

size_t scratch_gemm_i8(const gemm_i8_fields&, const Dispatch&) { return gemm_i8_block_scratch(); }

Status run_gemm_i8(const gemm_i8_fields& f, const RunContext& run) {
  const uint8_t* weights = run.buffer<const uint8_t>(f.packed);
  const PackedHeader* packed = packed_header(weights, run.buffer_bytes[f.packed], kTileI8N16K4, f.k, f.n);
  if (packed == nullptr) return Status::bad_packed_weights;
  const int64_t matrices = f.b_batched == 0 ? 1 : f.batch;
  for (int64_t b = 0; b < matrices; ++b) {
    const uint64_t before = static_cast<uint64_t>(b) * static_cast<uint64_t>(packed->total_bytes);
    if (before > run.buffer_bytes[f.packed]) return Status::bad_packed_weights;
    const PackedHeader* other =
        packed_header(weights + before, run.buffer_bytes[f.packed] - before, kTileI8N16K4, f.k, f.n);
    if (other == nullptr || other->group_size != packed->group_size) return Status::bad_packed_weights;
  }
  if (packed->groups > 1) {
    const uint64_t per_group = static_cast<uint64_t>(packed->groups) * static_cast<uint64_t>(f.n) * 4;
    if (f.y_format != kF32 || f.multiplier_step != 1 || f.offset >= 0 || run.buffer_bytes[f.multiplier] < per_group ||
        (f.w_zero >= 0 && run.buffer_bytes[f.w_zero] < per_group)) {
      return Status::bad_packed_weights;
    }
  }

  const uint8_t* a = run.buffer<const uint8_t>(f.a);
  const int32_t* a_zero = run.buffer<const int32_t>(f.a_zero);
  const float* a_scale = run.buffer<const float>(f.a_scale);
  uint8_t* y = run.buffer<uint8_t>(f.y);
  GemmI8Job job = gemm_i8_job(f, f.a_format, run);
  job.activation = f.activation;
  job.alpha = f.alpha;
  job.beta = f.beta;
  const float* residual = run.buffer<const float>(f.residual);

  const GemmBlocks blocks = gemm_i8_blocks(f.m, f.k, packed->panels, thread_limit(), caches().l2);
  const int64_t y_bytes = bytes_of_format(f.y_format);
  auto run_block = [&](int64_t task, int worker) {
    const int64_t batch = task / blocks.tasks();
    const int64_t row_block = task % blocks.tasks() / blocks.column_blocks;
    const int64_t column_block = task % blocks.column_blocks;
    GemmI8Job mine = job;
    mine.packed = reinterpret_cast<const PackedHeader*>(weights + (f.b_batched == 0 ? 0 : batch * packed->total_bytes));
    const int64_t first = blocks.first_row(row_block, f.m);
    const int64_t row = batch * f.m + first;
    if (residual != nullptr) mine.residual = residual + row * f.n;
    GemmI8Rows rows = plain_rows(a + row * f.k, f.k, blocks.first_row(row_block + 1, f.m) - first, f.k);
    rows.zero = a_zero == nullptr ? nullptr : a_zero + row * f.a_step;
    rows.zero_step = a_zero == nullptr ? 0 : f.a_step;
    rows.scale = a_scale == nullptr ? nullptr : a_scale + row * f.a_step;
    rows.scale_step = f.a_step;
    for (int64_t step = blocks.first_step(column_block); step < blocks.first_step(column_block + 1); ++step) {
      const int64_t panel = step * blocks.panels;
      const int64_t panels = packed->panels - panel < blocks.panels ? packed->panels - panel : blocks.panels;
      gemm_i8_block(mine, rows, panel, panels, y + row * f.n * y_bytes, f.n, run.scratch_of(worker));
    }
  };
  run.parallel(f.batch * blocks.tasks(), run_block);
  return Status::ok;
}

}  // namespace lowbit
