// The plan functions of the C ABI: arguments are checked here, once.
#include <cstring>

#include "native/abi/abi.h"
#include "native/plan/plan.h"

namespace lowbit {
namespace {

// Longer than every name of isa.inc.
constexpr size_t kMaxName = 64;

bool valid(const Slice& slice) { return slice.data != nullptr || slice.bytes == 0; }

bool valid(const SliceList& list) {
  if (list.slices == nullptr && list.count != 0) return false;
  for (size_t i = 0; i < list.count; i++) {
    if (!valid(list.slices[i])) return false;
  }
  return true;
}

}  // namespace

bool text_of(const Slice& slice, char* text, size_t capacity) {
  if (!valid(slice) || slice.bytes >= capacity) return false;
  if (slice.bytes != 0) memcpy(text, slice.data, slice.bytes);
  text[slice.bytes] = '\0';
  return true;
}

void plan_retain(Plan* plan) { plan->retain(); }
void plan_release(Plan* plan) { plan->release(); }

Status lowbit_plan_create(plan_create_arguments* call) {
  char isa[kMaxName];
  call->plan = nullptr;
  if (!valid(call->words) || !valid(call->constants)) return Status::bad_argument;
  if (!text_of(call->isa, isa, sizeof isa)) return Status::unknown_isa;
  return Plan::create(call->words, call->constants, isa, &call->plan, &call->detail);
}

Status lowbit_plan_run(plan_run_arguments* call) {
  if (call->plan == nullptr) return Status::bad_handle;
  const bool controlled = call->control.bytes != 0;
  if (!valid(call->inputs) || !valid(call->outputs) || !valid(call->control)) return Status::bad_argument;
  if (controlled && call->control.bytes < 2 * sizeof(int32_t)) return Status::bad_argument;
  Run* run = nullptr;
  Status status = call->plan->begin(call->inputs, call->outputs, &run, &call->detail);
  if (status != Status::ok) return status;
  if (controlled) run->control = static_cast<volatile int32_t*>(call->control.data);
  int32_t left = 0;
  status = Plan::step(run, INT32_MAX, &left, &call->detail);
  Plan::end(run);
  return status;
}

Status lowbit_plan_destroy(plan_destroy_arguments* call) {
  if (call->plan == nullptr) return Status::bad_handle;
  call->plan->release();
  return Status::ok;
}

Status lowbit_run_begin(run_begin_arguments* call) {
  call->run = nullptr;
  if (call->plan == nullptr) return Status::bad_handle;
  if (!valid(call->inputs) || !valid(call->outputs)) return Status::bad_argument;
  return call->plan->begin(call->inputs, call->outputs, &call->run, &call->detail);
}

Status lowbit_run_step(run_step_arguments* call) {
  call->left = 0;
  if (call->run == nullptr) return Status::bad_handle;
  return Plan::step(call->run, call->instructions, &call->left, &call->detail);
}

Status lowbit_run_end(run_end_arguments* call) {
  if (call->run == nullptr) return Status::bad_handle;
  Plan::end(call->run);
  return Status::ok;
}

}  // namespace lowbit
