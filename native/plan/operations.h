// The rows of ops.inc as a table of functions over untyped fields.
#pragma once

#include "native/plan/op.h"

namespace lowbit {

struct Operation {
  const char* name;
  int32_t field_count;
  void (*check)(const int32_t* fields, PlanCheck& check);
  size_t (*scratch)(const int32_t* fields, const Dispatch& kernels);
  Status (*run)(const int32_t* fields, const RunContext& run);
};

// The operation of that opcode, or null.
const Operation* operation_of(int32_t opcode);

}  // namespace lowbit
