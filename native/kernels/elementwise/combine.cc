// The operations combine and select of a plan: what small tensors need (masks, positions), without kernels of their
// own.
#include <cstring>

#include "native/kernels/chunks.h"
#include "native/kernels/elementwise/power.h"
#include "native/kernels/strided.h"
#include "native/plan/op.h"

namespace lowbit {
namespace {

enum CombineKind : int32_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kPower,
  kMaximum,
  kMinimum,
  kEqual,
  kLess,
  kLessOrEqual,
  kAnd,
  kOr,
  kExclusiveOr,
  kCombineKinds
};
constexpr int32_t kBool = 9;

int32_t bytes_of_element(int32_t format) {
  switch (format) {
    case kF32:
    case kI32:
      return 4;
    case kI64:
      return 8;
    case kU8:
    case kI8:
    case kBool:
      return 1;
    default:
      return 0;
  }
}

// An operand: elements of `bytes`, and a stride in elements per dimension.
struct View {
  const void* x;
  int32_t bytes;
  int32_t strides[4];
};

// n elements of a row: y[i] from operands[v][i * steps[v]]. One function per format and kind, and nothing else is made
// anew for each of them.
using Row = void (*)(const void* const* operands, const int64_t* steps, void* y, int64_t n);

// Rows of `kViews` operands over four dimensions; y is contiguous.
template <int kViews>
void for_each_row(const int32_t* dims4, const View (&views)[kViews], void* y_base, int32_t y_bytes, Row row_of,
                  const RunContext& run) {
  int64_t dims[6] = {}, strides[kViews][6] = {};
  for (int i = 0; i < 4; i++) {
    if (dims4[i] == 0) return;
    dims[i] = dims4[i];
    for (int v = 0; v < kViews; v++) strides[v][i] = views[v].strides[i];
  }
  const int rank = flatten_views<kViews>(4, dims, strides);
  const int64_t n = dims[rank - 1];
  int64_t rows = 1;
  for (int i = 0; i < rank - 1; i++) rows *= dims[i];
  int64_t steps[kViews];
  for (int v = 0; v < kViews; v++) steps[v] = strides[v][rank - 1];
  const Chunks pieces = cut(n, 16, 64);
  const Chunks groups = cut(rows * pieces.count, (n < pieces.step ? n : pieces.step) * 16);
  auto task = [&](int64_t t, int) {
    const int64_t first = groups.begin(t);
    Odometer<kViews> row(rank - 1, dims, strides, first / pieces.count);
    int64_t piece = first % pieces.count, y = first / pieces.count * n;
    for (int64_t unit = first; unit < groups.end(t, rows * pieces.count); unit++) {
      const int64_t begin = pieces.begin(piece);
      const void* operands[kViews];
      for (int v = 0; v < kViews; v++) {
        operands[v] = static_cast<const uint8_t*>(views[v].x) + (row.offset(v) + begin * steps[v]) * views[v].bytes;
      }
      row_of(operands, steps, static_cast<uint8_t*>(y_base) + (y + begin) * y_bytes, pieces.end(piece, n) - begin);
      if (++piece == pieces.count) {
        piece = 0;
        y += n;
        row.next();
      }
    }
  };
  run.parallel(groups.count, task);
}

// Integers wrap: they are computed as unsigned words of 64 bits.
template <typename T>
T whole(uint64_t v) {
  return static_cast<T>(v);
}

template <typename T, int kKind>
inline T result_of(T a, T b) {
  if constexpr (kKind == kMaximum) return a < b ? b : a;
  if constexpr (kKind == kMinimum) return b < a ? b : a;
  const uint64_t p = static_cast<uint64_t>(a), q = static_cast<uint64_t>(b);
  if constexpr (kKind == kAdd) return whole<T>(p + q);
  if constexpr (kKind == kSubtract) return whole<T>(p - q);
  if constexpr (kKind == kMultiply) return whole<T>(p * q);
  if constexpr (kKind == kDivide) {
    if (b == 0) return 0;
    return static_cast<T>(-1) < 0 && b == static_cast<T>(-1) ? whole<T>(0 - p) : static_cast<T>(a / b);
  }
  if constexpr (kKind == kPower) {
    // A negative exponent: 1 / a^-b cut towards 0.
    if (b < 0) return a == 1 ? 1 : a + 1 == 0 ? (b % 2 == 0 ? 1 : a) : 0;
    uint64_t power = 1, square = p;
    for (uint64_t left = q; left != 0; left >>= 1, square *= square) {
      if ((left & 1) != 0) power *= square;
    }
    return whole<T>(power);
  }
}

template <>
inline float result_of<float, kAdd>(float a, float b) {
  return a + b;
}
template <>
inline float result_of<float, kSubtract>(float a, float b) {
  return a - b;
}
template <>
inline float result_of<float, kMultiply>(float a, float b) {
  return a * b;
}
template <>
inline float result_of<float, kDivide>(float a, float b) {
  return a / b;
}
template <>
inline float result_of<float, kPower>(float a, float b) {
  return power_of(a, b);
}
// A NaN on either side is the result.
template <>
inline float result_of<float, kMaximum>(float a, float b) {
  return a != a || a > b ? a : b;
}
template <>
inline float result_of<float, kMinimum>(float a, float b) {
  return a != a || a < b ? a : b;
}

template <typename T, int kKind>
void combine_row(const void* const* operands, const int64_t* steps, void* y, int64_t n) {
  const T* p = static_cast<const T*>(operands[0]);
  const T* q = static_cast<const T*>(operands[1]);
  for (int64_t i = 0; i < n; i++) {
    const T v = p[i * steps[0]], w = q[i * steps[1]];
    if constexpr (kKind >= kEqual) {
      static_cast<uint8_t*>(y)[i] = kKind == kEqual         ? v == w
                                    : kKind == kLess        ? v < w
                                    : kKind == kLessOrEqual ? v <= w
                                    : kKind == kAnd         ? v != 0 && w != 0
                                    : kKind == kOr          ? v != 0 || w != 0
                                                            : (v != 0) != (w != 0);
    } else {
      static_cast<T*>(y)[i] = result_of<T, kKind>(v, w);
    }
  }
}

template <typename T, int kKind = 0>
Row combine_row_of(int32_t kind) {
  // Only bools, which are bytes, are combined by kAnd and behind.
  if constexpr (kKind == (sizeof(T) == 1 ? kCombineKinds : kAnd)) {
    return nullptr;
  } else {
    return kind == kKind ? combine_row<T, kKind> : combine_row_of<T, kKind + 1>(kind);
  }
}

Row combine_row_of_format(int32_t format, int32_t kind) {
  switch (format) {
    case kF32:
      return combine_row_of<float>(kind);
    case kI32:
      return combine_row_of<int32_t>(kind);
    case kI64:
      return combine_row_of<int64_t>(kind);
    case kI8:
      return combine_row_of<int8_t>(kind);
    default:
      return combine_row_of<uint8_t>(kind);
  }
}

template <typename T>
void select_row(const void* const* operands, const int64_t* steps, void* y, int64_t n) {
  const uint8_t* condition = static_cast<const uint8_t*>(operands[0]);
  const T* a = static_cast<const T*>(operands[1]);
  const T* b = static_cast<const T*>(operands[2]);
  for (int64_t i = 0; i < n; i++) {
    static_cast<T*>(y)[i] = condition[i * steps[0]] != 0 ? a[i * steps[1]] : b[i * steps[2]];
  }
}

Row select_row_of(int32_t bytes) {
  switch (bytes) {
    case 1:
      return select_row<uint8_t>;
    case 2:
      return select_row<uint16_t>;
    case 4:
      return select_row<uint32_t>;
    default:
      return select_row<uint64_t>;
  }
}

}  // namespace

void check_combine(const combine_fields& op, PlanCheck& check) {
  check.range(op.kind, 0, kCombineKinds - 1);
  const int32_t bytes = bytes_of_element(op.format);
  if (!check.that(bytes > 0 && (op.format == kBool || op.kind < kAnd))) return;
  check.that(op.format != kBool || op.kind >= kEqual);
  const int32_t dims[4] = {op.d0, op.d1, op.d2, op.d3};
  const int32_t a[4] = {op.a0, op.a1, op.a2, op.a3};
  const int32_t b[4] = {op.b0, op.b1, op.b2, op.b3};
  check.buffer(op.a, strided_extent(dims, a, 4), bytes);
  check.buffer(op.b, strided_extent(dims, b, 4), bytes);
  check.buffer(op.y, checked_product(op.d0, op.d1, op.d2, op.d3), op.kind >= kEqual ? 1 : bytes);
}

size_t scratch_combine(const combine_fields&, const Dispatch&) { return 0; }

Status run_combine(const combine_fields& op, const RunContext& run) {
  const int32_t dims[4] = {op.d0, op.d1, op.d2, op.d3};
  const int32_t bytes = bytes_of_element(op.format);
  const View views[2] = {{run.buffer<const void>(op.a), bytes, {op.a0, op.a1, op.a2, op.a3}},
                         {run.buffer<const void>(op.b), bytes, {op.b0, op.b1, op.b2, op.b3}}};
  const int32_t y_bytes = op.kind >= kEqual ? 1 : bytes;
  for_each_row<2>(dims, views, run.buffer<void>(op.y), y_bytes, combine_row_of_format(op.format, op.kind), run);
  return Status::ok;
}

void check_select(const select_fields& op, PlanCheck& check) {
  const int32_t bytes = op.element_bytes;
  if (!check.that(bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8)) return;
  const int32_t dims[4] = {op.d0, op.d1, op.d2, op.d3};
  const int32_t c[4] = {op.c0, op.c1, op.c2, op.c3};
  const int32_t a[4] = {op.a0, op.a1, op.a2, op.a3};
  const int32_t b[4] = {op.b0, op.b1, op.b2, op.b3};
  check.buffer(op.condition, strided_extent(dims, c, 4), 1);
  check.buffer(op.a, strided_extent(dims, a, 4), bytes);
  check.buffer(op.b, strided_extent(dims, b, 4), bytes);
  check.buffer(op.y, checked_product(op.d0, op.d1, op.d2, op.d3), bytes);
}

size_t scratch_select(const select_fields&, const Dispatch&) { return 0; }

Status run_select(const select_fields& op, const RunContext& run) {
  const int32_t dims[4] = {op.d0, op.d1, op.d2, op.d3};
  const int32_t bytes = op.element_bytes;
  const View views[3] = {{run.buffer<const void>(op.condition), 1, {op.c0, op.c1, op.c2, op.c3}},
                         {run.buffer<const void>(op.a), bytes, {op.a0, op.a1, op.a2, op.a3}},
                         {run.buffer<const void>(op.b), bytes, {op.b0, op.b1, op.b2, op.b3}}};
  for_each_row<3>(dims, views, run.buffer<void>(op.y), bytes, select_row_of(bytes), run);
  return Status::ok;
}

}  // namespace lowbit
