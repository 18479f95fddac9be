// A loaded plan, and its runs.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "native/abi/abi.h"
#include "native/base/mutex.h"
#include "native/isa/dispatch.h"
#include "native/plan/op.h"

namespace lowbit {

// The words of a plan, little-endian int32:
//   0 magic  1 version  2 buffers  3 instructions  4 inputs  5 outputs  6, 7 arena bytes low, high
//   8 the most threads that a run may use, 0 = as many as the process
//   then 6 per buffer: space, index of the input or output, offset low, high, bytes low, high
//   then per instruction: opcode, number of fields, the fields
constexpr int32_t kPlanMagic = 0x4C42504C;  // "LPBL" in memory
constexpr int32_t kPlanVersion = 2;
constexpr size_t kHeaderWords = 9;
constexpr size_t kBufferWords = 6;
enum Space : int32_t { kArena = 0, kConstants = 1, kInput = 2, kOutput = 3 };

struct PlanBuffer {
  int32_t space, index;
  uint64_t offset, bytes;
};

// What one run needs and the next can have: the arena, the workers' scratch, and the table of addresses.
struct Run {
  Plan* plan;
  uint8_t* arena;
  uint8_t* scratch;
  int workers;     // that the scratch is for
  void** buffers;  // one address per buffer of the plan
  Slice* staged;   // per input and output: an aligned copy where the caller's memory is not, else {null, 0}
  Slice* outputs;  // the caller's memory of each output
  int32_t next;    // instruction
  volatile int32_t* control;
  Run* following;  // in the plan's list of idle runs
};

// Immutable after create(), apart from the list of idle runs; any number of threads may run it at once.
class Plan {
 public:
  // Copies words and constants after checking that no instruction can leave its buffers. isa "" means the best there
  // is.
  static Status create(const Slice& words, const Slice& constants, const char* isa, Plan** plan, Detail* detail);
  void retain() { holders_.fetch_add(1, std::memory_order_relaxed); }
  void release();

  // A run over the caller's memory, which must stay in place until end(): inputs and outputs have exactly the bytes
  // that the plan says. The plan stays alive while it has runs.
  Status begin(const SliceList& inputs, const SliceList& outputs, Run** run, Detail* detail);
  // Executes at most `instructions` more; *left says how many remain.
  static Status step(Run* run, int32_t instructions, int32_t* left, Detail* detail);
  static void end(Run* run);

 private:
  Plan() = default;
  ~Plan();
  Status load(const Slice& words, const Slice& constants, Detail* detail);
  Status load_buffers(uint64_t constant_bytes, Detail* detail);
  Status load_instructions(Detail* detail);
  Run* idle_run();
  bool bind(Run* run, const SliceList& inputs, const SliceList& outputs);
  static void destroy(Run* run);

  std::atomic<int32_t> holders_{1};
  Dispatch kernels_;
  int32_t* words_ = nullptr;
  size_t word_count_ = 0;
  int32_t buffer_count_ = 0, instruction_count_ = 0, input_count_ = 0, output_count_ = 0;
  uint64_t arena_bytes_ = 0;
  int32_t threads_ = 0;
  PlanBuffer* buffers_ = nullptr;
  uint64_t* buffer_bytes_ = nullptr;        // by buffer, as RunContext wants them
  const int32_t** instructions_ = nullptr;  // first word of each
  uint64_t* port_bytes_ = nullptr;          // of each input, then of each output
  uint8_t* constants_ = nullptr;
  size_t scratch_step_ = 0;
  Mutex mutex_;
  Run* idle_ = nullptr;
};

void set_detail(Detail* detail, const char* first, const char* second = "", int64_t number = -1,
                const char* third = "");

}  // namespace lowbit
