// The functions of the C ABI about the build and the machine: describe, threads, choose_kernels.
#include <cstring>
#include <new>

#include "native/abi/abi.h"
#include "native/abi/version.h"
#include "native/base/mutex.h"
#include "native/base/parallel.h"
#include "native/base/text.h"
#include "native/isa/dispatch.h"

namespace lowbit {

namespace {

// Longer than every name of isa.inc.
constexpr size_t kMaxName = 64;

// Starts the next item of a JSON list.
class List {
 public:
  List(Text& text, const char* name) : text_(text) { text_.quoted(name).add(":["); }
  ~List() { text_.add("]"); }
  Text& item() {
    if (!first_) text_.add(",");
    first_ = false;
    return text_;
  }

 private:
  Text& text_;
  bool first_ = true;
};

void describe_isas(Text& json) {
  List list(json, "isas");
  const uint64_t features = detect_features();
  for (int32_t i = 0; i < static_cast<int32_t>(Isa::kCount); i++) {
    const IsaRow& row = isa_row(static_cast<Isa>(i));
    list.item().add("{\"name\":").quoted(row.name).add(",\"architecture\":").quoted(row.architecture);
    json.add(",\"rank\":").add(int64_t{row.rank}).add(",\"features\":").add(static_cast<int64_t>(row.features));
    json.add(",\"usable\":").add(isa_usable(static_cast<Isa>(i), features) ? "true}" : "false}");
  }
}

// The tables are data, not code: a call per word of theirs took 115 KB of a WebAssembly module.
struct Named {
  const char* name;
  const char* mode;  // of a function
  const char*
      items;  // fields or arguments: the letter of the kind and the name, each behind the other and ended by a 0
};

struct Kind {
  char letter;
  const char* name;
};

// Adds `"<list>":[{"name":…,"kind":…},…]}`.
template <size_t kKinds>
void describe_items(Text& json, const char* list_name, const char* items, const Kind (&kinds)[kKinds]) {
  {
    List list(json, list_name);
    for (; *items != 0; items += strlen(items) + 1) {
      list.item().add("{\"name\":").quoted(items + 1).add(",\"kind\":");
      for (const Kind& kind : kinds) {
        if (kind.letter == *items) json.quoted(kind.name);
      }
      json.add("}");
    }
  }
  json.add("}");
}

constexpr Kind kFieldKinds[] = {{'B', "buffer"}, {'I', "int"}, {'F', "float"}};
constexpr Named kOps[] = {
#define B(field) "B" #field "\0"
#define I(field) "I" #field "\0"
#define F(field) "F" #field "\0"
#define LOWBIT_OP(name, fields) {#name, "", fields},
#include "native/kernels/ops.inc"
#undef LOWBIT_OP
#undef B
#undef I
#undef F
};

void describe_ops(Text& json) {
  List list(json, "ops");
  int64_t opcode = 0;
  for (const Named& op : kOps) {
    list.item().add("{\"name\":").quoted(op.name).add(",\"opcode\":").add(opcode++).add(",");
    describe_items(json, "fields", op.items, kFieldKinds);
  }
}

constexpr const char* kSlotNames[] = {
#define LOWBIT_KERNEL_portable(slot, arguments) #slot,
#define LOWBIT_KERNEL_OTHER(slot, arguments)
#include "native/kernels/slots.h"
};

struct KernelRow {
  Slot slot;
  Isa isa;
  const char* exactness;
  int16_t tile[3];
};
constexpr KernelRow kKernels[] = {
#define LOWBIT_KERNEL(slot, arguments, isa, exactness, rows, columns, depth) \
  {Slot::slot, Isa::isa, #exactness, {rows, columns, depth}},
#include "native/kernels/kernels.inc"
#undef LOWBIT_KERNEL
};

void describe_kernels(Text& json) {
  List list(json, "kernels");
  for (const KernelRow& row : kKernels) {
    list.item().add("{\"slot\":").quoted(kSlotNames[static_cast<int32_t>(row.slot)]);
    json.add(",\"isa\":").quoted(isa_row(row.isa).name).add(",\"exactness\":").quoted(row.exactness);
    json.add(",\"tile\":[").add(int64_t{row.tile[0]}).add(",").add(int64_t{row.tile[1]}).add(",");
    json.add(int64_t{row.tile[2]}).add("]}");
  }
}

void describe_slots(Text& json) {
  List list(json, "slots");
  for (const char* name : kSlotNames) list.item().quoted(name);
}

constexpr Kind kArgumentKinds[] = {{'a', "in_int"},  {'b', "in_bytes"}, {'c', "in_list"},   {'d', "out_list"},
                                   {'e', "control"}, {'f', "plan"},     {'g', "run"},       {'h', "end_plan"},
                                   {'i', "end_run"}, {'j', "out_int"},  {'k', "out_bytes"}, {'l', "out_plan"},
                                   {'m', "out_run"}};
constexpr Named kFunctions[] = {
#define IN_INT(name) "a" #name "\0"
#define IN_BYTES(name) "b" #name "\0"
#define IN_LIST(name) "c" #name "\0"
#define OUT_LIST(name) "d" #name "\0"
#define CONTROL(name) "e" #name "\0"
#define PLAN(name) "f" #name "\0"
#define RUN(name) "g" #name "\0"
#define END_PLAN(name) "h" #name "\0"
#define END_RUN(name) "i" #name "\0"
#define OUT_INT(name) "j" #name "\0"
#define OUT_BYTES(name) "k" #name "\0"
#define OUT_PLAN(name) "l" #name "\0"
#define OUT_RUN(name) "m" #name "\0"
#define LOWBIT_FUNCTION(name, mode, arguments, sentence) {#name, #mode, arguments},
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
};

void describe_functions(Text& json) {
  List list(json, "functions");
  for (const Named& function : kFunctions) {
    list.item().add("{\"name\":").quoted(function.name).add(",\"mode\":").quoted(function.mode).add(",");
    describe_items(json, "arguments", function.items, kArgumentKinds);
  }
}

struct StatusRow {
  const char* name;
  int32_t number;
  const char* sentence;
};
constexpr StatusRow kStatuses[] = {
#define LOWBIT_STATUS(name, number, sentence) {#name, number, sentence},
#include "native/abi/status.inc"
#undef LOWBIT_STATUS
};

void describe_statuses(Text& json) {
  List list(json, "statuses");
  for (const StatusRow& row : kStatuses) {
    list.item().add("{\"name\":").quoted(row.name).add(",\"number\":").add(int64_t{row.number});
    json.add(",\"sentence\":").quoted(row.sentence).add("}");
  }
}

void describe(Text& json) {
  json.add("{\"version\":").quoted(kVersion).add(",\"architecture\":").quoted(build_architecture());
  json.add(",\"features\":").add(static_cast<int64_t>(detect_features())).add(",");
  describe_isas(json);
  json.add(",");
  describe_ops(json);
  json.add(",");
  describe_slots(json);
  json.add(",");
  describe_kernels(json);
  json.add(",");
  describe_functions(json);
  json.add(",");
  describe_statuses(json);
  json.add("}");
}

}  // namespace

Status lowbit_describe(describe_arguments* call) {
  static Mutex mutex;
  static Text* json = nullptr;
  alignas(Text) static unsigned char memory[sizeof(Text)];
  Lock lock(mutex);
  if (json == nullptr) {
    json = new (memory) Text();
    describe(*json);
  }
  if (json->failed()) return Status::out_of_memory;
  call->json = {const_cast<char*>(json->data()), json->size()};
  return Status::ok;
}

Status lowbit_threads(threads_arguments* call) {
  if (call->limit < 0 || call->limit > kMaxThreads) return Status::bad_argument;
  if (call->limit > 0) set_thread_limit(call->limit);
  const PoolThreads serving = pool_threads();
  call->current = thread_limit();
  call->machine = default_threads();
  call->own = serving.own;
  call->donated = serving.donated;
  return Status::ok;
}

Status lowbit_donate_thread(donate_thread_arguments* call) {
  if (call->control.data == nullptr || call->control.bytes < sizeof(int32_t)) return Status::bad_argument;
  donate_thread(static_cast<const volatile int32_t*>(call->control.data));
  return Status::ok;
}

Status lowbit_choose_kernels(choose_kernels_arguments* call) {
  static thread_local Isa chosen[kSlots > 0 ? kSlots : 1];
  char architecture[kMaxName], name[kMaxName];
  Isa ceiling;
  if (!text_of(call->architecture, architecture, sizeof architecture)) return Status::bad_argument;
  if (!text_of(call->ceiling, name, sizeof name) || !isa_named(name, &ceiling)) return Status::unknown_isa;
  choose_isas(architecture, static_cast<uint32_t>(call->features), ceiling, chosen);
  call->isas = {chosen, sizeof(Isa) * static_cast<size_t>(kSlots)};
  return Status::ok;
}

}  // namespace lowbit
