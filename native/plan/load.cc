// Loading a plan: every word is checked once, so that running it needs no checks.
#include <cstring>
#include <new>

#include "native/base/memory.h"
#include "native/plan/operations.h"
#include "native/plan/plan.h"

namespace lowbit {
namespace {

// Inputs and outputs of one plan; far more than any model has, and small enough to allocate tables for.
constexpr int32_t kMaxPorts = 65536;

uint64_t wide(const int32_t* words) {
  return static_cast<uint32_t>(words[0]) | static_cast<uint64_t>(static_cast<uint32_t>(words[1])) << 32;
}

// Room for `count` values, not initialized.
template <typename T>
T* allocate_array(size_t count) {
  return count > SIZE_MAX / sizeof(T) ? nullptr : static_cast<T*>(allocate_aligned(count * sizeof(T)));
}

}  // namespace

void set_detail(Detail* detail, const char* first, const char* second, int64_t number, const char* third) {
  char digits[24];
  char* start = digits + sizeof digits - 1;
  *start = '\0';
  for (int64_t rest = number; rest > 0 || (rest == 0 && *start == '\0'); rest /= 10) {
    *--start = static_cast<char>('0' + rest % 10);
  }
  size_t length = 0;
  const char* const parts[] = {first, second, start, third};
  for (const char* part : parts) {
    for (; *part != '\0' && length < sizeof detail->text - 1; part++) detail->text[length++] = *part;
  }
  detail->text[length] = '\0';
}

Status Plan::create(const Slice& words, const Slice& constants, const char* isa, Plan** plan, Detail* detail) {
  const uint64_t features = detect_features();
  Isa ceiling = Isa::portable;
  for (int32_t i = 0; i < static_cast<int32_t>(Isa::kCount); i++) {
    if (isa_usable(static_cast<Isa>(i), features)) ceiling = static_cast<Isa>(i);
  }
  if (isa[0] != '\0') {
    if (!isa_named(isa, &ceiling)) return set_detail(detail, isa), Status::unknown_isa;
    if (!isa_usable(ceiling, features)) return set_detail(detail, isa), Status::unsupported_isa;
  }
  void* const memory = allocate_aligned(sizeof(Plan));
  if (memory == nullptr) return Status::out_of_memory;
  Plan* const made = new (memory) Plan();
  made->kernels_ = make_dispatch(features, ceiling);
  const Status status = made->load(words, constants, detail);
  if (status != Status::ok) {
    made->release();
    return status;
  }
  *plan = made;
  return Status::ok;
}

Status Plan::load(const Slice& words, const Slice& constants, Detail* detail) {
  word_count_ = words.bytes / sizeof(int32_t);
  if (words.bytes % sizeof(int32_t) != 0 || word_count_ < kHeaderWords) {
    return set_detail(detail, "the plan is shorter than its header"), Status::bad_plan;
  }
  words_ = allocate_array<int32_t>(word_count_);
  constants_ = static_cast<uint8_t*>(allocate_lasting(constants.bytes));
  if (words_ == nullptr || constants_ == nullptr) return Status::out_of_memory;
  memcpy(words_, words.data, words.bytes);
  if (constants.bytes != 0) memcpy(constants_, constants.data, constants.bytes);
  if (words_[0] != kPlanMagic || words_[1] != kPlanVersion) {
    return set_detail(detail, "the plan has another magic number or version"), Status::bad_plan;
  }
  buffer_count_ = words_[2];
  instruction_count_ = words_[3];
  input_count_ = words_[4];
  output_count_ = words_[5];
  arena_bytes_ = wide(words_ + 6);
  threads_ = words_[8];
  // Every buffer takes kBufferWords and every instruction at least 2, so what passes is no larger than the words given.
  const uint64_t rest = word_count_ - kHeaderWords;
  if (buffer_count_ < 0 || instruction_count_ < 0 || static_cast<uint64_t>(buffer_count_) > rest / kBufferWords ||
      static_cast<uint64_t>(instruction_count_) > (rest - buffer_count_ * kBufferWords) / 2) {
    return set_detail(detail, "the plan is shorter than its tables"), Status::bad_plan;
  }
  if (input_count_ < 0 || input_count_ > kMaxPorts || output_count_ < 0 || output_count_ > kMaxPorts) {
    return set_detail(detail, "the plan has a bad number of inputs or outputs"), Status::bad_plan;
  }
  if (threads_ < 0) return set_detail(detail, "the plan has a bad number of threads"), Status::bad_plan;
  if (arena_bytes_ > SIZE_MAX / 2) return set_detail(detail, "the arena is too large"), Status::bad_plan;
  const Status status = load_buffers(constants.bytes, detail);
  return status == Status::ok ? load_instructions(detail) : status;
}

Status Plan::load_buffers(uint64_t constant_bytes, Detail* detail) {
  const size_t ports = static_cast<size_t>(input_count_) + static_cast<size_t>(output_count_);
  buffers_ = allocate_array<PlanBuffer>(static_cast<size_t>(buffer_count_));
  port_bytes_ = allocate_array<uint64_t>(ports);
  if (buffers_ == nullptr || port_bytes_ == nullptr) return Status::out_of_memory;
  memset(port_bytes_, 0, ports * sizeof(uint64_t));
  for (int32_t i = 0; i < buffer_count_; i++) {
    const int32_t* const words = words_ + kHeaderWords + static_cast<size_t>(i) * kBufferWords;
    PlanBuffer& buffer = buffers_[i];
    buffer = {words[0], words[1], wide(words + 2), wide(words + 4)};
    const uint64_t end = buffer.offset + buffer.bytes;
    bool valid = end >= buffer.offset && end <= SIZE_MAX / 2;
    switch (buffer.space) {
      case kArena:
        valid = valid && end <= arena_bytes_;
        break;
      case kConstants:
        valid = valid && end <= constant_bytes && buffer.offset % kAlignment == 0;
        break;
      case kInput:
      case kOutput: {
        const int32_t count = buffer.space == kInput ? input_count_ : output_count_;
        valid = valid && buffer.index >= 0 && buffer.index < count;
        if (!valid) break;
        uint64_t& bytes = port_bytes_[buffer.index + (buffer.space == kInput ? 0 : input_count_)];
        if (end > bytes) bytes = end;
        break;
      }
      default:
        valid = false;
    }
    if (!valid) return set_detail(detail, "buffer ", "", i, " lies outside of its space"), Status::bad_plan;
  }
  return Status::ok;
}

Status Plan::load_instructions(Detail* detail) {
  instructions_ = allocate_array<const int32_t*>(static_cast<size_t>(instruction_count_));
  buffer_bytes_ = allocate_array<uint64_t>(static_cast<size_t>(buffer_count_));
  if (instructions_ == nullptr || buffer_bytes_ == nullptr) return Status::out_of_memory;
  for (int32_t i = 0; i < buffer_count_; i++) buffer_bytes_[i] = buffers_[i].bytes;
  size_t at = kHeaderWords + static_cast<size_t>(buffer_count_) * kBufferWords;
  Status status = Status::ok;
  for (int32_t i = 0; i < instruction_count_ && status == Status::ok; i++) {
    const size_t left = word_count_ - at;
    const Operation* const operation = left < 2 ? nullptr : operation_of(words_[at]);
    if (operation == nullptr || words_[at + 1] != operation->field_count ||
        static_cast<size_t>(operation->field_count) > left - 2) {
      set_detail(detail, "instruction ", "", i, " has an unknown opcode or the wrong number of fields");
      status = Status::bad_plan;
      break;
    }
    const int32_t* const fields = words_ + at + 2;
    PlanCheck check(buffer_bytes_, buffer_count_);
    operation->check(fields, check);
    if (!check.ok()) {
      set_detail(detail, operation->name, " at instruction ", i, " has a field out of its range or a buffer too small");
      status = Status::bad_plan;
      break;
    }
    const size_t scratch = operation->scratch(fields, kernels_);
    if (scratch > scratch_step_) scratch_step_ = scratch;
    instructions_[i] = words_ + at;
    at += 2 + static_cast<size_t>(operation->field_count);
  }
  if (status == Status::ok && at != word_count_) {
    return set_detail(detail, "the plan has words after its last instruction"), Status::bad_plan;
  }
  uint64_t step;
  if (status == Status::ok && (!align_up(scratch_step_, &step) || step > SIZE_MAX / (2 * kMaxThreads))) {
    return set_detail(detail, "an instruction needs too much scratch"), Status::bad_plan;
  }
  if (status == Status::ok) scratch_step_ = static_cast<size_t>(step);
  return status;
}

Plan::~Plan() {
  while (idle_ != nullptr) {
    Run* const run = idle_;
    idle_ = run->following;
    destroy(run);
  }
  free_aligned(words_);
  free_aligned(constants_);
  free_aligned(buffers_);
  free_aligned(buffer_bytes_);
  free_aligned(port_bytes_);
  free_aligned(instructions_);
}

void Plan::release() {
  if (holders_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  this->~Plan();
  free_aligned(this);
}

}  // namespace lowbit
