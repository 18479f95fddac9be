// Visitors over the arguments of a call: reading them from JavaScript, keeping them for later, and giving results back.
#pragma once

#include <napi.h>

#include <cstdint>

#include "native/abi/abi.h"

namespace lowbit {

// Calls one method of the visitor per argument of the row, in order.
#define IN_INT(name) visitor.in_int(arguments.name);
#define IN_BYTES(name) visitor.in_bytes(arguments.name);
#define IN_LIST(name) visitor.in_list(arguments.name);
#define OUT_LIST(name) visitor.out_list(arguments.name);
#define CONTROL(name) visitor.control(arguments.name);
#define PLAN(name) visitor.plan(arguments.name);
#define RUN(name) visitor.run(arguments.name);
#define END_PLAN(name) visitor.end_plan(arguments.name);
#define END_RUN(name) visitor.run(arguments.name);
#define OUT_INT(name) visitor.out_int(arguments.name);
#define OUT_BYTES(name) visitor.out_bytes(arguments.name);
#define OUT_PLAN(name) visitor.out_plan(arguments.name);
#define OUT_RUN(name) visitor.run(arguments.name);
#define LOWBIT_FUNCTION(name, mode, fields, sentence)         \
  template <typename Visitor>                                 \
  void visit(name##_arguments& arguments, Visitor& visitor) { \
    fields                                                    \
  }
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

// The memory of a typed array or DataView over an ArrayBuffer or SharedArrayBuffer; false for anything else.
bool slice_of(napi_env env, napi_value value, Slice* slice);

void set_argument_detail(Detail* detail, int argument);

// What a plan's external points at; empty once the plan was destroyed. Freed with the external.
struct PlanBox {
  Plan* plan;
};

// Fills the arguments from JavaScript. Lists point into memory of the reader, so it must outlive the call.
class Reader {
 public:
  explicit Reader(const Napi::CallbackInfo& info) : info_(info) {}
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void in_int(int32_t& value);
  void in_bytes(Slice& slice);
  void in_list(SliceList& list);
  void out_list(SliceList& list) { in_list(list); }
  void control(Slice& slice);
  void plan(Plan*& plan);
  void end_plan(Plan*& plan);
  void run(Run*&) {}
  void out_int(int32_t&) {}
  void out_bytes(Slice&) {}
  void out_plan(Plan*&) {}

  // The first argument that has the wrong type, or -1.
  int failed_argument() const { return failed_; }
  // After a call that succeeded: handles that it ended are empty from now on.
  void spend_handles() {
    if (spent_ != nullptr) spent_->plan = nullptr;
  }

 private:
  // No row has more lists than this.
  static constexpr int kMaxLists = 4;

  napi_value next() { return info_[at_++]; }
  void fail() {
    if (failed_ < 0) failed_ = at_ - 1;
  }

  const Napi::CallbackInfo& info_;
  int at_ = 0;
  int failed_ = -1;
  PlanBox* spent_ = nullptr;
  Slice* lists_[kMaxLists] = {};
  int list_count_ = 0;
};

// Replaces the caller's memory in arguments that a Reader has filled by memory that stays until let_go().
class Keeper {
 public:
  void begin(const Napi::CallbackInfo& info) { info_ = &info; }

  void in_int(int32_t&) { at_++; }
  void in_bytes(Slice& slice);
  void in_list(SliceList& list);
  void out_list(SliceList& list);
  void control(Slice& slice);
  void plan(Plan*& plan);
  void end_plan(Plan*&) { failed_ = true; }  // A background call cannot spend a handle.
  void run(Run*&) { failed_ = true; }
  void out_int(int32_t&) {}
  void out_bytes(Slice&) {}
  void out_plan(Plan*&) {}

  bool failed() const { return failed_; }
  // On the JavaScript thread: copies what was written to the caller's views; false when one is gone or has another
  // size.
  bool deliver(napi_env env);
  void let_go(napi_env env);

 private:
  // No row keeps more than this.
  static constexpr int kMaxBlocks = 16;

  Slice* copy_list(const SliceList& list, bool contents);
  void* keep(void* block);
  napi_value next() { return (*info_)[at_++]; }

  const Napi::CallbackInfo* info_ = nullptr;
  int at_ = 0;
  bool failed_ = false;
  void* blocks_[kMaxBlocks] = {};
  int block_count_ = 0;
  SliceList written_ = {nullptr, 0};
  napi_ref written_views_ = nullptr;
  napi_ref control_ = nullptr;
  Plan* plan_ = nullptr;
};

// Collects the results of a call in an array. Plain N-API, whose failures are ignored: they mean that the environment
// is being torn down, when nobody will see the array, and the C++ wrappers would end the process.
class Results {
 public:
  explicit Results(napi_env env) : env_(env) { napi_create_array(env, &array_); }

  void number(int32_t value);
  void text(const char* value);
  void in_int(int32_t&) {}
  void in_bytes(Slice&) {}
  void in_list(SliceList&) {}
  void out_list(SliceList&) {}
  void control(Slice&) {}
  void plan(Plan*&) {}
  void end_plan(Plan*&) {}
  void run(Run*&) {}
  void out_int(int32_t& value) { number(value); }
  void out_bytes(Slice& slice);
  void out_plan(Plan*& plan);

  napi_value array() { return array_; }

 private:
  void add(napi_value value) {
    if (value != nullptr) napi_set_element(env_, array_, count_, value);
    count_++;
  }

  napi_env env_;
  napi_value array_ = nullptr;
  uint32_t count_ = 0;
};

}  // namespace lowbit
