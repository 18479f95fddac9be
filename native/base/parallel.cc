// The pool: idle workers sleep on a condition variable, between the calls of a run they look out for the next one,
// callers work on their own call. Tasks are claimed from both ends: the caller and every other helper from the first
// task on, the rest from the last one back, so that two threads share what they write and read as halves, which stay in
// the cache of the core that made them from one instruction to the next.
#if !defined(__wasm__)  // wasm_parallel.cc
#include "native/base/parallel.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <new>

#include "native/base/flag.h"
#include "native/base/mutex.h"

#if defined(_WIN32)
#include <windows.h>
#else
#include <pthread.h>
#endif
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace lowbit {
namespace {

bool cancelled(const volatile int32_t* cancel) { return cancel != nullptr && load_flag(cancel) != 0; }

// Which worker of the running call this thread is; -1 outside of any call. A nested call keeps the number, so
// per-worker scratch stays this thread's own.
thread_local int t_worker = -1;
// Upper bound for calls from this thread (0 = none): the workers that the running plan has scratch for.
thread_local int t_cap = 0;

// How long a thread of a run that has nothing to do looks out for work before it sleeps: to wake it takes a few
// microseconds of its caller's time and some tens until it runs, as long as many an instruction of a network lasts.
constexpr auto kLookOut = std::chrono::microseconds(100);

// A thread that was woken runs after this time, unless it waits behind another one.
constexpr auto kLate = std::chrono::microseconds(60);

// Tells the processor that this thread waits for another one.
inline void relax() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__) && !defined(_MSC_VER)
  __asm__ volatile("yield");
#endif
}

// Looks until done() or until kLookOut is over; whether it is done.
template <typename Done>
bool look_until(const Done& done) {
  constexpr int kLooks = 32;  // between two looks at the clock
  const auto end = std::chrono::steady_clock::now() + kLookOut;
  do {
    for (int i = 0; i < kLooks; i++) {
      if (done()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

// The lock of a mutex that is never held for long: sleeping would take longer than waiting.
Lock brief_lock(std::mutex& mutex) {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; i++) {
    if (mutex.try_lock()) return Lock(mutex, std::adopt_lock);
    relax();
  }
  return Lock(mutex);
}

constexpr size_t kCacheLine = 64;

// Both counts of claims are in one word: a claim more from behind adds this. Every thread claims once more than it
// gets.
constexpr uint64_t kOneBehind = uint64_t{1} << 32;
constexpr int64_t kMostTasks = int64_t{1} << 31;

// One parallel_for, on its caller's stack. Its atomics and the plain inputs apart, the pool's mutex guards it.
struct alignas(kCacheLine) Call {
  ParallelBody body;
  void* context;
  int64_t first, tasks;  // [first, first + tasks), at most kMostTasks
  const volatile int32_t* cancel;
  int limit = 1;  // threads that may join, the caller included
  Call* following = nullptr;
  alignas(kCacheLine) std::atomic<uint64_t> claimed{0};  // tasks from the front, and (times kOneBehind) from behind
  int joined = 1;                                        // worker numbers given out; 0 is the caller's
  std::atomic<int> active{0};                            // joined threads, the caller not counted, that have not left
  std::atomic<int> finished{0};                          // those who took the call's offer and are done with it
  std::condition_variable left;                          // active reached 0

  bool wants_help() const {
    return joined < limit && left_of(claimed.load(std::memory_order_relaxed)) > 0 && !cancelled(cancel);
  }

  int64_t left_of(uint64_t counts) const {
    return tasks - static_cast<int64_t>(counts % kOneBehind) - static_cast<int64_t>(counts / kOneBehind);
  }

  void work(int worker) {
    const int before = t_worker;
    t_worker = worker;
    const bool behind = worker % 2 != 0;
    while (!cancelled(cancel)) {
      const uint64_t counts = claimed.fetch_add(behind ? kOneBehind : 1, std::memory_order_relaxed);
      if (left_of(counts) <= 0) break;
      const int64_t task = static_cast<int64_t>(behind ? tasks - 1 - counts / kOneBehind : counts % kOneBehind);
      body(context, first + task, worker);
    }
    t_worker = before;
  }
};

// A thread that sleeps, on its own stack.
struct Sleeper {
  int thread;
  Sleeper* following;
};

// A call in the sight of the threads that look out, which join it without the pool's mutex: the address of the Call,
// whose low bits are 0, and the number of helpers that it still has room for. Alone in its line of cache, like what
// else both sides write: a line takes from 50 to some hundred nanoseconds to another core, an instruction of a small
// network a few thousand.
struct alignas(kCacheLine) Offer {
  std::atomic<uintptr_t> word{0};
};
constexpr uintptr_t kRoom = kCacheLine - 1;

struct Pool {
  Offer offer;
  std::mutex mutex;
  std::condition_variable wake;
  Call* calls = nullptr;        // calls whose caller has not finished, oldest first
  int own = 0;                  // threads that the pool started; they live as long as the process
  int donated = 0;              // threads that hosts have lent
  std::atomic<int> looking{0};  // threads that look out for a call; those who took an offer count on
  int asleep = 0;               // threads that sleep
  int woken = 0;                // those of them that have been woken but do not run yet
  Sleeper* sleepers = nullptr;
  std::chrono::steady_clock::time_point woken_at;
  std::atomic<int> posted{0};  // counts the calls that want help, for those who look out
  std::atomic<int> runs{0};    // runs that are under way
  std::atomic<int> limit{1};
  std::atomic<int> waiting{0};         // callers that sleep until those who took their offer have finished
  std::condition_variable offer_done;  // one of them has

  Call* call_that_wants_help() {
    for (Call* call = calls; call != nullptr; call = call->following) {
      if (call->wants_help()) return call;
    }
    return nullptr;
  }

  // With the lock held: joins the call, works without the lock, leaves.
  void help(Call* call, Lock& lock) {
    const int worker = call->joined++;
    call->active.fetch_add(1, std::memory_order_relaxed);
    lock.unlock();
    call->work(worker);
    lock = brief_lock(mutex);
    if (call->active.fetch_sub(1, std::memory_order_release) == 1) call->left.notify_one();
  }

  // Joins the call that is on offer and works; false when there is none with room.
  bool take_offer() {
    uintptr_t word = offer.word.load(std::memory_order_relaxed);
    do {
      if ((word & kRoom) == 0) return false;
    } while (!offer.word.compare_exchange_weak(word, word - 1, std::memory_order_acquire, std::memory_order_relaxed));
    Call* const call = reinterpret_cast<Call*>(word & ~kRoom);
    call->work(call->limit - static_cast<int>(word & kRoom));
    call->finished.fetch_add(1, std::memory_order_seq_cst);  // the caller may leave as soon as it sees this
    if (waiting.load(std::memory_order_seq_cst) > 0) {
      const Lock lock(mutex);
      offer_done.notify_all();
    }
    return true;
  }

  // With the lock held: looks out for a call, without the lock, while a run is under way, and takes what is offered.
  // Whether a call has been posted meanwhile.
  bool look_out(Lock& lock) {
    if (runs.load(std::memory_order_relaxed) == 0) return false;
    const int seen = posted.load(std::memory_order_relaxed);
    looking.fetch_add(1, std::memory_order_relaxed);
    lock.unlock();
    do {
      look_until([&] {
        return (offer.word.load(std::memory_order_relaxed) & kRoom) != 0 ||
               posted.load(std::memory_order_relaxed) != seen || runs.load(std::memory_order_relaxed) == 0;
      });
    } while (take_offer());
    lock = brief_lock(mutex);
    looking.fetch_sub(1, std::memory_order_relaxed);
    return posted.load(std::memory_order_relaxed) != seen;
  }

  // Offers a call to those who look out, works, and waits for who took it. False, and nothing is done, when too few
  // look out or another call is on offer.
  bool share_offered(Call* call) {
    const int helpers = call->limit - 1;
    if (helpers > static_cast<int>(kRoom) || looking.load(std::memory_order_relaxed) < helpers) return false;
    uintptr_t empty = 0;
    const uintptr_t word = reinterpret_cast<uintptr_t>(call) + static_cast<uintptr_t>(helpers);
    if (!offer.word.compare_exchange_strong(empty, word, std::memory_order_release, std::memory_order_relaxed)) {
      return false;
    }
    call->work(0);
    const uintptr_t left = offer.word.exchange(0, std::memory_order_relaxed) & kRoom;
    const int took = helpers - static_cast<int>(left);
    if (look_until([&] { return call->finished.load(std::memory_order_acquire) == took; })) return true;
    Lock lock(mutex);
    waiting.fetch_add(1, std::memory_order_seq_cst);
    while (call->finished.load(std::memory_order_seq_cst) != took) offer_done.wait(lock);
    waiting.fetch_sub(1, std::memory_order_relaxed);
    return true;
  }

  // With the lock held: helps a call if there is one that wants it; false when there was none, even after a while.
  bool serve(Lock& lock) {
    Call* const call = call_that_wants_help();
    if (call != nullptr) help(call, lock);
    return call != nullptr || look_out(lock);
  }

  // With the lock held: sleeps as `wait` says.
  template <typename Wait>
  void sleep(const Wait& wait) {
    Sleeper self{current_thread(), sleepers};
    sleepers = &self;
    asleep++;
    wait();
    Sleeper** link = &sleepers;
    while (*link != &self) link = &(*link)->following;
    *link = self.following;
    asleep--;
    if (woken > 0) woken--;
  }

  void serve_forever() {
    Lock lock(mutex);
    for (;;) {
      if (!serve(lock)) sleep([&] { wake.wait(lock); });
    }
  }

  // With the lock held: how many sleepers to wake for a call that has room for `helpers`.
  int to_wake(int helpers) {
    const int missing = helpers - looking.load(std::memory_order_relaxed) - woken, left = asleep - woken;
    const int count = missing < left ? missing : left;
    if (count <= 0) return 0;
    if (woken == 0) woken_at = std::chrono::steady_clock::now();
    woken += count;
    return count;
  }

  // With the lock held: moves threads that were woken and still do not run to another processor. The system puts a
  // thread beside the one that woke it when no other processor is free at that moment (the one of a JavaScript thread
  // that is just about to wait, say) and leaves it there, where it only gets what its caller does not use.
  void move_late_sleepers() {
    if (woken == 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - woken_at < kLate) return;
    woken_at = now;
    for (Sleeper* sleeper = sleepers; sleeper != nullptr; sleeper = sleeper->following) move_away(sleeper->thread);
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
DWORD WINAPI serve(void* pool) { return static_cast<Pool*>(pool)->serve_forever(), 0; }

bool start_thread(Pool* pool) {
  const HANDLE thread = CreateThread(nullptr, 0, serve, pool, 0, nullptr);
  if (thread == nullptr) return false;
  CloseHandle(thread);
  return true;
}
#else
void* serve(void* pool) { return static_cast<Pool*>(pool)->serve_forever(), nullptr; }

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

// Does the tasks [first, first + tasks) with what other threads help.
void share_tasks(int64_t first, int64_t tasks, ParallelBody body, void* context, const volatile int32_t* cancel) {
  Pool& shared = pool();
  Call call;
  call.body = body;
  call.context = context;
  call.first = first;
  call.tasks = tasks;
  call.cancel = cancel;
  const int limit = thread_limit();
  call.limit = limit < tasks ? limit : static_cast<int>(tasks);
  if (call.limit <= 1) return call.work(0);
  if (shared.share_offered(&call)) return;
  int to_wake;
  {
    const Lock lock = brief_lock(shared.mutex);
    while (shared.own + shared.donated < call.limit - 1 && start_thread(&shared)) shared.own++;
    Call** last = &shared.calls;
    while (*last != nullptr) last = &(*last)->following;
    *last = &call;
    shared.posted.fetch_add(1, std::memory_order_relaxed);
    shared.move_late_sleepers();
    to_wake = shared.to_wake(call.limit - 1);
  }
  for (int i = 0; i < to_wake; i++) shared.wake.notify_one();
  call.work(0);
  look_until([&] { return call.active.load(std::memory_order_acquire) == 0; });
  Lock lock = brief_lock(shared.mutex);
  Call** link = &shared.calls;
  while (*link != &call) link = &(*link)->following;
  *link = call.following;
  while (call.active.load(std::memory_order_relaxed) != 0) call.left.wait(lock);
}

void serial_for(int64_t tasks, ParallelBody body, void* context, const volatile int32_t* cancel, int worker) {
  for (int64_t task = 0; task < tasks && !cancelled(cancel); task++) body(context, task, worker);
}

}  // namespace

void parallel_for(int64_t tasks, ParallelBody body, void* context, const volatile int32_t* cancel) {
  if (t_worker >= 0) return serial_for(tasks, body, context, cancel, t_worker);
  for (int64_t first = 0; first < tasks; first += kMostTasks) {
    share_tasks(first, tasks - first < kMostTasks ? tasks - first : kMostTasks, body, context, cancel);
  }
}

int thread_limit() {
  const int limit = pool().limit.load(std::memory_order_relaxed);
  return t_cap > 0 && t_cap < limit ? t_cap : limit;
}

void set_thread_limit(int threads) {
  pool().limit.store(threads < 1 ? 1 : threads > kMaxThreads ? kMaxThreads : threads, std::memory_order_relaxed);
}

bool take_lost_thread() { return false; }

PoolThreads pool_threads() {
  Pool& shared = pool();
  Lock lock(shared.mutex);
  return {shared.own, shared.donated};
}

ThreadCap::ThreadCap(int threads) : before_(t_cap) { t_cap = threads; }
ThreadCap::~ThreadCap() { t_cap = before_; }

ParallelRun::ParallelRun() : counted_(thread_limit() > 1) {
  if (counted_) pool().runs.fetch_add(1, std::memory_order_relaxed);
}
ParallelRun::~ParallelRun() {
  if (counted_) pool().runs.fetch_sub(1, std::memory_order_relaxed);
}

void donate_thread(const volatile int32_t* stop) {
  // How often a lent thread that has nothing to do looks at *stop, which its owner sets without telling the pool.
  constexpr auto kLook = std::chrono::milliseconds(20);
  Pool& shared = pool();
  Lock lock(shared.mutex);
  shared.donated++;
  while (load_flag(stop) == 0) {
    if (!shared.serve(lock)) shared.sleep([&] { shared.wake.wait_for(lock, kLook); });
  }
  shared.donated--;
}

}  // namespace lowbit
#endif
