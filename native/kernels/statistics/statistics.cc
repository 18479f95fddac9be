// The operations min_max and min_max_channel of a plan.
#include "native/kernels/chunks.h"
#include "native/kernels/loop.h"
#include "native/plan/op.h"

namespace lowbit {

void check_min_max(const min_max_fields& op, PlanCheck& check) {
  check.buffer(op.x, op.n, 4);
  check.buffer(op.out, 2, 4);
}

size_t scratch_min_max(const min_max_fields&, const Dispatch&) { return 0; }

Status run_min_max(const min_max_fields& op, const RunContext& run) {
  const float* x = run.buffer<float>(op.x);
  const Chunks chunks = cut(op.n, 4, 64);
  float ranges[2 * (kMostTasks + 1)];
  auto body = [&](int64_t task, int) {
    const int64_t begin = chunks.begin(task);
    run.kernels->min_max_f32({x + begin, chunks.end(task, op.n) - begin, ranges + 2 * task});
  };
  run.parallel(chunks.count, body);
  if (*run.cancel != 0) return Status::cancelled;
  // The range of the ranges; pieces without a number (+inf, -inf) must not widen it.
  float out[2] = {kInfinity, -kInfinity};
  for (int64_t t = 0; t < chunks.count; t++) {
    out[0] = ranges[2 * t] < out[0] ? ranges[2 * t] : out[0];
    out[1] = ranges[2 * t + 1] > out[1] ? ranges[2 * t + 1] : out[1];
  }
  memcpy(run.buffer<float>(op.out), out, sizeof out);
  return Status::ok;
}

void check_min_max_channel(const min_max_channel_fields& op, PlanCheck& check) {
  check.buffer(op.x, checked_product(op.outer, op.axis, op.inner), 4);
  check.buffer(op.out, op.axis, 8);
}

// Channels that lie next to each other (inner = 1) are observed in stripes of this many, so that both rows of bounds
// stay in the first-level cache.
constexpr int64_t kStripe = 512;

size_t scratch_min_max_channel(const min_max_channel_fields& op, const Dispatch&) {
  return op.inner == 1 ? 2 * kStripe * sizeof(float) : 0;
}

Status run_min_max_channel(const min_max_channel_fields& op, const RunContext& run) {
  const float* x = run.buffer<float>(op.x);
  float* out = run.buffer<float>(op.out);
  // Nothing to see in empty rows, however many they are.
  const int64_t outer = op.inner == 0 ? 0 : op.outer, axis = op.axis, inner = op.inner;

  if (inner != 1) {
    const Chunks channels = cut(axis, outer * inner * 4);
    auto body = [&](int64_t task, int) {
      for (int64_t a = channels.begin(task); a < channels.end(task, axis); a++) {
        float lo = kInfinity, hi = -kInfinity;
        for (int64_t o = 0; o < outer; o++) {
          float range[2];
          run.kernels->min_max_f32({x + (o * axis + a) * inner, inner, range});
          lo = range[0] < lo ? range[0] : lo;
          hi = range[1] > hi ? range[1] : hi;
        }
        out[2 * a] = lo;
        out[2 * a + 1] = hi;
      }
    };
    run.parallel(channels.count, body);
    return Status::ok;
  }

  auto body = [&](int64_t task, int worker) {
    const int64_t begin = task * kStripe, n = least(kStripe, axis - begin);
    float* lo = reinterpret_cast<float*>(run.scratch_of(worker));
    float* hi = lo + kStripe;
    for (int64_t c = 0; c < n; c++) {
      lo[c] = kInfinity;
      hi[c] = -kInfinity;
    }
    for (int64_t o = 0; o < outer; o++) {
      const float* row = x + o * axis + begin;
      LOWBIT_INDEPENDENT
      for (int64_t c = 0; c < n; c++) {
        lo[c] = row[c] < lo[c] ? row[c] : lo[c];
        hi[c] = row[c] > hi[c] ? row[c] : hi[c];
      }
    }
    for (int64_t c = 0; c < n; c++) {
      out[2 * (begin + c)] = lo[c] + 0.0f;
      out[2 * (begin + c) + 1] = hi[c] + 0.0f;
    }
  };
  run.parallel((axis + kStripe - 1) / kStripe, body);
  return Status::ok;
}

}  // namespace lowbit
