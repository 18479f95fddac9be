// A mutex and its lock, which cost nothing in WebAssembly: one thread calls the functions of a memory, and the threads
// that help it (wasm_parallel.cc) only run tasks.
#pragma once

#if !defined(__wasm__)
#include <mutex>
#endif

namespace lowbit {

#if !defined(__wasm__)
using Mutex = std::mutex;
using Lock = std::unique_lock<std::mutex>;
#else
struct Mutex {};
struct Lock {
  explicit Lock(Mutex&) {}
};
#endif

}  // namespace lowbit
