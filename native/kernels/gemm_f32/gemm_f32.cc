// The operation gemm_f32: floats by packed weights, with bias and clamp.
#include "native/kernels/gemm_f32/gemm_f32.h"

#include "native/kernels/gemm_f32/block.h"
#include "native/plan/op.h"

namespace lowbit {

void check_gemm_f32(const gemm_f32_fields& f, PlanCheck& check) {
  if (!check.that(f.batch >= 1 && f.m >= 0 && f.k >= 1 && f.n >= 1)) return;
  check.range(f.b_batched, 0, 1);
  check.range(f.exact, 0, 1);
  check.that(f.lo <= f.hi);
  check.buffer(f.a, checked_product(f.batch, f.m, f.k), 4);
  check.buffer(f.packed, packed_f32_bytes(f.k, f.n), f.b_batched == 0 ? 1 : f.batch);
  check.optional(f.bias, f.n, 4);
  check.buffer(f.y, checked_product(f.batch, f.m, f.n), 4);
}

size_t scratch_gemm_f32(const gemm_f32_fields&, const Dispatch&) { return 0; }

Status run_gemm_f32(const gemm_f32_fields& f, const RunContext& run) {
  const uint8_t* weights = run.buffer<const uint8_t>(f.packed);
  const uint64_t bytes = run.buffer_bytes[f.packed];
  const PackedHeader* packed = packed_header(weights, bytes, kTileF32N16K1, f.k, f.n);
  if (packed == nullptr) return Status::bad_packed_weights;
  // Float matrices of one k and n have one size, so check_gemm_f32 has seen that they all fit.
  for (int64_t b = 0; b < (f.b_batched == 0 ? 1 : f.batch); ++b) {
    const uint64_t before = static_cast<uint64_t>(b) * static_cast<uint64_t>(packed->total_bytes);
    if (packed_header(weights + before, bytes - before, kTileF32N16K1, f.k, f.n) == nullptr) {
      return Status::bad_packed_weights;
    }
  }
  const float* a = run.buffer<const float>(f.a);
  float* y = run.buffer<float>(f.y);
  const GemmF32Job job = gemm_f32_job(f, f.exact != 0, run);
  const GemmBlocks blocks = gemm_f32_blocks(f.m, f.k, packed->panels, thread_limit());
  auto run_block = [&](int64_t task, int) {
    const int64_t batch = task / blocks.tasks();
    const int64_t row_block = task % blocks.tasks() / blocks.column_blocks;
    const int64_t column_block = task % blocks.column_blocks;
    GemmF32Job mine = job;
    mine.packed = reinterpret_cast<const PackedHeader*>(weights + (f.b_batched == 0 ? 0 : batch * packed->total_bytes));
    const int64_t first = blocks.first_row(row_block, f.m);
    const int64_t rows = blocks.first_row(row_block + 1, f.m) - first;
    const int64_t row = batch * f.m + first;
    for (int64_t step = blocks.first_step(column_block); step < blocks.first_step(column_block + 1); ++step) {
      const int64_t panel = step * blocks.panels;
      const int64_t panels = packed->panels - panel < blocks.panels ? packed->panels - panel : blocks.panels;
      gemm_f32_block(mine, plain_float_rows(a + row * f.k, f.k, rows, f.k), panel, panels, y + row * f.n, f.n);
    }
  };
  run.parallel(f.batch * blocks.tasks(), run_block);
  return Status::ok;
}

}  // namespace lowbit
