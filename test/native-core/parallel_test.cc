// Checks of the pool as a program: prints one line per check that failed and exits with their number.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <thread>
#include <vector>

#include "native/base/flag.h"
#include "native/base/parallel.h"

namespace {

int failures = 0;

void check(bool condition, const char* what) {
  if (condition) return;
  failures++;
  std::printf("failed: %s\n", what);
}

using namespace lowbit;

// Every task once, and no worker number twice at the same time.
bool covers(int64_t tasks) {
  std::unique_ptr<std::atomic<int>[]> times(new std::atomic<int>[static_cast<size_t>(tasks)]());
  std::atomic<int> inside[kMaxThreads] = {};
  std::atomic<bool> shared{false};
  auto body = [&](int64_t task, int worker) {
    if (worker < 0 || worker >= thread_limit() || inside[worker].fetch_add(1) != 0) shared = true;
    times[static_cast<size_t>(task)].fetch_add(1);
    for (volatile int spin = 0; spin < 200; spin = spin + 1) {
    }
    inside[worker].fetch_sub(1);
  };
  parallel_for(tasks, body, nullptr);
  for (int64_t i = 0; i < tasks; i++) {
    if (times[static_cast<size_t>(i)] != 1) return false;
  }
  return !shared;
}

void nested_calls_are_serial() {
  std::atomic<int64_t> sum{0};
  std::atomic<bool> moved{false};
  auto outer = [&](int64_t, int worker) {
    const std::thread::id here = std::this_thread::get_id();
    auto inner = [&](int64_t task, int inner_worker) {
      if (std::this_thread::get_id() != here || inner_worker != worker) moved = true;
      sum += task;
    };
    parallel_for(10, inner, nullptr);
  };
  parallel_for(8, outer, nullptr);
  parallel_for(1, outer, nullptr);
  check(sum == 9 * 45, "nested calls do all their tasks");
  check(!moved, "nested calls stay on their thread, with its worker number");
}

void cancellation_stops() {
  volatile int32_t cancel = 0;
  std::atomic<int64_t> done{0};
  auto body = [&](int64_t, int) {
    if (done.fetch_add(1) == 10) store_flag(&cancel, 1);
  };
  parallel_for(1000000, body, &cancel);
  check(done < 1000000, "a cancelled call leaves tasks out");
  done = 0;
  parallel_for(100, body, &cancel);
  check(done == 0, "a call that was cancelled before does nothing");
}

void callers_share_the_pool() {
  std::vector<std::thread> callers;
  std::atomic<int> good{0};
  for (int i = 0; i < 6; i++) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; round++) good += covers(37) ? 1 : 0;
    });
  }
  for (std::thread& caller : callers) caller.join();
  check(good == 300, "concurrent callers each get all their tasks");
  check(pool_threads().own <= thread_limit() - 1, "concurrent callers start no more threads than one");
}

void caps_hold() {
  const ThreadCap cap(2);
  check(thread_limit() == 2, "a cap lowers the limit of its thread");
  std::atomic<int> most{0};
  auto body = [&](int64_t, int worker) {
    int seen = most;
    while (worker > seen && !most.compare_exchange_weak(seen, worker)) {
    }
  };
  parallel_for(10000, body, nullptr);
  check(most < 2, "a cap of two threads keeps worker numbers below two");
}

// Calls of a run, so close together that workers do not sleep between them, and pauses in which they begin to.
void runs_do_all_their_tasks() {
  std::vector<std::thread> callers;
  std::atomic<int> good{0};
  for (int i = 0; i < 3; i++) {
    callers.emplace_back([&] {
      for (int round = 0; round < 20; round++) {
        const ParallelRun run;
        for (int call = 0; call < 30; call++) good += covers(1 + call % 7) ? 1 : 0;
        std::this_thread::sleep_for(std::chrono::microseconds(150));
        good += covers(9) ? 1 : 0;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  check(good == 3 * 20 * 31, "calls of runs each get all their tasks");
}

// Helpers that are still at work long after their caller has nothing left to do.
void callers_wait_for_their_helpers() {
  const ParallelRun run;
  int good = 0;
  for (int round = 0; round < 100; round++) {
    std::atomic<int> done{0};
    auto body = [&](int64_t, int worker) {
      if (worker != 0) std::this_thread::sleep_for(std::chrono::microseconds(400));
      done++;
    };
    parallel_for(5, body, nullptr);
    good += done == 5 ? 1 : 0;
  }
  check(good == 100, "callers wait for their helpers");
}

void idle_threads_sleep() {
  {
    const ParallelRun run;
    covers(100);
  }
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double used = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC;
  check(used < 0.1, "threads without work use no processor");
}

void donated_threads_help() {
  volatile int32_t stop = 0;
  std::thread lent([&] { donate_thread(&stop); });
  while (pool_threads().donated == 0) std::this_thread::yield();
  const std::thread::id lender = lent.get_id();
  std::atomic<bool> helped{false};
  for (int round = 0; round < 1000 && !helped; round++) {
    auto body = [&](int64_t, int) {
      if (std::this_thread::get_id() == lender) helped = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
    parallel_for(8, body, nullptr);
  }
  check(helped, "a lent thread does tasks");
  store_flag(&stop, 1);
  lent.join();
  check(pool_threads().donated == 0, "a lent thread returns");
}

}  // namespace

int main() {
  check(default_threads() >= 1 && default_threads() <= kMaxThreads, "the machine has a sane number of threads");
  check(thread_limit() == default_threads(), "the default limit is the machine's");
  set_thread_limit(1);
  check(covers(100), "one thread does all tasks");
  check(pool_threads().own == 0, "one thread needs no pool");
  set_thread_limit(2);
  donated_threads_help();
  set_thread_limit(4);
  for (const int64_t tasks : {0, 1, 2, 3, 4, 5, 100, 5000}) check(covers(tasks), "every task once");
  nested_calls_are_serial();
  cancellation_stops();
  callers_share_the_pool();
  caps_hold();
  runs_do_all_their_tasks();
  callers_wait_for_their_helpers();
  idle_threads_sleep();
  set_thread_limit(0);
  check(thread_limit() == 1, "a limit below one is one");
  set_thread_limit(kMaxThreads + 1);
  check(thread_limit() == kMaxThreads, "a limit above the most is the most");
  return failures;
}
