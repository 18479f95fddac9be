// malloc and free for WebAssembly: first fit over a list of free blocks in address order, merged when freed.
//
// The module then needs no allocator of a C library, so nothing of one is linked but memcpy and its kin. A plan makes a
// few dozen allocations and keeps them, so the search of the list does not matter; what matters is that large arenas
// come back whole.
#if defined(__wasm__)
#include <stddef.h>
#include <stdint.h>

extern unsigned char __heap_base;  // from the linker: the first byte behind data and stack

namespace {

constexpr size_t kPage = 65536;
constexpr size_t kGrain = 16;  // alignment of malloc, and the unit of sizes

// In front of every block:
//   0 size    bytes of the block with this header, a multiple of kGrain
//   4 next    the next free block by address; meaningless in a block that is in use
//   8, 12     unused, so that what follows is aligned to kGrain
struct alignas(kGrain) Block {
  uint32_t size;
  Block* next;
};
static_assert(sizeof(Block) == kGrain, "a header is one grain");

Block* free_blocks = nullptr;
uintptr_t heap_end = 0;  // the memory from the heap's base up to here is blocks

unsigned char* end_of(Block* block) { return reinterpret_cast<unsigned char*>(block) + block->size; }

// Puts a block on the list and merges it with its neighbours.
void release(Block* block) {
  Block* before = nullptr;
  Block* after = free_blocks;
  while (after != nullptr && after < block) {
    before = after;
    after = after->next;
  }
  block->next = after;
  if (after != nullptr && end_of(block) == reinterpret_cast<unsigned char*>(after)) {
    block->size += after->size;
    block->next = after->next;
  }
  if (before == nullptr) {
    free_blocks = block;
  } else if (end_of(before) == reinterpret_cast<unsigned char*>(block)) {
    before->size += block->size;
    before->next = block->next;
  } else {
    before->next = block;
  }
}

// Adds at least `size` bytes of fresh memory to the list; false when the engine gives none.
bool grow(size_t size) {
  const uintptr_t memory_end = __builtin_wasm_memory_size(0) * kPage;
  if (heap_end == 0) {
    heap_end = (reinterpret_cast<uintptr_t>(&__heap_base) + kGrain - 1) & ~(kGrain - 1);
  }
  uintptr_t end = memory_end;
  // The last page of a 4 GB memory ends at 2^32, which a pointer cannot hold: it is never used.
  if (heap_end > memory_end || memory_end - heap_end < size) {
    const size_t pages = (size + kPage - 1) / kPage;
    if (pages > 65535 - memory_end / kPage) return false;
    if (__builtin_wasm_memory_grow(0, pages) == static_cast<size_t>(-1)) return false;
    end = memory_end + pages * kPage;
  }
  Block* const block = reinterpret_cast<Block*>(heap_end);
  block->size = static_cast<uint32_t>(end - heap_end);
  heap_end = end;
  release(block);
  return true;
}

Block* take(size_t size) {
  Block* before = nullptr;
  for (Block* block = free_blocks; block != nullptr; before = block, block = block->next) {
    if (block->size < size) continue;
    Block* rest = block->next;
    if (block->size >= size + 2 * sizeof(Block)) {
      rest = reinterpret_cast<Block*>(reinterpret_cast<unsigned char*>(block) + size);
      rest->size = static_cast<uint32_t>(block->size - size);
      rest->next = block->next;
      block->size = static_cast<uint32_t>(size);
    }
    (before == nullptr ? free_blocks : before->next) = rest;
    return block;
  }
  return nullptr;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) void* malloc(size_t bytes) {
  if (bytes > UINT32_MAX - kPage) return nullptr;
  const size_t size = ((bytes + kGrain - 1) & ~(kGrain - 1)) + sizeof(Block);
  Block* block = take(size);
  if (block == nullptr && grow(size)) block = take(size);
  return block == nullptr ? nullptr : block + 1;
}

__attribute__((visibility("default"))) void free(void* memory) {
  if (memory != nullptr) release(static_cast<Block*>(memory) - 1);
}

void* calloc(size_t count, size_t bytes) {
  if (bytes != 0 && count > SIZE_MAX / bytes) return nullptr;
  void* const memory = malloc(count * bytes);
  if (memory != nullptr) __builtin_memset(memory, 0, count * bytes);
  return memory;
}

void* realloc(void* memory, size_t bytes) {
  if (memory == nullptr) return malloc(bytes);
  const size_t room = (static_cast<Block*>(memory) - 1)->size - sizeof(Block);
  if (bytes <= room) return memory;
  void* const moved = malloc(bytes);
  if (moved == nullptr) return nullptr;
  __builtin_memcpy(moved, memory, room);
  free(memory);
  return moved;
}

}  // extern "C"
#endif
