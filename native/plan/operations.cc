// The table of operations: words become the struct of their row.
#include "native/plan/operations.h"

#include <cstring>

namespace lowbit {
namespace {

template <typename Fields>
Fields fields_of(const int32_t* words) {
  static_assert(sizeof(Fields) % sizeof(int32_t) == 0, "a field is one word");
  Fields fields;
  memcpy(&fields, words, sizeof fields);
  return fields;
}

constexpr Operation kOperations[] = {
#define LOWBIT_OP(name, fields)                                                                          \
  {#name, static_cast<int32_t>(sizeof(name##_fields) / sizeof(int32_t)),                                 \
   [](const int32_t* words, PlanCheck& check) { check_##name(fields_of<name##_fields>(words), check); }, \
   [](const int32_t* words, const Dispatch& kernels) {                                                   \
     return scratch_##name(fields_of<name##_fields>(words), kernels);                                    \
   },                                                                                                    \
   [](const int32_t* words, const RunContext& run) { return run_##name(fields_of<name##_fields>(words), run); }},
#include "native/kernels/ops.inc"
#undef LOWBIT_OP
};

}  // namespace

const Operation* operation_of(int32_t opcode) {
  constexpr int32_t kCount = static_cast<int32_t>(sizeof kOperations / sizeof kOperations[0]);
  return opcode < 0 || opcode >= kCount ? nullptr : &kOperations[opcode];
}

}  // namespace lowbit
