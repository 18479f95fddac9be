// The N-API surface: one thunk per row of abi.inc, and for background rows an asynchronous twin `<name>_async`.
//
// Each takes the row's arguments in order and returns [status, detail, ...results]; the twin returns a promise of that.
// A direct call works on the caller's memory in place. A background call copies what is read before it returns to
// JavaScript (the caller may transfer or change its buffers) and writes to memory of its own, which is copied to the
// caller's views when the call is done. Nothing here knows an operation or a kernel.
#include <napi.h>

#include <cstring>
#include <new>

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#include "native/abi/abi.h"
#include "native/binding/call.h"

namespace lowbit {
namespace {

// [status, detail, ...results]
template <typename Arguments>
napi_value results_of(napi_env env, Status status, Arguments& arguments) {
  Results results(env);
  results.number(static_cast<int32_t>(status));
  results.text(arguments.detail.text);
  visit(arguments, results);
  return results.array();
}

template <typename Arguments, Status (*function)(Arguments*)>
Napi::Value direct(const Napi::CallbackInfo& info) {
  Arguments arguments = {};
  Reader reader(info);
  visit(arguments, reader);
  Status status = Status::bad_argument;
  if (reader.failed_argument() >= 0) {
    set_argument_detail(&arguments.detail, reader.failed_argument());
  } else {
    status = function(&arguments);
  }
  if (status == Status::ok) reader.spend_handles();
  return Napi::Value(info.Env(), results_of(info.Env(), status, arguments));
}

// A call on its way through libuv's pool. It lives until its completion ran, which Node waits for when it ends.
template <typename Arguments, Status (*function)(Arguments*)>
struct Background {
  Arguments arguments = {};
  Keeper keeper;
  Status status = Status::bad_argument;
  napi_deferred deferred = nullptr;
  napi_async_work work = nullptr;

  static void execute(napi_env, void* data) {
    Background* const self = static_cast<Background*>(data);
    self->status = function(&self->arguments);
  }

  static void complete(napi_env env, napi_status, void* data) {
    Background* const self = static_cast<Background*>(data);
    if (self->status == Status::ok && !self->keeper.deliver(env)) {
      self->status = Status::bad_argument;
      strcpy(self->arguments.detail.text, "an output was detached or resized during the run");
    }
    const napi_value value = results_of(env, self->status, self->arguments);
    // Fails only while the environment is being torn down, when nobody waits any more.
    napi_resolve_deferred(env, self->deferred, value);
    self->keeper.let_go(env);
    napi_delete_async_work(env, self->work);
    delete self;
  }
};

template <typename Arguments, Status (*function)(Arguments*)>
Napi::Value background(const Napi::CallbackInfo& info) {
  using Call = Background<Arguments, function>;
  Napi::Env env = info.Env();
  Call* const call = new (std::nothrow) Call();
  napi_value promise = nullptr;
  if (call == nullptr || napi_create_promise(env, &call->deferred, &promise) != napi_ok) {
    delete call;
    return env.Undefined();
  }
  Reader reader(info);
  visit(call->arguments, reader);
  bool ready = reader.failed_argument() < 0;
  if (!ready) {
    set_argument_detail(&call->arguments.detail, reader.failed_argument());
  } else {
    call->keeper.begin(info);
    visit(call->arguments, call->keeper);
    ready = !call->keeper.failed();
    if (!ready) call->status = Status::out_of_memory;
  }
  if (ready) {
    const napi_value name = Napi::String::New(env, "lowbit");
    ready = napi_create_async_work(env, nullptr, name, Call::execute, Call::complete, call, &call->work) == napi_ok &&
            napi_queue_async_work(env, call->work) == napi_ok;
  }
  if (!ready) {
    napi_resolve_deferred(env, call->deferred, results_of(env, call->status, call->arguments));
    call->keeper.let_go(env);
    if (call->work != nullptr) napi_delete_async_work(env, call->work);
    delete call;
  }
  return Napi::Value(env, promise);
}

// Node unmaps an addon when the last worker that loaded it ends, but the pool's threads stay.
void pin_library() {
#if defined(_WIN32)
  HMODULE module;
  GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                     reinterpret_cast<LPCSTR>(&pin_library), &module);
#else
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&pin_library), &info) != 0 && info.dli_fname != nullptr) {
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  }
#endif
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  pin_library();
#define LOWBIT_EXPORT_direct(name) \
  exports.Set(#name, Napi::Function::New<&direct<name##_arguments, lowbit_##name>>(env, #name));
#define LOWBIT_EXPORT_background(name) \
  LOWBIT_EXPORT_direct(name);          \
  exports.Set(#name "_async", Napi::Function::New<&background<name##_arguments, lowbit_##name>>(env, #name "_async"));
#define LOWBIT_EXPORT_hosted(name)
#define LOWBIT_FUNCTION(name, mode, arguments, sentence) LOWBIT_EXPORT_##mode(name)
#include "native/abi/abi.inc"
#undef LOWBIT_FUNCTION
  return exports;
}

}  // namespace
}  // namespace lowbit

using lowbit::initialize;
NODE_API_MODULE(lowbit, initialize)
