// The operations measure_peak and measure_read of a plan.
#include "native/plan/op.h"

namespace lowbit {

void check_measure_peak(const measure_peak_fields& op, PlanCheck& check) {
  check.range(op.kind, 0, 1);
  check.range(op.tasks, 0, INT32_MAX);
  check.range(op.steps, 0, INT32_MAX);
  check.that(op.steps % kPeakSteps == 0);
  if (!check.ok()) return;
  check.buffer(op.a, op.kind == 0 ? 4 : 1, op.kind == 0 ? 1 : 4);
  check.buffer(op.b, op.kind == 0 ? 64 : 16, op.kind == 0 ? 1 : 4);
  check.buffer(op.y, checked_product(op.tasks, 16), 4);
}

size_t scratch_measure_peak(const measure_peak_fields&, const Dispatch&) { return 0; }

Status run_measure_peak(const measure_peak_fields& op, const RunContext& run) {
  auto body = [&](int64_t task, int) {
    if (op.kind == 0) {
      int32_t* y = run.buffer<int32_t>(op.y) + 16 * task;
      run.kernels->peak_u8i8_i32({run.buffer<uint8_t>(op.a), run.buffer<int8_t>(op.b), y, op.steps});
    } else {
      float* y = run.buffer<float>(op.y) + 16 * task;
      run.kernels->peak_f32({run.buffer<float>(op.a), run.buffer<float>(op.b), y, op.steps});
    }
  };
  run.parallel(op.tasks, body);
  return Status::ok;
}

void check_measure_read(const measure_read_fields& op, PlanCheck& check) {
  check.range(op.tasks, 0, INT32_MAX);
  check.range(op.task_bytes, 0, INT32_MAX);
  check.that(op.task_bytes % 64 == 0);
  if (!check.ok()) return;
  check.buffer(op.x, checked_product(op.tasks, op.task_bytes), 1);
  check.buffer(op.y, checked_product(op.tasks, 16), 4);
}

size_t scratch_measure_read(const measure_read_fields&, const Dispatch&) { return 0; }

Status run_measure_read(const measure_read_fields& op, const RunContext& run) {
  auto body = [&](int64_t task, int) {
    const uint8_t* x = run.buffer<uint8_t>(op.x) + task * op.task_bytes;
    run.kernels->read_u8_i32({x, run.buffer<int32_t>(op.y) + 16 * task, op.task_bytes});
  };
  run.parallel(op.tasks, body);
  return Status::ok;
}

}  // namespace lowbit
