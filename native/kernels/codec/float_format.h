// The float format in the fields of an instruction: its checks, and the struct that kernels take.
#pragma once

#include "native/kernels/codec/codec.h"
#include "native/plan/op.h"

namespace lowbit {

// Bits of a code; 0 for fields that describe no format.
template <typename Fields>
int32_t checked_float_bits(const Fields& op, PlanCheck& check) {
  check.range(op.exponent, 2, 8);
  check.range(op.mantissa, 1, 10);
  check.range(op.bias, 1, 127);
  check.range(op.negative_zero, 0, 1);
  if (!check.ok()) return 0;
  const int32_t bits = 1 + op.exponent + op.mantissa, codes = 1 << bits;
  check.range(bits, 4, 16);
  check.range(op.max, 1, codes / 2 - 1);
  check.range(op.infinity, -1, codes / 2 - 1);
  check.range(op.nan, 0, codes - 1);
  check.range(op.overflow, 0, codes - 1);
  // The largest exponent is one of float32.
  check.that((op.max >> op.mantissa) - op.bias <= 127);
  return check.ok() ? bits : 0;
}

template <typename Fields>
FloatFormat float_format_of(const Fields& op) {
  return {op.exponent, op.mantissa, op.bias, op.max, op.infinity, op.nan, op.overflow, op.negative_zero != 0};
}

}  // namespace lowbit
