// Checks of the cache sizes and of the cut that uses them, as a program: one line per check that failed; exits with
// their number.
#include "native/base/caches.h"

#include <cstdio>
#include <initializer_list>

#include "native/kernels/pack/blocks.h"

namespace {

int failures = 0;

void check(bool condition, const char* what) {
  if (condition) return;
  failures++;
  std::printf("failed: %s\n", what);
}

using namespace lowbit;

uint32_t form(uint32_t type, uint32_t level, uint32_t threads) { return type | level << 5 | (threads - 1) << 14; }
uint32_t ways_of(uint32_t ways, uint32_t line) { return (ways - 1) << 22 | (line - 1); }

// 48 KiB for two threads of a core, instructions, 2 MiB, and a third level that does not count.
CacheLeaf two_threads_per_core(uint32_t subleaf) {
  switch (subleaf) {
    case 0:
      return {form(1, 1, 2), ways_of(12, 64), 63};
    case 1:
      return {form(2, 1, 2), ways_of(8, 64), 63};
    case 2:
      return {form(3, 2, 2), ways_of(16, 64), 2047};
    case 3:
      return {form(3, 3, 64), ways_of(12, 64), 65535};
    default:
      return {0, 0, 0};
  }
}

// Four cores of one thread share 4 MiB.
CacheLeaf shared_second_level(uint32_t subleaf) {
  if (subleaf == 0) return {form(1, 1, 1), ways_of(8, 64), 63};
  if (subleaf == 1) return {form(3, 2, 4), ways_of(16, 64), 4095};
  return {0, 0, 0};
}

CacheLeaf nothing(uint32_t) { return {0, 0, 0}; }

bool same(const Caches& found, int64_t l1, int64_t l2) { return found.l1 == l1 && found.l2 == l2; }

void cuts_cover(int64_t m, int64_t k, int64_t panels, int threads, int64_t l2) {
  const GemmBlocks blocks = gemm_i8_blocks(m, k, panels, threads, l2);
  check(blocks.panels >= 1 && blocks.panels <= kMaxPanels, "a step has 1 to kMaxPanels panels");
  check(blocks.steps * blocks.panels >= panels && (blocks.steps - 1) * blocks.panels < panels, "steps cover n");
  check(blocks.rows * blocks.row_blocks >= m && blocks.first_row(blocks.row_blocks, m) == m, "blocks cover m");
  check(blocks.first_step(0) == 0 && blocks.first_step(blocks.column_blocks) == blocks.steps, "tasks cover the steps");
}

}  // namespace

int main(int count, char** values) {
  check(same(caches_of_leaves(two_threads_per_core), 48 << 10, 2 << 20), "caches of a core with two threads");
  check(same(caches_of_leaves(shared_second_level), 32 << 10, 1 << 20), "a part of a shared second level");
  check(same(caches_of_leaves(nothing), kLeastCaches.l1, kLeastCaches.l2), "nothing described");
  check(count == 2 && same(caches_of_directory(values[1]), 64 << 10, 512 << 10), "a directory of the system");
  check(same(caches_of_directory("/no/such/directory"), kLeastCaches.l1, kLeastCaches.l2), "no directory");
  check(caches().l1 >= 4096 && caches().l2 >= caches().l1, "this machine has plausible caches");

  const GemmBlocks small = gemm_i8_blocks(512, 4096, 256, 1, 256 << 10);
  const GemmBlocks large = gemm_i8_blocks(512, 4096, 256, 1, 2 << 20);
  check(small.rows * 4096 <= 256 << 10 && large.rows * 4096 <= 2 << 20, "rows of a block fit in the second level");
  check(large.rows > small.rows, "more cache, longer blocks");
  for (int64_t m : {1, 5, 13, 96, 100, 1000, 12544}) {
    for (int64_t k : {1, 16, 384, 4096, 60000}) {
      for (int64_t panels : {1, 3, 4, 8, 9, 64, 257}) {
        for (int threads : {1, 2, 7}) cuts_cover(m, k, panels, threads, 256 << 10);
      }
    }
  }
  return failures;
}
