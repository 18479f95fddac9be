// The operations pack_half and gemm_half: weights of 16 bits.
#include "native/kernels/gemm_half/gemm_half.h"

#include "native/kernels/gemm_f32/block.h"
#include "native/kernels/gemm_half/widen.h"
#include "native/plan/op.h"

namespace lowbit {

namespace {

PackedTile tile_of_format(int32_t format) { return format == kBf16 ? kTileBf16N16K2 : kTileF16N16K1; }

}  // namespace

void check_gemm_half(const gemm_half_fields& f, PlanCheck& check) {
  if (!check.that(f.batch >= 1 && f.m >= 0 && f.k >= 1 && f.n >= 1)) return;
  check.range(f.b_batched, 0, 1);
  check.that(f.w_format == kBf16 || f.w_format == kF16);
  check.that(f.a_format == kF32 || (f.a_format == kBf16 && f.w_format == kBf16));
  check.that(f.lo <= f.hi);
  check.buffer(f.a, checked_product(f.batch, f.m, f.k), 4);
  check.buffer(f.packed, packed_half_bytes(f.k, f.n), f.b_batched == 0 ? 1 : f.batch);
  check.optional(f.bias, f.n, 4);
  check.buffer(f.y, checked_product(f.batch, f.m, f.n), 4);
}

// Rounded rows of a block, in pairs.
size_t scratch_gemm_half(const gemm_half_fields& f, const Dispatch&) {
  if (f.a_format == kF32) return 0;
  // Fewer threads make higher blocks.
  const GemmBlocks blocks = gemm_f32_blocks(f.m, f.k, (int64_t{f.n} + 15) / 16, 1);
  return static_cast<size_t>(blocks.rows * ((int64_t{f.k} + 1) / 2) * 4);
}

Status run_gemm_half(const gemm_half_fields& f, const RunContext& run) {
  const uint8_t* weights = run.buffer<const uint8_t>(f.packed);
  const uint64_t bytes = run.buffer_bytes[f.packed];
  const PackedTile tile = tile_of_format(f.w_format);
  const PackedHeader* packed = packed_header(weights, bytes, tile, f.k, f.n);
  if (packed == nullptr) return Status::bad_packed_weights;
  for (int64_t b = 0; b < (f.b_batched == 0 ? 1 : f.batch); ++b) {
    const uint64_t before = static_cast<uint64_t>(b) * static_cast<uint64_t>(packed->total_bytes);
    if (packed_header(weights + before, bytes - before, tile, f.k, f.n) == nullptr) return Status::bad_packed_weights;
  }
  const float* a = run.buffer<const float>(f.a);
  float* y = run.buffer<float>(f.y);
  const int64_t k = f.k, pairs = (k + 1) / 2;
  const bool rounded = f.a_format == kBf16;
  GemmF32Job job = gemm_f32_job(f, false, run);
  job.product = rounded               ? run.kernels->gemm_bf16bf16_f32
                : f.w_format == kBf16 ? run.kernels->gemm_f32bf16_f32
                                      : run.kernels->gemm_f32f16_f32;
  job.group_rows = rounded ? 1 : 2;
  const GemmBlocks blocks = gemm_f32_blocks(f.m, k, packed->panels, thread_limit());
  auto run_block = [&](int64_t task, int worker) {
    const int64_t batch = task / blocks.tasks();
    const int64_t row_block = task % blocks.tasks() / blocks.column_blocks;
    const int64_t column_block = task % blocks.column_blocks;
    GemmF32Job mine = job;
    mine.packed = reinterpret_cast<const PackedHeader*>(weights + (f.b_batched == 0 ? 0 : batch * packed->total_bytes));
    const int64_t first = blocks.first_row(row_block, f.m);
    const int64_t count = blocks.first_row(row_block + 1, f.m) - first;
    const int64_t row = batch * f.m + first;
    FloatRows rows = plain_float_rows(a + row * k, k, count, k);
    if (rounded) {
      uint16_t* to = reinterpret_cast<uint16_t*>(run.scratch_of(worker));
      for (int64_t r = 0; r < count; ++r, to += 2 * pairs) {
        const float* from = a + (row + r) * k;
        for (int64_t i = 0; i < k; ++i) to[i] = bf16_code(from[i]);
        if (k % 2 != 0) to[k] = 0;
      }
      rows = plain_float_rows(reinterpret_cast<const float*>(run.scratch_of(worker)), pairs, count, pairs);
    }
    for (int64_t step = blocks.first_step(column_block); step < blocks.first_step(column_block + 1); ++step) {
      const int64_t panel = step * blocks.panels;
      const int64_t panels = packed->panels - panel < blocks.panels ? packed->panels - panel : blocks.panels;
      gemm_f32_block(mine, rows, panel, panels, y + row * f.n, f.n);
    }
  };
  run.parallel(f.batch * blocks.tasks(), run_block);
  return Status::ok;
}

}  // namespace lowbit
