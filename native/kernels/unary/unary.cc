// The operation unary_f32 of a plan.
#include "native/kernels/unary/unary.h"

#include "native/kernels/chunks.h"
#include "native/plan/op.h"

namespace lowbit {

void check_unary_f32(const unary_f32_fields& op, PlanCheck& check) {
  check.range(op.kind, 0, kUnaryKinds - 1);
  check.buffer(op.x, op.n, 4);
  check.buffer(op.y, op.n, 4);
}

size_t scratch_unary_f32(const unary_f32_fields&, const Dispatch&) { return 0; }

Status run_unary_f32(const unary_f32_fields& op, const RunContext& run) {
  const float* x = run.buffer<float>(op.x);
  float* y = run.buffer<float>(op.y);
  // The polynomials take about as long as moving 32 bytes.
  const Chunks chunks = cut(op.n, 32, 64);
  auto body = [&](int64_t task, int) {
    const int64_t begin = chunks.begin(task);
    run.kernels->unary_f32({x + begin, y + begin, chunks.end(task, op.n) - begin, op.kind, op.alpha, op.beta, 1, 0, 0});
  };
  run.parallel(chunks.count, body);
  return Status::ok;
}

}  // namespace lowbit
