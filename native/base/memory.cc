// Aligned memory: malloc a little more, and keep what was allocated in front of the aligned part. Lasting blocks of
// many pages come from the system, on large pages.
#include "native/base/memory.h"

#include <cstdlib>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace lowbit {

namespace {

// What lies in front of every block.
struct Origin {
  void* memory;
  size_t mapped;  // bytes that the system gave; 0: malloc did
};

// The first multiple of `alignment` in `memory` that leaves room for the origin before it.
void* align_behind_origin(const Origin& origin, size_t alignment) {
  const uintptr_t first = reinterpret_cast<uintptr_t>(origin.memory) + sizeof(Origin);
  void* const aligned = reinterpret_cast<void*>((first + alignment - 1) & ~static_cast<uintptr_t>(alignment - 1));
  static_cast<Origin*>(aligned)[-1] = origin;
  return aligned;
}

#if defined(__linux__) && defined(MADV_HUGEPAGE)
// Of x86, and of ARM with pages of 4 KiB; where large pages are larger the request below does nothing.
constexpr size_t kLargePage = size_t{2} << 20;
// Smaller blocks are read from caches, whose pages the processor remembers anyway.
constexpr size_t kLargeBlock = 2 * kLargePage;
#endif

}  // namespace

void* allocate_aligned(size_t bytes) {
  const size_t extra = kAlignment + sizeof(Origin);
  if (bytes > SIZE_MAX / 2 - extra) return nullptr;
  void* const memory = malloc(bytes + extra);
  return memory == nullptr ? nullptr : align_behind_origin({memory, 0}, kAlignment);
}

void* allocate_lasting(size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (bytes >= kLargeBlock && bytes <= SIZE_MAX / 2) {
    // Not from malloc, which may give what it had before, on the small pages that it had then.
    const size_t mapped = bytes + kLargePage + sizeof(Origin);
    void* const memory = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    void* const aligned = align_behind_origin({memory, mapped}, kLargePage);
    madvise(aligned, bytes / kLargePage * kLargePage, MADV_HUGEPAGE);
    return aligned;
  }
#endif
  return allocate_aligned(bytes);
}

void free_aligned(void* memory) {
  if (memory == nullptr) return;
  const Origin origin = static_cast<Origin*>(memory)[-1];
#if defined(__linux__)
  if (origin.mapped != 0) {
    munmap(origin.memory, origin.mapped);
    return;
  }
#endif
  free(origin.memory);
}

bool align_up(uint64_t value, uint64_t* aligned) {
  if (value > UINT64_MAX - (kAlignment - 1)) return false;
  *aligned = (value + kAlignment - 1) & ~static_cast<uint64_t>(kAlignment - 1);
  return true;
}

}  // namespace lowbit
