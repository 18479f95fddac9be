// The pool: idle workers sleep on a condition variable, callers work on their own call, tasks are claimed by a counter.
#include "native/base/parallel.h"

#include <atomic>

#include "native/base/flag.h"
#include "native/base/mutex.h"

#if LOWBIT_THREADS
#include <chrono>
#include <condition_variable>
#include <new>
#if defined(_WIN32)
#include <windows.h>
#else
#include <pthread.h>
#endif
#endif

namespace lowbit {
namespace {

bool cancelled(const volatile int32_t* cancel) { return cancel != nullptr && load_flag(cancel) != 0; }

#if LOWBIT_THREADS
// Which worker of the running call this thread is; -1 outside of any call. A nested call keeps the number, so
// per-worker scratch stays this thread's own.
thread_local int t_worker = -1;
// Upper bound for calls from this thread (0 = none): the workers that the running plan has scratch for.
thread_local int t_cap = 0;

// One parallel_for, on its caller's stack. All but `next` and the plain inputs is guarded by the pool's mutex.
struct Call {
  ParallelBody body;
  void* context;
  int64_t tasks;
  const volatile int32_t* cancel;
  int limit = 1;                 // threads that may join, the caller included
  std::atomic<int64_t> next{0};  // the first task that nobody has claimed
  int joined = 1;                // worker numbers given out; 0 is the caller's
  int active = 0;                // joined threads, the caller not counted, that have not left
  std::condition_variable left;  // active reached 0
  Call* following = nullptr;

  bool wants_help() const {
    return joined < limit && next.load(std::memory_order_relaxed) < tasks && !cancelled(cancel);
  }

  void work(int worker) {
    const int before = t_worker;
    t_worker = worker;
    while (!cancelled(cancel)) {
      const int64_t task = next.fetch_add(1, std::memory_order_relaxed);
      if (task >= tasks) break;
      body(context, task, worker);
    }
    t_worker = before;
  }
};

struct Pool {
  std::mutex mutex;
  std::condition_variable wake;
  Call* calls = nullptr;  // calls whose caller has not finished, oldest first
  int own = 0;            // threads that the pool started; they live as long as the process
  int donated = 0;        // threads that hosts have lent
  int limit = 1;

  Call* call_that_wants_help() {
    for (Call* call = calls; call != nullptr; call = call->following) {
      if (call->wants_help()) return call;
    }
    return nullptr;
  }

  // With the lock held: joins the call, works without the lock, leaves.
  void help(Call* call, Lock& lock) {
    const int worker = call->joined++;
    call->active++;
    lock.unlock();
    call->work(worker);
    lock.lock();
    if (--call->active == 0) call->left.notify_one();
  }

  void serve_forever() {
    Lock lock(mutex);
    for (;;) {
      Call* const call = call_that_wants_help();
      if (call != nullptr) {
        help(call, lock);
      } else {
        wake.wait(lock);
      }
    }
  }
};

// Never destroyed: workers still wait on it when the process runs its exit handlers.
Pool& pool() {
  alignas(Pool) static unsigned char memory[sizeof(Pool)];
  static Pool* const pool = [] {
    Pool* const made = new (memory) Pool();
    made->limit = default_threads();
    return made;
  }();
  return *pool;
}

// A detached thread that serves the pool; false when the system has none to give. (std::thread would throw.)
#if defined(_WIN32)
DWORD WINAPI serve(void* pool) {
  static_cast<Pool*>(pool)->serve_forever();
  return 0;
}

bool start_thread(Pool* pool) {
  const HANDLE thread = CreateThread(nullptr, 0, serve, pool, 0, nullptr);
  if (thread == nullptr) return false;
  CloseHandle(thread);
  return true;
}
#else
void* serve(void* pool) {
  static_cast<Pool*>(pool)->serve_forever();
  return nullptr;
}

bool start_thread(Pool* pool) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const bool started = pthread_create(&thread, &attributes, serve, pool) == 0;
  pthread_attr_destroy(&attributes);
  return started;
}
#endif
#endif  // LOWBIT_THREADS

void serial_for(int64_t tasks, ParallelBody body, void* context, const volatile int32_t* cancel, int worker) {
  for (int64_t task = 0; task < tasks && !cancelled(cancel); task++) body(context, task, worker);
}

}  // namespace

#if LOWBIT_THREADS

void parallel_for(int64_t tasks, ParallelBody body, void* context, const volatile int32_t* cancel) {
  if (t_worker >= 0) return serial_for(tasks, body, context, cancel, t_worker);
  Pool& shared = pool();
  Call call;
  call.body = body;
  call.context = context;
  call.tasks = tasks;
  call.cancel = cancel;
  if (tasks > 1) {
    Lock lock(shared.mutex);
    call.limit = t_cap > 0 && t_cap < shared.limit ? t_cap : shared.limit;
    if (call.limit > tasks) call.limit = static_cast<int>(tasks);
    if (call.limit > 1) {
      while (shared.own + shared.donated < call.limit - 1 && start_thread(&shared)) shared.own++;
      Call** last = &shared.calls;
      while (*last != nullptr) last = &(*last)->following;
      *last = &call;
    }
  }
  for (int i = 1; i < call.limit; i++) shared.wake.notify_one();
  call.work(0);
  if (call.limit <= 1) return;
  Lock lock(shared.mutex);
  Call** link = &shared.calls;
  while (*link != &call) link = &(*link)->following;
  *link = call.following;
  while (call.active != 0) call.left.wait(lock);
}

int thread_limit() {
  Pool& shared = pool();
  Lock lock(shared.mutex);
  return shared.limit;
}

void set_thread_limit(int threads) {
  Pool& shared = pool();
  Lock lock(shared.mutex);
  shared.limit = threads < 1 ? 1 : threads > kMaxThreads ? kMaxThreads : threads;
}

PoolThreads pool_threads() {
  Pool& shared = pool();
  Lock lock(shared.mutex);
  return {shared.own, shared.donated};
}

ThreadCap::ThreadCap(int threads) : before_(t_cap) { t_cap = threads; }
ThreadCap::~ThreadCap() { t_cap = before_; }

void donate_thread(const volatile int32_t* stop) {
  // How often a lent thread that has nothing to do looks at *stop, which its owner sets without telling the pool.
  constexpr auto kLook = std::chrono::milliseconds(20);
  Pool& shared = pool();
  Lock lock(shared.mutex);
  shared.donated++;
  while (load_flag(stop) == 0) {
    Call* const call = shared.call_that_wants_help();
    if (call != nullptr) {
      shared.help(call, lock);
    } else {
      shared.wake.wait_for(lock, kLook);
    }
  }
  shared.donated--;
}

#else  // One thread: WebAssembly without shared memory.

void parallel_for(int64_t tasks, ParallelBody body, void* context, const volatile int32_t* cancel) {
  serial_for(tasks, body, context, cancel, 0);
}

int thread_limit() { return 1; }
void set_thread_limit(int) {}
PoolThreads pool_threads() { return {0, 0}; }
ThreadCap::ThreadCap(int threads) : before_(threads) {}
ThreadCap::~ThreadCap() {}
void donate_thread(const volatile int32_t*) {}

#endif

}  // namespace lowbit
