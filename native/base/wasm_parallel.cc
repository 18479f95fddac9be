// parallel_for for WebAssembly: one thread calls it, threads that the host lends help it, over atomics in shared
// memory.
//
// A memory has one owner, the instance whose functions JavaScript calls, so there is one call at a time and no lock.
// Memory that is not shared has no lent threads: every call is then serial, and nothing ever waits.
#if defined(__wasm__)
#include <atomic>

#include "native/base/flag.h"
#include "native/base/parallel.h"

namespace lowbit {
namespace {

// Which worker of the running call this thread is; -1 outside of any call. A nested call keeps the number, so
// per-worker scratch stays this thread's own.
thread_local int t_worker = -1;

// A thread without work looks this often for the next call before it sleeps, about 0.1 ms: the instructions of a plan
// follow one another, and a thread that sleeps takes tens of microseconds to wake.
constexpr int kLooks = 100'000;

constexpr uint32_t kPlace = 1 << 16;

struct Pool {
  // kPlace * threads that may still join the call + threads that are at it, its caller not counted. 0: the call is over
  // and the fields below belong to the caller alone. Without places nobody joins, so a call that is closed only ends.
  std::atomic<uint32_t> state{0};
  std::atomic<uint32_t> posted{0};  // counts the calls
  std::atomic<int32_t> asleep{0};   // threads that wait for `posted` to change, or are about to
  std::atomic<int32_t> donated{0};
  std::atomic<bool> lost{false};  // a thread trapped in a task
  std::atomic<int64_t> next{0};   // the first task that nobody has claimed
  ParallelBody body = nullptr;
  void* context = nullptr;
  int64_t tasks = 0;
  const volatile int32_t* cancel = nullptr;
  int helpers = 0;  // places that the call began with
  int limit = 1;
  int cap = 0;  // of the running plan; 0 = none
};
Pool pool;  // constants initialize it: threads that are lent run no constructors

bool cancelled(const volatile int32_t* cancel) { return cancel != nullptr && load_flag(cancel) != 0; }

// Sleeps while the word is `value`.
void wait_while(std::atomic<uint32_t>& word, uint32_t value) {
  __builtin_wasm_memory_atomic_wait32(reinterpret_cast<int*>(&word), static_cast<int>(value), -1);
}

void wake(std::atomic<uint32_t>& word, int threads) {
  __builtin_wasm_memory_atomic_notify(reinterpret_cast<int*>(&word), static_cast<unsigned>(threads));
}

void serial_for(int64_t tasks, ParallelBody body, void* context, const volatile int32_t* cancel, int worker) {
  for (int64_t task = 0; task < tasks && !cancelled(cancel); task++) body(context, task, worker);
}

void work(int worker) {
  t_worker = worker;
  while (!cancelled(pool.cancel)) {
    const int64_t task = pool.next.fetch_add(1, std::memory_order_relaxed);
    if (task >= pool.tasks) break;
    pool.body(pool.context, task, worker);
  }
  t_worker = -1;
}

// Takes a place of the call and works on it; false when there is no call or no place.
bool help() {
  uint32_t state = pool.state.load(std::memory_order_relaxed);
  while (state >= kPlace) {
    if (!pool.state.compare_exchange_weak(state, state - kPlace + 1, std::memory_order_acquire)) continue;
    work(pool.helpers + 1 - static_cast<int>(state / kPlace));
    if (pool.state.fetch_sub(1, std::memory_order_release) == 1) wake(pool.state, 1);
    return true;
  }
  return false;
}

}  // namespace

void parallel_for(int64_t tasks, ParallelBody body, void* context, const volatile int32_t* cancel) {
  if (t_worker >= 0) return serial_for(tasks, body, context, cancel, t_worker);
  int64_t helpers = pool.donated.load(std::memory_order_relaxed);
  if (helpers > thread_limit() - 1) helpers = thread_limit() - 1;
  if (helpers > tasks - 1) helpers = tasks - 1;
  if (helpers <= 0) {
    t_worker = 0;
    serial_for(tasks, body, context, cancel, 0);
    t_worker = -1;
    return;
  }
  pool.body = body;
  pool.context = context;
  pool.tasks = tasks;
  pool.cancel = cancel;
  pool.helpers = static_cast<int>(helpers);
  pool.next.store(0, std::memory_order_relaxed);
  pool.state.store(kPlace * static_cast<uint32_t>(helpers), std::memory_order_release);
  // A thread counts itself as asleep before it compares `posted` for the last time: one of the two sees the other.
  pool.posted.fetch_add(1);
  if (pool.asleep.load() > 0) wake(pool.posted, pool.helpers);
  work(0);
  uint32_t state = pool.state.fetch_and(kPlace - 1, std::memory_order_acquire) & (kPlace - 1);
  for (int i = 0; state != 0 && i < kLooks; i++) state = pool.state.load(std::memory_order_acquire);
  for (; state != 0; state = pool.state.load(std::memory_order_acquire)) wait_while(pool.state, state);
}

int thread_limit() { return pool.cap > 0 && pool.cap < pool.limit ? pool.cap : pool.limit; }
void set_thread_limit(int threads) { pool.limit = threads < 1 ? 1 : threads > kMaxThreads ? kMaxThreads : threads; }
PoolThreads pool_threads() { return {0, pool.donated.load(std::memory_order_relaxed)}; }
ThreadCap::ThreadCap(int threads) : before_(pool.cap) { pool.cap = threads; }
ThreadCap::~ThreadCap() { pool.cap = before_; }
// Threads look out after every call, as it is: they cannot see a clock, and hosts lend few of them.
ParallelRun::ParallelRun() : counted_(false) {}
ParallelRun::~ParallelRun() {}

bool take_lost_thread() { return pool.lost.load(std::memory_order_relaxed) && pool.lost.exchange(false); }

// Hosts end lent threads from outside, so one that sleeps does not wake to look at *stop.
void donate_thread(const volatile int32_t* stop) {
  pool.donated.fetch_add(1, std::memory_order_relaxed);
  while (load_flag(stop) == 0) {
    const uint32_t seen = pool.posted.load(std::memory_order_acquire);
    if (help()) continue;
    uint32_t posted = seen;
    for (int i = 0; posted == seen && i < kLooks; i++) posted = pool.posted.load(std::memory_order_acquire);
    if (posted != seen) continue;
    pool.asleep.fetch_add(1);
    wait_while(pool.posted, seen);
    pool.asleep.fetch_sub(1);
  }
  pool.donated.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace lowbit

// For the host of a lent thread that trapped, on that thread and its instance: it helps nobody any more, and a caller
// that waits for its task gets to know.
extern "C" __attribute__((export_name("lowbit_lose_thread"))) void lowbit_lose_thread() {
  using lowbit::pool;
  pool.donated.fetch_sub(1, std::memory_order_relaxed);
  if (lowbit::t_worker < 0) return;
  lowbit::t_worker = -1;
  pool.lost.store(true, std::memory_order_relaxed);
  if (pool.state.fetch_sub(1, std::memory_order_release) == 1) lowbit::wake(pool.state, 1);
}
#endif
