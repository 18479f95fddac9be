// The data caches of a core, from cpuid, sysfs or sysctl.
#include "native/base/caches.h"

#if defined(__x86_64__) && !defined(_MSC_VER)
#include <cpuid.h>
#elif defined(__x86_64__) || defined(_M_X64)
#include <intrin.h>
#endif
#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif
#if !defined(__wasm__)
#include <cstdio>
#include <cstdlib>
#include <cstring>
#endif

namespace lowbit {

namespace {

// More levels than any processor has.
constexpr uint32_t kMostCaches = 16;

// What was found of each level so far: bytes, and the threads that share them.
struct Levels {
  int64_t bytes[3] = {}, sharing[3] = {};

  void add(uint32_t level, int64_t size, int64_t threads) {
    if (level > 2 || size <= 0) return;
    bytes[level] = size;
    sharing[level] = threads < 1 ? 1 : threads;
  }

  // The threads that share a first-level cache are one core.
  Caches per_core() const {
    Caches found = kLeastCaches;
    if (bytes[1] > 0) found.l1 = bytes[1];
    const int64_t cores = bytes[1] > 0 && sharing[2] > sharing[1] ? sharing[2] / sharing[1] : 1;
    if (bytes[2] > 0) found.l2 = bytes[2] / cores;
    return found;
  }
};

}  // namespace

Caches caches_of_leaves(ReadCacheLeaf read) {
  Levels levels;
  for (uint32_t i = 0; i < kMostCaches; i++) {
    const CacheLeaf leaf = read(i);
    const uint32_t type = leaf.eax & 31;
    if (type == 0) break;
    if (type != 1 && type != 3) continue;  // 1 data, 3 data and instructions
    const int64_t ways = (leaf.ebx >> 22) + 1, partitions = (leaf.ebx >> 12 & 1023) + 1, line = (leaf.ebx & 4095) + 1;
    levels.add(leaf.eax >> 5 & 7, ways * partitions * line * (int64_t{leaf.ecx} + 1), (leaf.eax >> 14 & 4095) + 1);
  }
  return levels.per_core();
}

#if defined(__wasm__)

Caches caches_of_directory(const char*) { return kLeastCaches; }

#else

namespace {

// The text of <directory>/index<index>/<name>, without its end; false when there is none.
bool read_attribute(const char* directory, uint32_t index, const char* name, char* text, int capacity) {
  char path[512];
  const int length = snprintf(path, sizeof path, "%s/index%u/%s", directory, index, name);
  if (length < 0 || static_cast<size_t>(length) >= sizeof path) return false;
  FILE* const file = fopen(path, "r");
  if (file == nullptr) return false;
  const bool found = fgets(text, capacity, file) != nullptr;
  fclose(file);
  if (found) text[strcspn(text, "\n")] = '\0';
  return found;
}

// How many numbers a list such as "0-3,8" names.
int64_t count_of_list(const char* list) {
  int64_t count = 0;
  while (*list >= '0' && *list <= '9') {
    char* rest = nullptr;
    const long first = strtol(list, &rest, 10);
    const long last = *rest == '-' ? strtol(rest + 1, &rest, 10) : first;
    count += last - first + 1;
    list = *rest == ',' ? rest + 1 : rest;
  }
  return count;
}

}  // namespace

Caches caches_of_directory(const char* directory) {
  Levels levels;
  for (uint32_t i = 0; i < kMostCaches; i++) {
    char level[16], type[32], size[32], shared[256];
    if (!read_attribute(directory, i, "level", level, sizeof level)) break;
    if (!read_attribute(directory, i, "type", type, sizeof type) || strcmp(type, "Instruction") == 0) continue;
    if (!read_attribute(directory, i, "size", size, sizeof size)) continue;
    char* unit = nullptr;
    const int64_t number = strtol(size, &unit, 10);
    const int64_t bytes = *unit == 'K' ? number << 10 : *unit == 'M' ? number << 20 : number;
    const bool listed = read_attribute(directory, i, "shared_cpu_list", shared, sizeof shared);
    levels.add(static_cast<uint32_t>(strtoul(level, nullptr, 10)), bytes, listed ? count_of_list(shared) : 1);
  }
  return levels.per_core();
}

#endif

namespace {

#if defined(__x86_64__) || defined(_M_X64)

CacheLeaf read_leaf(uint32_t leaf, uint32_t subleaf) {
#if defined(_MSC_VER)
  int words[4];
  __cpuidex(words, static_cast<int>(leaf), static_cast<int>(subleaf));
  return {uint32_t(words[0]), uint32_t(words[1]), uint32_t(words[2])};
#else
  CacheLeaf out = {};
  uint32_t edx = 0;
  __cpuid_count(leaf, subleaf, out.eax, out.ebx, out.ecx, edx);
  return out;
#endif
}

// AMD describes its caches in the second leaf and leaves the first empty; it exists where 0x80000000 says so and
// topology extensions (bit 22) are there.
Caches detect() {
  if (read_leaf(0, 0).eax >= 4 && (read_leaf(4, 0).eax & 31) != 0) {
    return caches_of_leaves([](uint32_t subleaf) { return read_leaf(4, subleaf); });
  }
  if (read_leaf(0x80000000u, 0).eax >= 0x8000001Du && (read_leaf(0x80000001u, 0).ecx >> 22 & 1) != 0) {
    return caches_of_leaves([](uint32_t subleaf) { return read_leaf(0x8000001Du, subleaf); });
  }
  return kLeastCaches;
}

#elif defined(__APPLE__)

int64_t value_of(const char* name) {
  uint64_t value = 0;
  size_t size = sizeof value;
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 ? static_cast<int64_t>(value) : 0;
}

Caches detect() {
  Levels levels;
  levels.add(1, value_of("hw.perflevel0.l1dcachesize"), 1);
  levels.add(2, value_of("hw.perflevel0.l2cachesize"), value_of("hw.perflevel0.cpusperl2"));
  return levels.per_core();
}

#elif defined(__linux__)

Caches detect() { return caches_of_directory("/sys/devices/system/cpu/cpu0/cache"); }

#else

Caches detect() { return kLeastCaches; }

#endif

}  // namespace

const Caches& caches() {
  static const Caches found = detect();
  return found;
}

}  // namespace lowbit
