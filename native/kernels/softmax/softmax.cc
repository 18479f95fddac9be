// The operation softmax_f32 of a plan.
#include "native/kernels/chunks.h"
#include "native/plan/op.h"

namespace lowbit {
namespace {

// With inner > 1 the rows are strided: up to this many of them are gathered into scratch, so that every line of memory
// that is read is used whole, as long as they fit in kGatherBytes.
constexpr int64_t kGatherRows = 16;
constexpr int64_t kGatherBytes = 128 * 1024;

int64_t gather_rows(const softmax_f32_fields& op) {
  const int64_t fit = kGatherBytes / (4 * static_cast<int64_t>(op.axis < 1 ? 1 : op.axis));
  const int64_t rows = fit < 1 ? 1 : fit > kGatherRows ? kGatherRows : fit;
  return rows < op.inner ? rows : op.inner;
}

}  // namespace

void check_softmax_f32(const softmax_f32_fields& op, PlanCheck& check) {
  const int64_t n = checked_product(op.outer, op.axis, op.inner);
  check.buffer(op.x, n, 4);
  check.buffer(op.y, n, 4);
}

size_t scratch_softmax_f32(const softmax_f32_fields& op, const Dispatch&) {
  if (op.inner <= 1) return 0;
  return static_cast<size_t>(gather_rows(op)) * static_cast<size_t>(op.axis) * sizeof(float);
}

Status run_softmax_f32(const softmax_f32_fields& op, const RunContext& run) {
  const float* x = run.buffer<float>(op.x);
  float* y = run.buffer<float>(op.y);
  const int64_t axis = op.axis, inner = op.inner;
  if (static_cast<int64_t>(op.outer) * axis * inner == 0) return Status::ok;
  // An exponential takes about as long as moving 32 bytes.
  if (inner == 1) {
    const Chunks rows = cut(op.outer, 32 * axis);
    auto body = [&](int64_t task, int) {
      const int64_t begin = rows.begin(task);
      run.kernels->softmax_f32(
          {x + begin * axis, y + begin * axis, rows.end(task, op.outer) - begin, axis, nullptr, 0, 1.0f});
    };
    run.parallel(rows.count, body);
    return Status::ok;
  }
  const int64_t group = gather_rows(op), groups = (inner + group - 1) / group;
  const Chunks chunks = cut(op.outer * groups, 32 * axis * group);
  auto body = [&](int64_t task, int worker) {
    float* rows = reinterpret_cast<float*>(run.scratch_of(worker));
    for (int64_t g = chunks.begin(task); g < chunks.end(task, op.outer * groups); g++) {
      const int64_t first = g % groups * group, count = inner - first < group ? inner - first : group;
      const int64_t base = g / groups * axis * inner + first;
      for (int64_t a = 0; a < axis; a++) {
        for (int64_t i = 0; i < count; i++) rows[i * axis + a] = x[base + a * inner + i];
      }
      run.kernels->softmax_f32({rows, rows, count, axis, nullptr, 0, 1.0f});
      for (int64_t a = 0; a < axis; a++) {
        for (int64_t i = 0; i < count; i++) y[base + a * inner + i] = rows[i * axis + a];
      }
    }
  };
  run.parallel(chunks.count, body);
  return Status::ok;
}

}  // namespace lowbit
