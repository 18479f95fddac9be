// The operation attention_f32 of a plan: the heads are read where they lie, and the scores stay in the caches.
#include <cstring>
#include <limits>

#include "native/kernels/chunks.h"
#include "native/kernels/strided.h"
#include "native/plan/op.h"

namespace lowbit {
namespace {

constexpr int64_t kPanel = 16;
// Rows of scores that are made, normalized and used before the next: 16 KiB for 128 keys.
constexpr int64_t kQueryRows = 32;

int64_t panels_of(int64_t columns) { return (columns + kPanel - 1) / kPanel; }

// The scratch of a worker, in floats.
struct Places {
  int64_t keys, values, scores, mask, all;
};

Places places_of(const attention_f32_fields& op) {
  Places places;
  places.keys = 0;
  places.values = places.keys + panels_of(op.keys) * kPanel * op.depth;
  places.scores = places.values + panels_of(op.v_depth) * kPanel * op.keys;
  places.mask = places.scores + kQueryRows * op.keys;
  places.all = places.mask + kQueryRows * op.keys;
  return places;
}

// Panels of 16 columns of the rows x, [depth][16] each: column j of the matrix is row j of x.
void pack_turned(const Dispatch& kernels, const float* x, int64_t stride, int64_t rows, int64_t depth, float* to) {
  for (int64_t first = 0; first < rows; first += kPanel, to += depth * kPanel) {
    const int64_t count = rows - first < kPanel ? rows - first : kPanel;
    if (count < kPanel) memset(to, 0, static_cast<size_t>(depth * kPanel) * sizeof(float));
    kernels.transpose_32({reinterpret_cast<const uint32_t*>(x + first * stride), stride,
                          reinterpret_cast<uint32_t*>(to), kPanel, depth, count});
  }
}

// Panels of 16 columns of x, [rows][16] each.
void pack_rows(const float* x, int64_t stride, int64_t rows, int64_t columns, float* to) {
  for (int64_t first = 0; first < columns; first += kPanel, to += rows * kPanel) {
    const int64_t count = columns - first < kPanel ? columns - first : kPanel;
    if (count == kPanel) {
      for (int64_t r = 0; r < rows; r++) memcpy(to + r * kPanel, x + r * stride + first, kPanel * sizeof(float));
      continue;
    }
    memset(to, 0, static_cast<size_t>(rows * kPanel) * sizeof(float));
    for (int64_t r = 0; r < rows; r++) {
      memcpy(to + r * kPanel, x + r * stride + first, static_cast<size_t>(count) * sizeof(float));
    }
  }
}

struct Product {
  void (*kernel)(const GemmF32Args&);

  // c [rows, n] = a [rows, k] times the panels at b.
  void operator()(const float* a, int64_t a_stride, int64_t rows, int64_t k, const float* b, int64_t n, float* c,
                  int64_t c_stride) const {
    constexpr float kEnd = std::numeric_limits<float>::infinity();
    kernel({plain_float_rows(a, a_stride, rows, k), reinterpret_cast<const uint8_t*>(b),
            k * kPanel * static_cast<int64_t>(sizeof(float)), n, c, c_stride, false, true, nullptr, -kEnd, kEnd});
  }
};

}  // namespace

void check_attention_f32(const attention_f32_fields& op, PlanCheck& check) {
  const int32_t sizes[6] = {op.batch, op.heads, op.queries, op.keys, op.depth, op.v_depth};
  for (int32_t size : sizes) check.range(size, 1, INT32_MAX);
  check.range(op.exact, 0, 1);
  if (!check.ok()) return;
  check.buffer(op.q, checked_product(op.batch, op.queries, op.heads, op.depth), 4);
  check.buffer(op.k, checked_product(op.batch, op.keys, op.heads, op.depth), 4);
  check.buffer(op.v, checked_product(op.batch, op.keys, op.heads, op.v_depth), 4);
  check.buffer(op.y, checked_product(op.batch, op.queries, op.heads, op.v_depth), 4);
  const int32_t dims[4] = {op.batch, op.heads, op.queries, op.keys};
  const int32_t strides[4] = {op.m0, op.m1, op.m2, op.m3};
  check.optional(op.mask, strided_extent(dims, strides, 4), 4);
  // The scratch of a worker must be a size that can exist.
  check.that(checked_product(int64_t{op.keys} + kPanel, int64_t{op.depth} + op.v_depth + 2 * kQueryRows + 2 * kPanel,
                             sizeof(float)) >= 0);
}

size_t scratch_attention_f32(const attention_f32_fields& op, const Dispatch&) {
  return static_cast<size_t>(places_of(op).all) * sizeof(float);
}

Status run_attention_f32(const attention_f32_fields& op, const RunContext& run) {
  const float* q = run.buffer<float>(op.q);
  const float* k = run.buffer<float>(op.k);
  const float* v = run.buffer<float>(op.v);
  const float* mask = run.buffer<float>(op.mask);
  float* y = run.buffer<float>(op.y);
  const int64_t heads = op.heads, queries = op.queries, keys = op.keys, depth = op.depth, v_depth = op.v_depth;
  const int64_t row = heads * depth, v_row = heads * v_depth;
  const Places places = places_of(op);
  const Product product{op.exact != 0 ? run.kernels->gemm_unfused_f32 : run.kernels->gemm_f32};
  auto body = [&](int64_t task, int worker) {
    const int64_t b = task / heads, h = task % heads;
    float* scratch = reinterpret_cast<float*>(run.scratch_of(worker));
    float* scores = scratch + places.scores;
    float* shifts = scratch + places.mask;
    pack_turned(*run.kernels, k + b * keys * row + h * depth, row, keys, depth, scratch + places.keys);
    pack_rows(v + b * keys * v_row + h * v_depth, v_row, keys, v_depth, scratch + places.values);
    const float* own = mask == nullptr ? nullptr : mask + b * op.m0 + h * op.m1;
    if (own == nullptr) memset(shifts, 0, static_cast<size_t>(keys) * sizeof(float));
    for (int64_t first = 0; first < queries; first += kQueryRows) {
      const int64_t rows = queries - first < kQueryRows ? queries - first : kQueryRows;
      product(q + (b * queries + first) * row + h * depth, row, rows, depth, scratch + places.keys, keys, scores, keys);
      SoftmaxArgs softmax{scores, scores, rows, keys, shifts, 0, op.scale};
      if (own != nullptr && op.m3 == 1) {
        softmax.mask = own + first * op.m2;
        softmax.mask_stride = op.m2;
      } else if (own != nullptr) {
        for (int64_t r = 0; r < rows; r++) {
          for (int64_t c = 0; c < keys; c++) shifts[r * keys + c] = own[(first + r) * op.m2 + c * op.m3];
        }
        softmax.mask_stride = keys;
      }
      run.kernels->softmax_f32(softmax);
      product(scores, keys, rows, keys, scratch + places.values, v_depth,
              y + (b * queries + first) * v_row + h * v_depth, v_row);
    }
  };
  run.parallel(op.batch * heads, body);
  return Status::ok;
}

}  // namespace lowbit
