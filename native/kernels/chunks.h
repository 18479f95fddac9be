// How elementwise work is cut into tasks for the thread pool.
#pragma once

#include <cstdint>

namespace lowbit {

// A task is worth handing to another thread from about this many bytes on (a few microseconds of memory traffic).
constexpr int64_t kTaskBytes = 32 * 1024;
// More tasks than any pool has threads would only cost bookkeeping.
constexpr int64_t kMostTasks = 512;

// What an instruction's caller loses by handing work to another thread that looks out for it and by waiting for the
// end: 0.4 to 0.5 microseconds (docs/threads.md).
constexpr int64_t kHandOverNanoseconds = 500;

// The tasks that work of so many nanoseconds on one thread is cut into: one where handing over costs what it gains,
// then one per thread, which shares the work and what it reads and writes best, and several per thread of long work,
// which even out what others do to the machine.
inline int64_t tasks_worth(int64_t nanoseconds, int threads) {
  if (threads <= 1 || nanoseconds < 3 * kHandOverNanoseconds) return 1;
  const int64_t most = nanoseconds / (2 * kHandOverNanoseconds);
  if (most <= threads) return most < 2 ? 2 : most;
  const int64_t each = most / threads;
  return threads * (each > 16 ? 4 : each > 4 ? 2 : 1);
}

// `count` tasks of `step` units each (the last may be smaller).
struct Chunks {
  int64_t count, step;
  int64_t begin(int64_t task) const { return task * step; }
  int64_t end(int64_t task, int64_t units) const { return (task + 1) * step < units ? (task + 1) * step : units; }
};

// Cuts `units` of unit_bytes each; `multiple` keeps the borders on multiples of that many units.
inline Chunks cut(int64_t units, int64_t unit_bytes, int64_t multiple = 1) {
  int64_t step = unit_bytes >= kTaskBytes ? 1 : (kTaskBytes + unit_bytes - 1) / (unit_bytes < 1 ? 1 : unit_bytes);
  if (units / step > kMostTasks) step = units / kMostTasks + 1;
  step = (step + multiple - 1) / multiple * multiple;
  return {units <= 0 ? 0 : (units + step - 1) / step, step};
}

}  // namespace lowbit
