// The operation reduce_f32 of a plan.
#include "native/kernels/reduce/reduce.h"

#include "native/kernels/chunks.h"
#include "native/plan/op.h"

namespace lowbit {

void check_reduce_f32(const reduce_f32_fields& op, PlanCheck& check) {
  check.range(op.kind, 0, kReduceKinds - 1);
  check.range(op.axis, 1, INT32_MAX);
  check.buffer(op.x, checked_product(op.outer, op.axis, op.inner), 4);
  check.buffer(op.y, checked_product(op.outer, op.inner), 4);
}

size_t scratch_reduce_f32(const reduce_f32_fields&, const Dispatch&) { return 0; }

Status run_reduce_f32(const reduce_f32_fields& op, const RunContext& run) {
  const float* x = run.buffer<float>(op.x);
  float* y = run.buffer<float>(op.y);
  const int64_t axis = op.axis, inner = op.inner;
  const Chunks rows = cut(op.outer, 4 * axis * inner);
  auto body = [&](int64_t task, int) {
    const int64_t first = rows.begin(task);
    run.kernels->reduce_f32(
        {x + first * axis * inner, y + first * inner, rows.end(task, op.outer) - first, axis, inner, op.kind});
  };
  run.parallel(rows.count, body);
  return Status::ok;
}

}  // namespace lowbit
