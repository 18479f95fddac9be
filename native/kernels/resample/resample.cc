// The operation resample_f32 of a plan: weighted sums along one axis. Its loops need no kernel per instruction set.
#include "native/kernels/chunks.h"
#include "native/kernels/loop.h"
#include "native/plan/op.h"

namespace lowbit {
namespace {

// y[i] = the weighted sum of `taps` rows of x.
void blend(const float* x, const int32_t* indices, const float* weights, int64_t taps, int64_t inner, float* y) {
  const float* first = x + indices[0] * inner;
  const float w0 = weights[0];
  if (taps == 2) {
    const float* second = x + indices[1] * inner;
    const float w1 = weights[1];
    LOWBIT_INDEPENDENT
    for (int64_t i = 0; i < inner; i++) y[i] = first[i] * w0 + second[i] * w1;
    return;
  }
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < inner; i++) y[i] = first[i] * w0;
  for (int64_t t = 1; t < taps; t++) {
    const float* from = x + indices[t] * inner;
    const float w = weights[t];
    LOWBIT_INDEPENDENT
    for (int64_t i = 0; i < inner; i++) y[i] = y[i] + from[i] * w;
  }
}

}  // namespace

void check_resample_f32(const resample_f32_fields& op, PlanCheck& check) {
  check.range(op.taps, 1, INT32_MAX);
  check.range(op.axis, 1, INT32_MAX);
  check.buffer(op.x, checked_product(op.outer, op.axis, op.inner), 4);
  check.buffer(op.indices, checked_product(op.count, op.taps), 4);
  check.buffer(op.weights, checked_product(op.count, op.taps), 4);
  check.buffer(op.y, checked_product(op.outer, op.count, op.inner), 4);
}

size_t scratch_resample_f32(const resample_f32_fields&, const Dispatch&) { return 0; }

Status run_resample_f32(const resample_f32_fields& op, const RunContext& run) {
  const float* x = run.buffer<float>(op.x);
  const int32_t* indices = run.buffer<int32_t>(op.indices);
  const float* weights = run.buffer<float>(op.weights);
  float* y = run.buffer<float>(op.y);
  const int64_t taps = op.taps, inner = op.inner, count = op.count;
  for (int64_t i = 0; i < count * taps; i++) {
    if (indices[i] < 0 || indices[i] >= op.axis) return Status::bad_index;
  }
  const int64_t all = op.outer * count;
  const Chunks chunks = cut(all, 4 * inner * (taps + 1));
  auto body = [&](int64_t task, int) {
    for (int64_t at = chunks.begin(task); at < chunks.end(task, all); at++) {
      const int64_t outer = at / count, j = at % count;
      blend(x + outer * op.axis * inner, indices + j * taps, weights + j * taps, taps, inner, y + at * inner);
    }
  };
  run.parallel(chunks.count, body);
  return Status::ok;
}

}  // namespace lowbit
