// The operation layer_norm_f32 of a plan.
#include "native/kernels/chunks.h"
#include "native/plan/op.h"

namespace lowbit {

void check_layer_norm_f32(const layer_norm_f32_fields& op, PlanCheck& check) {
  const int64_t n = checked_product(op.rows, op.columns);
  check.buffer(op.x, n, 4);
  check.optional(op.addend, n, 4);
  check.buffer(op.scale, op.columns, 4);
  check.optional(op.bias, op.columns, 4);
  check.buffer(op.y, n, 4);
  check.optional(op.mean, op.rows, 4);
  check.optional(op.inverse, op.rows, 4);
  check.range(op.subtract_mean, 0, 1);
}

size_t scratch_layer_norm_f32(const layer_norm_f32_fields&, const Dispatch&) { return 0; }

Status run_layer_norm_f32(const layer_norm_f32_fields& op, const RunContext& run) {
  const float* x = run.buffer<float>(op.x);
  const float* addend = run.buffer<float>(op.addend);
  float* y = run.buffer<float>(op.y);
  float* mean = run.buffer<float>(op.mean);
  float* inverse = run.buffer<float>(op.inverse);
  const int64_t n = op.columns;
  const Chunks rows = cut(op.rows, 16 * n);
  auto body = [&](int64_t task, int) {
    const int64_t first = rows.begin(task), at = first * n;
    run.kernels->layer_norm_f32({x + at, addend == nullptr ? nullptr : addend + at, run.buffer<float>(op.scale),
                                 run.buffer<float>(op.bias), y + at, mean == nullptr ? nullptr : mean + first,
                                 inverse == nullptr ? nullptr : inverse + first, rows.end(task, op.rows) - first, n,
                                 op.epsilon, op.subtract_mean});
  };
  run.parallel(rows.count, body);
  return Status::ok;
}

}  // namespace lowbit
