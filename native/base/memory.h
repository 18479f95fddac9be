// Aligned memory from malloc, without posix_memalign (which Electron's allocator does not offer everywhere).
#pragma once

#include <cstddef>
#include <cstdint>

namespace lowbit {

// One cache line of every machine that matters, and the width of an AVX-512 register.
constexpr size_t kAlignment = 64;

// `bytes` bytes on a multiple of kAlignment, not initialized; null when there is no memory. Zero bytes give a valid
// pointer.
void* allocate_aligned(size_t bytes);
// The same for blocks that live long, such as the weights of a plan: of 4 MiB or more they start on a large page and,
// where the system has such pages to give, lie on them. Reading weights from memory with a page to find every 4 KiB
// takes up to a sixth longer.
void* allocate_lasting(size_t bytes);
// Of either.
void free_aligned(void* memory);

// value rounded up to a multiple of kAlignment; false when the result does not fit.
bool align_up(uint64_t value, uint64_t* aligned);

}  // namespace lowbit
