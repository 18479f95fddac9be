// The operations binary_f32, binary_i8, clamp_f32 and lookup_8 of a plan.
#include "native/kernels/chunks.h"
#include "native/kernels/strided.h"
#include "native/plan/op.h"

namespace lowbit {
namespace {

template <typename Fields>
void check_operands(const Fields& op, int32_t bytes, PlanCheck& check) {
  const int32_t dims[4] = {op.d0, op.d1, op.d2, op.d3};
  const int32_t a[4] = {op.a0, op.a1, op.a2, op.a3};
  const int32_t b[4] = {op.b0, op.b1, op.b2, op.b3};
  check.buffer(op.a, strided_extent(dims, a, 4), bytes);
  check.buffer(op.b, strided_extent(dims, b, 4), bytes);
  check.buffer(op.y, checked_product(op.d0, op.d1, op.d2, op.d3), bytes);
}

// Calls body(a_offset, b_offset, y_offset, n, a_step, b_step), offsets in elements, for runs of elements that cover the
// output, spread over the threads. Runs are as long as broadcasting allows.
template <typename Fields, typename Body>
void for_each_run(const Fields& op, const RunContext& run, int64_t element_bytes, Body& body) {
  int64_t dims[6] = {op.d0, op.d1, op.d2, op.d3};
  int64_t strides[2][6] = {{op.a0, op.a1, op.a2, op.a3}, {op.b0, op.b1, op.b2, op.b3}};
  if (dims[0] * dims[1] * dims[2] * dims[3] == 0) return;
  int rank = flatten_views<2>(4, dims, strides);
  // A last stride that no kernel takes becomes an outer dimension of runs of one.
  if (strides[0][rank - 1] > 1 || strides[1][rank - 1] > 1) {
    dims[rank] = 1;
    strides[0][rank] = strides[1][rank] = 1;
    rank++;
  }
  const int64_t n = dims[rank - 1], a_step = strides[0][rank - 1], b_step = strides[1][rank - 1];
  int64_t rows = 1;
  for (int i = 0; i < rank - 1; i++) rows *= dims[i];
  // Long rows are cut into pieces, short ones are put together.
  const Chunks pieces = cut(n, element_bytes, 64);
  const Chunks groups = cut(rows * pieces.count, (n < pieces.step ? n : pieces.step) * element_bytes);
  auto task = [&](int64_t t, int) {
    const int64_t first = groups.begin(t);
    Odometer<2> row(rank - 1, dims, strides, first / pieces.count);
    int64_t piece = first % pieces.count, y = first / pieces.count * n;
    for (int64_t unit = first; unit < groups.end(t, rows * pieces.count); unit++) {
      const int64_t begin = pieces.begin(piece);
      body(row.offset(0) + begin * a_step, row.offset(1) + begin * b_step, y + begin, pieces.end(piece, n) - begin,
           a_step, b_step);
      if (++piece == pieces.count) {
        piece = 0;
        y += n;
        row.next();
      }
    }
  };
  run.parallel(groups.count, task);
}

}  // namespace

void check_binary_f32(const binary_f32_fields& op, PlanCheck& check) {
  check.range(op.kind, 0, 3);
  check_operands(op, 4, check);
}

size_t scratch_binary_f32(const binary_f32_fields&, const Dispatch&) { return 0; }

Status run_binary_f32(const binary_f32_fields& op, const RunContext& run) {
  const float* a = run.buffer<float>(op.a);
  const float* b = run.buffer<float>(op.b);
  float* y = run.buffer<float>(op.y);
  auto body = [&](int64_t ai, int64_t bi, int64_t yi, int64_t n, int64_t a_step, int64_t b_step) {
    run.kernels->binary_f32({a + ai, b + bi, y + yi, n, a_step, b_step, op.kind, op.lo, op.hi});
  };
  for_each_run(op, run, 12, body);
  return Status::ok;
}

void check_binary_i8(const binary_i8_fields& op, PlanCheck& check) {
  check.that(op.kind == 0 || op.kind == 2);
  check_operands(op, 1, check);
  const int32_t formats[3] = {op.a_format, op.b_format, op.y_format};
  const int32_t zeros[3] = {op.a_zero, op.b_zero, op.y_zero};
  for (int i = 0; i < 3; i++) {
    check.that(formats[i] == kU8 || formats[i] == kI8);
    check.range(zeros[i], formats[i] == kI8 ? -128 : 0, formats[i] == kI8 ? 127 : 255);
  }
  check.range(op.qlo, op.y_format == kI8 ? -128 : 0, op.qhi);
  check.range(op.qhi, op.qlo, op.y_format == kI8 ? 127 : 255);
}

size_t scratch_binary_i8(const binary_i8_fields&, const Dispatch&) { return 0; }

Status run_binary_i8(const binary_i8_fields& op, const RunContext& run) {
  const uint8_t* a = run.buffer<uint8_t>(op.a);
  const uint8_t* b = run.buffer<uint8_t>(op.b);
  uint8_t* y = run.buffer<uint8_t>(op.y);
  auto body = [&](int64_t ai, int64_t bi, int64_t yi, int64_t n, int64_t a_step, int64_t b_step) {
    run.kernels->binary_i8({a + ai, b + bi, y + yi, n, a_step, b_step, op.kind, op.a_format == kI8, op.b_format == kI8,
                            op.y_format == kI8, op.a_zero, op.b_zero, op.y_zero, op.a_ratio, op.b_ratio, op.qlo,
                            op.qhi});
  };
  for_each_run(op, run, 6, body);
  return Status::ok;
}

void check_clamp_f32(const clamp_f32_fields& op, PlanCheck& check) {
  check.buffer(op.x, op.n, 4);
  check.buffer(op.y, op.n, 4);
}

size_t scratch_clamp_f32(const clamp_f32_fields&, const Dispatch&) { return 0; }

Status run_clamp_f32(const clamp_f32_fields& op, const RunContext& run) {
  const float* x = run.buffer<float>(op.x);
  float* y = run.buffer<float>(op.y);
  const Chunks chunks = cut(op.n, 8, 64);
  auto body = [&](int64_t task, int) {
    const int64_t begin = chunks.begin(task);
    run.kernels->clamp_f32({x + begin, y + begin, chunks.end(task, op.n) - begin, op.lo, op.hi});
  };
  run.parallel(chunks.count, body);
  return Status::ok;
}

void check_lookup_8(const lookup_8_fields& op, PlanCheck& check) {
  check.buffer(op.x, op.n, 1);
  check.buffer(op.table, 256, 1);
  check.buffer(op.y, op.n, 1);
}

size_t scratch_lookup_8(const lookup_8_fields&, const Dispatch&) { return 0; }

Status run_lookup_8(const lookup_8_fields& op, const RunContext& run) {
  const uint8_t* x = run.buffer<uint8_t>(op.x);
  const uint8_t* table = run.buffer<uint8_t>(op.table);
  uint8_t* y = run.buffer<uint8_t>(op.y);
  const Chunks chunks = cut(op.n, 4, 64);
  auto body = [&](int64_t task, int) {
    const int64_t begin = chunks.begin(task);
    run.kernels->lookup_8({x + begin, table, y + begin, chunks.end(task, op.n) - begin});
  };
  run.parallel(chunks.count, body);
  return Status::ok;
}

}  // namespace lowbit
