// A mutex and its lock, which cost nothing where there are no threads (WebAssembly).
#pragma once

#if defined(__wasm__)
#define LOWBIT_THREADS 0
#else
#define LOWBIT_THREADS 1
#include <mutex>
#endif

namespace lowbit {

#if LOWBIT_THREADS
using Mutex = std::mutex;
using Lock = std::unique_lock<std::mutex>;
#else
struct Mutex {};
struct Lock {
  explicit Lock(Mutex&) {}
};
#endif

}  // namespace lowbit
