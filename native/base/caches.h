// The data caches of a core: what blocked kernels cut their work by.
#pragma once

#include <cstdint>

namespace lowbit {

// Bytes that one core has for itself: of a cache that cores share, its part.
struct Caches {
  int64_t l1, l2;
};

// What counts where nothing is known: every processor with the instruction sets of isa.inc has as much. WebAssembly
// never knows; its kernels read rows that are not in the second level fast enough, and gain from long blocks where they
// are.
#if defined(__wasm__)
constexpr Caches kLeastCaches = {32 * 1024, 1024 * 1024};
#else
constexpr Caches kLeastCaches = {32 * 1024, 256 * 1024};
#endif

// Of the processor that this runs on, found once.
const Caches& caches();

// The pieces of it, for tests. A level that is not described, or is 0, keeps what kLeastCaches says.

// The registers of one subleaf of cpuid leaf 4 (Intel) or 0x8000001D (AMD), which have the same form.
struct CacheLeaf {
  uint32_t eax, ebx, ecx;
};
using ReadCacheLeaf = CacheLeaf (*)(uint32_t subleaf);
Caches caches_of_leaves(ReadCacheLeaf read);
// A directory such as /sys/devices/system/cpu/cpu0/cache.
Caches caches_of_directory(const char* directory);

}  // namespace lowbit
