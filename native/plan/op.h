// What an operation of a plan is made of: its fields, and the three functions that its family folder defines.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/base/parallel.h"
#include "native/base/status.h"
#include "native/isa/dispatch.h"

namespace lowbit {

// One struct per row of kernels/ops.inc, made of the row's fields in order, each one 32-bit word: QuantizeFields, …
#define B(field) int32_t field;
#define I(field) int32_t field;
#define F(field) float field;
#define LOWBIT_OP(name, fields) \
  struct name##_fields {        \
    fields                      \
  };
#include "native/kernels/ops.inc"
#undef LOWBIT_OP
#undef B
#undef I
#undef F

enum class Opcode : int32_t {
#define LOWBIT_OP(name, fields) name,
#include "native/kernels/ops.inc"
#undef LOWBIT_OP
};

// Formats, as ONNX TensorProto.DataType numbers.
enum Format : int32_t { kF32 = 1, kU8 = 2, kI8 = 3, kI32 = 6, kI64 = 7, kF16 = 10, kBf16 = 16 };

// Collects what is wrong with an instruction when a plan is loaded. Every check returns false once any has failed.
class PlanCheck {
 public:
  PlanCheck(const uint64_t* buffer_bytes, int32_t buffers) : bytes_(buffer_bytes), buffers_(buffers) {}
  // The buffer exists and has room for count elements of element_bytes (the product is checked for overflow).
  bool buffer(int32_t index, int64_t count, int64_t element_bytes);
  // The same, or absent (-1).
  bool optional(int32_t index, int64_t count, int64_t element_bytes);
  bool that(bool condition);
  // lo <= value <= hi
  bool range(int64_t value, int64_t lo, int64_t hi) { return that(value >= lo && value <= hi); }
  bool ok() const { return ok_; }
  // Bytes of a buffer (0 when absent or out of the table).
  uint64_t bytes_of(int32_t index) const;

 private:
  const uint64_t* bytes_;
  int32_t buffers_;
  bool ok_ = true;
};

// a*b*c… of non-negative factors, or -1 when one is negative or the product leaves int64.
int64_t checked_product(int64_t a, int64_t b, int64_t c = 1, int64_t d = 1, int64_t e = 1, int64_t f = 1);

// What an operation sees while it runs.
struct RunContext {
  void* const* buffers;            // by index; constants are only read
  const uint64_t* buffer_bytes;    // by index: for what check_<op> could not see, such as packed headers in constants
  const Dispatch* kernels;         // the kernels of the chosen ISA
  uint8_t* scratch;                // 64-byte aligned; worker w owns [w * scratch_step, (w + 1) * scratch_step)
  size_t scratch_step;             // at least what the operation asked for
  const volatile int32_t* cancel;  // never null; non-zero: stop soon

  template <typename T>
  T* buffer(int32_t index) const {
    return index < 0 ? nullptr : static_cast<T*>(buffers[index]);
  }
  uint8_t* scratch_of(int worker) const { return scratch + static_cast<size_t>(worker) * scratch_step; }
  template <typename Body>
  void parallel(int64_t tasks, Body& body) const {
    parallel_for(tasks, body, cancel);
  }
};

// Defined in kernels/<family>/<family>.cc for every row of ops.inc:
//   check_<op>: everything that can be wrong with the fields, once, when the plan is loaded; run_<op> may rely on it.
//   scratch_<op>: bytes of scratch that one worker needs (0 for most).
//   run_<op>: does it; fails only for what cannot be seen before (a packed-weights header of a run's input).
#define LOWBIT_OP(name, fields)                                         \
  void check_##name(const name##_fields& fields_, PlanCheck& check);    \
  size_t scratch_##name(const name##_fields& fields_, const Dispatch&); \
  Status run_##name(const name##_fields& fields_, const RunContext& run);
#include "native/kernels/ops.inc"
#undef LOWBIT_OP

}  // namespace lowbit
