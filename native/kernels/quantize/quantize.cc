// The operations quantize and dynamic_quantize of a plan.
#include "native/kernels/chunks.h"
#include "native/kernels/quantize/geometry.h"
#include "native/plan/op.h"

namespace lowbit {
namespace {

using QuantizeKernel = void (*)(const QuantizeArgs&);

QuantizeKernel kernel_of(const Dispatch& kernels, int32_t format) {
  return format == kU8 ? kernels.quantize_f32_u8 : kernels.quantize_f32_i8;
}

struct RowParameters {
  float scale;
  int32_t zero_point;
};

// symmetric: scale = max|x| / 127, zero point 0. Otherwise DynamicQuantizeLinear: the range is widened to hold 0, scale
// = f32((hi - lo) / 255), zero point = sat(rint(0 - f32(lo / scale))). A range of nothing but zeros (or of no number at
// all) counts as a range of width 1: scale 1/255 (1/127), zero point 0, all codes 0. That is the ONNX reference
// implementation's rule; onnxruntime's scale is 1 there. Codes and products are the same under both, only the written
// scale is not, and the specification's own is the one to agree with.
RowParameters row_parameters(float lo, float hi, bool symmetric) {
  lo = lo < 0.0f ? lo : 0.0f;
  hi = hi > 0.0f ? hi : 0.0f;
  if (symmetric) {
    const float most = hi > -lo ? hi : -lo;
    return {(most == 0.0f ? 1.0f : most) / 127.0f, 0};
  }
  if (lo == 0.0f && hi == 0.0f) return {1.0f / 255.0f, 0};
  const float scale = (hi - lo) / 255.0f;
  float zero = 0.0f - lo / scale;
  zero = zero > 0.0f ? zero : 0.0f;
  zero = zero < 255.0f ? zero : 255.0f;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: the addition rounds to an integer, half to even
  return {scale, static_cast<int32_t>((zero + kRound) - kRound)};
}

}  // namespace

void check_quantize(const quantize_fields& op, PlanCheck& check) {
  check.that(op.format == kU8 || op.format == kI8);
  check_geometry(op, op.x, 4, op.codes, 1, check);
}

size_t scratch_quantize(const quantize_fields&, const Dispatch&) { return 0; }

Status run_quantize(const quantize_fields& op, const RunContext& run) {
  const QuantizeKernel kernel = kernel_of(*run.kernels, op.format);
  const float* x = run.buffer<float>(op.x);
  uint8_t* codes = run.buffer<uint8_t>(op.codes);
  const float* scale = run.buffer<float>(op.scale);
  const int32_t* zero = run.buffer<int32_t>(op.zero_point);
  const bool streams = streams_past_caches(op, 5);
  auto body = [&](const Piece& piece) {
    kernel({x + piece.offset, piece.stride, codes + piece.offset, piece.stride, piece.rows, piece.columns,
            scale + piece.parameter, zero == nullptr ? nullptr : zero + piece.parameter, piece.row_step,
            piece.column_step, streams});
  };
  for_each_piece(op, run, 5, body);
  return Status::ok;
}

void check_dynamic_quantize(const dynamic_quantize_fields& op, PlanCheck& check) {
  check.range(op.symmetric, 0, 1);
  check.that(op.format == (op.symmetric != 0 ? kI8 : kU8));
  const int64_t n = checked_product(op.rows, op.columns);
  check.buffer(op.x, n, 4);
  check.buffer(op.codes, n, 1);
  check.buffer(op.scale, op.rows, 4);
  check.buffer(op.zero_point, op.rows, 4);
}

size_t scratch_dynamic_quantize(const dynamic_quantize_fields&, const Dispatch&) { return 0; }

Status run_dynamic_quantize(const dynamic_quantize_fields& op, const RunContext& run) {
  const float* x = run.buffer<float>(op.x);
  uint8_t* codes = run.buffer<uint8_t>(op.codes);
  float* scale = run.buffer<float>(op.scale);
  int32_t* zero = run.buffer<int32_t>(op.zero_point);
  const int64_t columns = op.columns;
  const QuantizeKernel kernel = kernel_of(*run.kernels, op.format);
  const bool symmetric = op.symmetric != 0;

  if (op.rows != 1) {
    const Chunks rows = cut(op.rows, 5 * columns);
    auto body = [&](int64_t task, int) {
      for (int64_t r = rows.begin(task); r < rows.end(task, op.rows); r++) {
        float range[2];
        run.kernels->min_max_f32({x + r * columns, columns, range});
        const RowParameters made = row_parameters(range[0], range[1], symmetric);
        scale[r] = made.scale;
        zero[r] = made.zero_point;
        kernel({x + r * columns, columns, codes + r * columns, columns, 1, columns, scale + r, zero + r, 0, 0, false});
      }
    };
    run.parallel(rows.count, body);
    return Status::ok;
  }

  // One row: its pieces' ranges first, then its codes.
  const Chunks pieces = cut(columns, 5, 64);
  float ranges[2 * (kMostTasks + 1)];
  auto observe = [&](int64_t task, int) {
    const int64_t begin = pieces.begin(task);
    run.kernels->min_max_f32({x + begin, pieces.end(task, columns) - begin, ranges + 2 * task});
  };
  run.parallel(pieces.count, observe);
  if (*run.cancel != 0) return Status::cancelled;
  // The row's range holds 0 in any case, and a piece without a number (+inf, -inf) must not widen it.
  float lo = 0.0f, hi = 0.0f;
  for (int64_t t = 0; t < pieces.count; t++) {
    lo = ranges[2 * t] < lo ? ranges[2 * t] : lo;
    hi = ranges[2 * t + 1] > hi ? ranges[2 * t + 1] : hi;
  }
  const RowParameters made = row_parameters(lo, hi, symmetric);
  scale[0] = made.scale;
  zero[0] = made.zero_point;
  auto encode = [&](int64_t task, int) {
    const int64_t begin = pieces.begin(task), n = pieces.end(task, columns) - begin;
    kernel({x + begin, n, codes + begin, n, 1, n, scale, zero, 0, 0, false});
  };
  run.parallel(pieces.count, encode);
  return Status::ok;
}

}  // namespace lowbit
