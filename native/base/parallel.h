// One pool of worker threads for the process, and parallel_for over it.
#pragma once

#include <cstdint>

namespace lowbit {

// Calls body(context, task, worker) once for every task in [0, tasks), in any order, from at most thread_limit()
// threads at a time, the calling thread being one of them. `worker` is in [0, thread_limit()) and unique among the
// threads that run this call at the same time: it indexes per-worker scratch. Returns when all tasks are done, or, when
// *cancel becomes non-zero, as soon as the tasks that have begun are done. Concurrent calls share the pool; a call from
// inside a task runs serially.
using ParallelBody = void (*)(void* context, int64_t task, int worker);
void parallel_for(int64_t tasks, ParallelBody body, void* context, const volatile int32_t* cancel);

// The same for a lambda `(int64_t task, int worker)`.
template <typename Body>
void parallel_for(int64_t tasks, Body& body, const volatile int32_t* cancel) {
  parallel_for(
      tasks, [](void* context, int64_t task, int worker) { (*static_cast<Body*>(context))(task, worker); }, &body,
      cancel);
}

// The number of threads that a parallel_for of this thread may use (itself included), from 1 to kMaxThreads.
constexpr int kMaxThreads = 256;
int thread_limit();
void set_thread_limit(int threads);

// While one lives, calls from its thread use at most `threads` threads, whatever thread_limit() becomes meanwhile.
class ThreadCap {
 public:
  explicit ThreadCap(int threads);
  ~ThreadCap();
  ThreadCap(const ThreadCap&) = delete;
  ThreadCap& operator=(const ThreadCap&) = delete;

 private:
  [[maybe_unused]] int before_;
};

// While one lives, threads of the pool that have nothing to do look out for a while before they sleep, because the next
// parallel_for of the run is near. To be made behind the run's ThreadCap; without a second thread it does nothing.
class ParallelRun {
 public:
  ParallelRun();
  ~ParallelRun();
  ParallelRun(const ParallelRun&) = delete;
  ParallelRun& operator=(const ParallelRun&) = delete;

 private:
  [[maybe_unused]] bool counted_;
};

// The threads that serve the pool besides its callers: started by it, and lent to it.
struct PoolThreads {
  int own, donated;
};
PoolThreads pool_threads();

// What the machine offers: processors that this process may run on, lowered by its container's limit.
int default_threads();

// The number of the calling thread, and a request to the system to run a thread of this process on any other processor
// than the caller's, as far as it may run there. Linux only: elsewhere 0, and nothing happens.
int current_thread();
void move_away(int thread);

// Whether a thread that was lent has ended in the middle of a task since the last time that somebody asked: what the
// calls since then were to compute is not whole. Only WebAssembly can tell; elsewhere such an end is that of the
// process.
bool take_lost_thread();

// Lends the calling thread to the pool until `*stop` becomes non-zero: for hosts that own their threads (WebAssembly).
void donate_thread(const volatile int32_t* stop);

}  // namespace lowbit
