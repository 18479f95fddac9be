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

void describe_ops(Text& json) {
  List list(json, "ops");
  int64_t opcode = 0;
  // Fields are a macro each, so they are added one after the other.
#define LOWBIT_FIELD(field, kind) \
  fields.item().add("{\"name\":").quoted(#field).add(",\"kind\":").quoted(kind).add("}");
#define B(field) LOWBIT_FIELD(field, "buffer")
#define I(field) LOWBIT_FIELD(field, "int")
#define F(field) LOWBIT_FIELD(field, "float")
#define LOWBIT_OP(name_, fields_)                                                          \
  list.item().add("{\"name\":").quoted(#name_).add(",\"opcode\":").add(opcode++).add(","); \
  {                                                                                        \
    List fields(json, "fields");                                                           \
    fields_                                                                                \
  }                                                                                        \
  json.add("}");
#include "native/kernels/ops.inc"
#undef LOWBIT_OP
#undef B
#undef I
#undef F
#undef LOWBIT_FIELD
}

void describe_kernels(Text& json) {
  List list(json, "kernels");
#define LOWBIT_KERNEL(slot, arguments, isa, exactness, rows, columns, depth)                                           \
  list.item().add("{\"slot\":").quoted(#slot).add(",\"isa\":").quoted(#isa).add(",\"exactness\":").quoted(#exactness); \
  json.add(",\"tile\":[").add(int64_t{rows}).add(",").add(int64_t{columns}).add(",").add(int64_t{depth}).add("]}");
#include "native/kernels/kernels.inc"
#undef LOWBIT_KERNEL
  (void)list;
}

void describe_slots(Text& json) {
  List list(json, "slots");
#define LOWBIT_KERNEL_portable(slot, arguments) list.item().quoted(#slot);
#define LOWBIT_KERNEL_OTHER(slot, arguments)
#include "native/kernels/slots.h"
  (void)list;
}

void describe_functions(Text& json) {
  List list(json, "functions");
#define LOWBIT_ARGUMENT(name, kind) \
  items.item().add("{\"name\":").quoted(#name).add(",\"kind\":").quoted(kind).add("}");
#define IN_INT(name) LOWBIT_ARGUMENT(name, "in_int")
#define IN_BYTES(name) LOWBIT_ARGUMENT(name, "in_bytes")
#define IN_LIST(name) LOWBIT_ARGUMENT(name, "in_list")
#define OUT_LIST(name) LOWBIT_ARGUMENT(name, "out_list")
#define CONTROL(name) LOWBIT_ARGUMENT(name, "control")
#define PLAN(name) LOWBIT_ARGUMENT(name, "plan")
#define RUN(name) LOWBIT_ARGUMENT(name, "run")
#define END_PLAN(name) LOWBIT_ARGUMENT(name, "end_plan")
#define END_RUN(name) LOWBIT_ARGUMENT(name, "end_run")
#define OUT_INT(name) LOWBIT_ARGUMENT(name, "out_int")
#define OUT_BYTES(name) LOWBIT_ARGUMENT(name, "out_bytes")
#define OUT_PLAN(name) LOWBIT_ARGUMENT(name, "out_plan")
#define OUT_RUN(name) LOWBIT_ARGUMENT(name, "out_run")
#define LOWBIT_FUNCTION(name_, mode, arguments_, sentence)                               \
  list.item().add("{\"name\":").quoted(#name_).add(",\"mode\":").quoted(#mode).add(","); \
  {                                                                                      \
    List items(json, "arguments");                                                       \
    arguments_                                                                           \
  }                                                                                      \
  json.add("}");
#include "native/abi/abi.inc"
#undef LOWBIT_FUNCTION
#undef LOWBIT_ARGUMENT
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
}

void describe_statuses(Text& json) {
  List list(json, "statuses");
#define LOWBIT_STATUS(name, number, sentence)                                           \
  list.item().add("{\"name\":").quoted(#name).add(",\"number\":").add(int64_t{number}); \
  json.add(",\"sentence\":").quoted(sentence).add("}");
#include "native/abi/status.inc"
#undef LOWBIT_STATUS
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
