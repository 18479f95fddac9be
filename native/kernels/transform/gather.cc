// The operations gather and cast of a plan.
#include <cstring>

#include "native/kernels/chunks.h"
#include "native/plan/op.h"

namespace lowbit {
namespace {

constexpr int32_t kBool = 9;

int64_t index_at(const gather_fields& op, const uint8_t* indices, int64_t i) {
  if (op.format == kI32) {
    int32_t index;
    memcpy(&index, indices + 4 * i, sizeof index);
    return index;
  }
  int64_t index;
  memcpy(&index, indices + 8 * i, sizeof index);
  return index;
}

template <size_t kBytes>
void copy_pieces(const uint8_t* x, const uint8_t* indices, uint8_t* y, int64_t begin, int64_t end,
                 const gather_fields& op) {
  for (int64_t i = begin; i < end; i++) {
    const int64_t index = index_at(op, indices, i);
    const uint8_t* from = x + (index < 0 ? index + op.axis : index) * op.inner_bytes;
    memcpy(y + i * op.inner_bytes, from, kBytes == 0 ? static_cast<size_t>(op.inner_bytes) : kBytes);
  }
}

int32_t bytes_of_element(int32_t format) {
  return format == kI64 ? 8 : format == kF32 || format == kI32 ? 4 : format == kU8 || format == kI8 || format == kBool;
}

// Cut towards 0, held in the range of T; the ends are exact floats or the next ones inside.
template <typename T>
T whole_of(float v) {
  constexpr bool kSigned = static_cast<T>(-1) < 0;
  constexpr int kBits = static_cast<int>(sizeof(T)) * 8 - (kSigned ? 1 : 0);
  const float end = static_cast<float>(uint64_t{1} << (kBits - 1)) * 2.0f;
  constexpr T kMost = static_cast<T>((uint64_t{1} << (kBits - 1)) - 1 + (uint64_t{1} << (kBits - 1)));
  if (v != v) return 0;
  if (v >= end) return kMost;
  if (kSigned ? v < -end : v <= -1.0f) return kSigned ? static_cast<T>(-kMost - 1) : 0;
  return static_cast<T>(v);
}

template <typename From, typename To>
void cast_run(const cast_fields& op, const RunContext& run) {
  const From* x = run.buffer<From>(op.x);
  To* y = run.buffer<To>(op.y);
  const Chunks chunks = cut(op.n, 16, 64);
  const bool boolean = op.to == kBool;
  auto body = [&](int64_t task, int) {
    for (int64_t i = chunks.begin(task); i < chunks.end(task, op.n); i++) {
      if (boolean) {
        y[i] = x[i] != 0;
      } else if constexpr (static_cast<From>(0.5) != 0 && static_cast<To>(0.5) == 0) {
        y[i] = whole_of<To>(x[i]);
      } else {
        y[i] = static_cast<To>(x[i]);
      }
    }
  };
  run.parallel(chunks.count, body);
}

template <typename From>
void cast_from(const cast_fields& op, const RunContext& run) {
  switch (op.to) {
    case kF32:
      return cast_run<From, float>(op, run);
    case kI32:
      return cast_run<From, int32_t>(op, run);
    case kI64:
      return cast_run<From, int64_t>(op, run);
    case kI8:
      return cast_run<From, int8_t>(op, run);
    default:
      return cast_run<From, uint8_t>(op, run);
  }
}

}  // namespace

void check_gather(const gather_fields& op, PlanCheck& check) {
  check.that(op.format == kI32 || op.format == kI64);
  check.buffer(op.x, checked_product(op.outer, op.axis, op.inner_bytes), 1);
  check.buffer(op.indices, op.count, op.format == kI32 ? 4 : 8);
  check.buffer(op.y, checked_product(op.outer, op.count, op.inner_bytes), 1);
}

size_t scratch_gather(const gather_fields&, const Dispatch&) { return 0; }

Status run_gather(const gather_fields& op, const RunContext& run) {
  const uint8_t* x = run.buffer<uint8_t>(op.x);
  const uint8_t* indices = run.buffer<uint8_t>(op.indices);
  uint8_t* y = run.buffer<uint8_t>(op.y);
  for (int64_t i = 0; i < op.count; i++) {
    const int64_t index = index_at(op, indices, i);
    if (index < -static_cast<int64_t>(op.axis) || index >= op.axis) return Status::bad_index;
  }
  const int64_t inner = op.inner_bytes, all = static_cast<int64_t>(op.outer) * op.count;
  const Chunks chunks = cut(all, 2 * inner + 8);
  auto body = [&](int64_t task, int) {
    for (int64_t at = chunks.begin(task), end = chunks.end(task, all); at < end;) {
      const int64_t outer = at / op.count, first = at % op.count;
      const int64_t last = op.count - first < end - at ? op.count : first + end - at;
      const uint8_t* from = x + outer * op.axis * inner;
      uint8_t* to = y + outer * op.count * inner;
      const auto copy = inner == 1   ? copy_pieces<1>
                        : inner == 4 ? copy_pieces<4>
                        : inner == 8 ? copy_pieces<8>
                                     : copy_pieces<0>;
      copy(from, indices, to, first, last, op);
      at += last - first;
    }
  };
  run.parallel(chunks.count, body);
  return Status::ok;
}

void check_cast(const cast_fields& op, PlanCheck& check) {
  const int32_t from = bytes_of_element(op.from), to = bytes_of_element(op.to);
  if (!check.that(from > 0 && to > 0)) return;
  check.buffer(op.x, op.n, from);
  check.buffer(op.y, op.n, to);
}

size_t scratch_cast(const cast_fields&, const Dispatch&) { return 0; }

Status run_cast(const cast_fields& op, const RunContext& run) {
  switch (op.from) {
    case kF32:
      cast_from<float>(op, run);
      break;
    case kI32:
      cast_from<int32_t>(op, run);
      break;
    case kI64:
      cast_from<int64_t>(op, run);
      break;
    case kI8:
      cast_from<int8_t>(op, run);
      break;
    default:
      cast_from<uint8_t>(op, run);
  }
  return Status::ok;
}

}  // namespace lowbit
