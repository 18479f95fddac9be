// Running a plan: addresses are bound once per run, instructions follow one another.
#include <cstring>

#include "native/base/flag.h"
#include "native/base/memory.h"
#include "native/plan/operations.h"
#include "native/plan/plan.h"

namespace lowbit {
namespace {

// Memory of a caller on a smaller multiple than this is copied, because kernels read floats and int32 in place.
constexpr uintptr_t kCallerAlignment = 4;

// What zero bytes point at: some callers have no address for an empty array.
alignas(kAlignment) uint8_t empty_memory[kAlignment];

// The flag of runs that cannot be cancelled.
const volatile int32_t never_cancelled = 0;

}  // namespace

void Plan::destroy(Run* run) {
  free_aligned(run->arena);
  free_aligned(run->scratch);
  free_aligned(run->buffers);
  free_aligned(run->staged);
  free_aligned(run->outputs);
  free_aligned(run);
}

// A run that is not in use, made when there is none; null without memory.
Run* Plan::idle_run() {
  const int limit = thread_limit();
  const int workers = threads_ > 0 && threads_ < limit ? threads_ : limit;
  Run* run;
  {
    Lock lock(mutex_);
    run = idle_;
    if (run != nullptr) idle_ = run->following;
  }
  if (run == nullptr) {
    run = static_cast<Run*>(allocate_aligned(sizeof(Run)));
    if (run == nullptr) return nullptr;
    memset(static_cast<void*>(run), 0, sizeof(Run));
    const size_t ports = static_cast<size_t>(input_count_) + static_cast<size_t>(output_count_);
    run->plan = this;
    run->arena = static_cast<uint8_t*>(allocate_lasting(static_cast<size_t>(arena_bytes_)));
    run->buffers = static_cast<void**>(allocate_aligned(static_cast<size_t>(buffer_count_) * sizeof(void*)));
    run->staged = static_cast<Slice*>(allocate_aligned(ports * sizeof(Slice)));
    run->outputs = static_cast<Slice*>(allocate_aligned(static_cast<size_t>(output_count_) * sizeof(Slice)));
    if (run->staged != nullptr) memset(static_cast<void*>(run->staged), 0, ports * sizeof(Slice));
  }
  if (run->workers < workers) {
    free_aligned(run->scratch);
    run->scratch = static_cast<uint8_t*>(allocate_aligned(scratch_step_ * static_cast<size_t>(workers)));
    run->workers = workers;
  }
  if (run->arena == nullptr || run->scratch == nullptr || run->buffers == nullptr || run->staged == nullptr ||
      run->outputs == nullptr) {
    destroy(run);
    return nullptr;
  }
  return run;
}

bool Plan::bind(Run* run, const SliceList& inputs, const SliceList& outputs) {
  const int32_t ports = input_count_ + output_count_;
  const auto caller = [&](int32_t port) -> const Slice& {
    return port < input_count_ ? inputs.slices[port] : outputs.slices[port - input_count_];
  };
  for (int32_t port = 0; port < ports; port++) {
    const Slice& slice = caller(port);
    if (port >= input_count_) run->outputs[port - input_count_] = slice;
    if (reinterpret_cast<uintptr_t>(slice.data) % kCallerAlignment == 0) continue;
    void* const copy = allocate_aligned(slice.bytes);
    if (copy == nullptr) return false;
    run->staged[port] = {copy, slice.bytes};
    memcpy(copy, slice.data, slice.bytes);
  }
  for (int32_t i = 0; i < buffer_count_; i++) {
    const PlanBuffer& buffer = buffers_[i];
    uint8_t* base = run->arena;
    if (buffer.space == kConstants) base = constants_;
    if (buffer.space == kInput || buffer.space == kOutput) {
      const int32_t port = buffer.index + (buffer.space == kInput ? 0 : input_count_);
      base = static_cast<uint8_t*>(run->staged[port].data != nullptr ? run->staged[port].data : caller(port).data);
    }
    run->buffers[i] = base == nullptr || buffer.bytes == 0 ? empty_memory : base + buffer.offset;
  }
  return true;
}

Status Plan::begin(const SliceList& inputs, const SliceList& outputs, Run** out, Detail* detail) {
  if (inputs.count != static_cast<size_t>(input_count_) || outputs.count != static_cast<size_t>(output_count_)) {
    return set_detail(detail, "the plan has another number of inputs or outputs"), Status::bad_argument;
  }
  for (int32_t port = 0; port < input_count_ + output_count_; port++) {
    const bool input = port < input_count_;
    const int32_t index = input ? port : port - input_count_;
    if ((input ? inputs : outputs).slices[index].bytes != port_bytes_[port]) {
      set_detail(detail, input ? "input " : "output ", "", index, " has another size than in the plan");
      return Status::bad_argument;
    }
  }
  Run* const run = idle_run();
  if (run == nullptr) return Status::out_of_memory;
  retain();
  run->next = 0;
  run->control = nullptr;
  if (!bind(run, inputs, outputs)) {
    end(run);
    return Status::out_of_memory;
  }
  *out = run;
  return Status::ok;
}

Status Plan::step(Run* run, int32_t instructions, int32_t* left, Detail* detail) {
  const Plan& plan = *run->plan;
  const ThreadCap cap(run->workers);
  const ParallelRun parallel;
  RunContext context;
  context.buffers = run->buffers;
  context.buffer_bytes = plan.buffer_bytes_;
  context.kernels = &plan.kernels_;
  context.scratch = run->scratch;
  context.scratch_step = plan.scratch_step_;
  context.cancel = run->control != nullptr ? run->control : &never_cancelled;
  for (; instructions > 0 && run->next < plan.instruction_count_; instructions--) {
    if (run->control != nullptr && load_flag(run->control) != 0) return Status::cancelled;
    const int32_t* const words = plan.instructions_[run->next];
    const Operation& operation = *operation_of(words[0]);
    Status status = operation.run(words + 2, context);
    if (take_lost_thread()) status = Status::thread_lost;
    if (status != Status::ok) {
      set_detail(detail, operation.name, " at instruction ", run->next);
      return status;
    }
    run->next++;
    if (run->control != nullptr) store_flag(run->control + 1, run->next);
  }
  // A cancelled parallel_for leaves its instruction half done, so the flag counts after the last one too.
  if (run->control != nullptr && load_flag(run->control) != 0) return Status::cancelled;
  *left = plan.instruction_count_ - run->next;
  return Status::ok;
}

void Plan::end(Run* run) {
  Plan* const plan = run->plan;
  for (int32_t port = 0; port < plan->input_count_ + plan->output_count_; port++) {
    Slice& staged = run->staged[port];
    if (staged.data == nullptr) continue;
    if (port >= plan->input_count_) memcpy(run->outputs[port - plan->input_count_].data, staged.data, staged.bytes);
    free_aligned(staged.data);
    staged = {nullptr, 0};
  }
  {
    Lock lock(plan->mutex_);
    run->following = plan->idle_;
    plan->idle_ = run;
  }
  plan->release();
}

}  // namespace lowbit
