// What the operations that end in an epilogue check alike.
#pragma once

#include "native/plan/op.h"

namespace lowbit {

// The fields multiplier, multiplier_step, offset, bias, y, y_format, y_zero_point, qlo, qhi, lo and hi of an operation
// that writes `outputs` elements, each in one of `columns` columns.
template <typename Fields>
void check_epilogue(const Fields& f, int64_t columns, int64_t outputs, PlanCheck& check) {
  check.range(f.multiplier_step, 0, 1);
  check.that(f.y_format == kU8 || f.y_format == kI8 || f.y_format == kF32 || f.y_format == kI32);
  if (f.y_format == kU8 || f.y_format == kI8) {
    const int64_t lowest = f.y_format == kU8 ? 0 : -128;
    check.range(f.y_zero_point, lowest, lowest + 255);
    check.range(f.qlo, lowest, lowest + 255);
    check.range(f.qhi, f.qlo, lowest + 255);
  }
  if (f.y_format == kF32) check.that(f.lo <= f.hi);
  check.optional(f.offset, columns, 4);
  const int64_t multipliers = f.multiplier_step == 0 ? 1 : columns;
  if (f.y_format == kI32) {
    check.optional(f.multiplier, multipliers, 4);
  } else {
    check.buffer(f.multiplier, multipliers, 4);
  }
  check.optional(f.bias, columns, 4);
  check.buffer(f.y, outputs, f.y_format == kF32 || f.y_format == kI32 ? 4 : 1);
}

}  // namespace lowbit
