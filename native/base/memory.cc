// Aligned memory: malloc a little more, and keep malloc's pointer in front of the aligned one.
#include "native/base/memory.h"

#include <cstdlib>

namespace lowbit {

void* allocate_aligned(size_t bytes) {
  const size_t extra = kAlignment + sizeof(void*);
  if (bytes > SIZE_MAX / 2 - extra) return nullptr;
  void* const memory = malloc(bytes + extra);
  if (memory == nullptr) return nullptr;
  const uintptr_t first = reinterpret_cast<uintptr_t>(memory) + sizeof(void*);
  void* const aligned = reinterpret_cast<void*>((first + kAlignment - 1) & ~static_cast<uintptr_t>(kAlignment - 1));
  static_cast<void**>(aligned)[-1] = memory;
  return aligned;
}

void free_aligned(void* memory) {
  if (memory != nullptr) free(static_cast<void**>(memory)[-1]);
}

bool align_up(uint64_t value, uint64_t* aligned) {
  if (value > UINT64_MAX - (kAlignment - 1)) return false;
  *aligned = (value + kAlignment - 1) & ~static_cast<uint64_t>(kAlignment - 1);
  return true;
}

}  // namespace lowbit
