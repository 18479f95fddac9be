// The C ABI: one struct of arguments per row of abi.inc, one exported function `lowbit_<name>` per row.
#pragma once

#include <cstddef>
#include <cstdint>

#include "native/base/status.h"

#if defined(_WIN32)
#define LOWBIT_EXPORT extern "C" __declspec(dllexport)
#else
#define LOWBIT_EXPORT extern "C" __attribute__((visibility("default")))
#endif

namespace lowbit {

class Plan;
struct Run;

// Bytes that somebody else owns.
struct Slice {
  void* data;
  size_t bytes;
};

// Several of them.
struct SliceList {
  const Slice* slices;
  size_t count;
};

// A sentence about what went wrong, cut to fit.
struct Detail {
  char text[200];
};

// The argument kinds of abi.inc as C types. On wasm32 each is one or two 32-bit words, in the order of the row; a
// Detail follows the last argument.
#define IN_INT(name) int32_t name;
#define IN_BYTES(name) Slice name;
#define IN_LIST(name) SliceList name;
#define OUT_LIST(name) SliceList name;
#define CONTROL(name) Slice name;
#define PLAN(name) Plan* name;
#define RUN(name) Run* name;
#define END_PLAN(name) Plan* name;
#define END_RUN(name) Run* name;
#define OUT_INT(name) int32_t name;
#define OUT_BYTES(name) Slice name;
#define OUT_PLAN(name) Plan* name;
#define OUT_RUN(name) Run* name;
#define LOWBIT_FUNCTION(name, mode, arguments, sentence) \
  struct name##_arguments {                              \
    arguments Detail detail;                             \
  };                                                     \
  LOWBIT_EXPORT Status lowbit_##name(name##_arguments* call);
#include "native/abi/abi.inc"
#undef LOWBIT_FUNCTION
#undef IN_INT
#undef IN_BYTES
#undef IN_LIST
#undef OUT_LIST
#undef CONTROL
#undef PLAN
#undef RUN
#undef END_PLAN
#undef END_RUN
#undef OUT_INT
#undef OUT_BYTES
#undef OUT_PLAN
#undef OUT_RUN

// Keeps a plan while a call that was started elsewhere still needs it; plan_release and plan_destroy give a hold back.
void plan_retain(Plan* plan);
void plan_release(Plan* plan);

// The bytes as a string with a terminator; false when they do not fit.
bool text_of(const Slice& slice, char* text, size_t capacity);

}  // namespace lowbit
