// The processors that this process may use, by its affinity mask and its container's quota, and which of them a thread
// runs on.
#include "native/base/parallel.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#elif defined(_WIN32)
#include <windows.h>
#elif !defined(__wasm__)
#include <unistd.h>
#endif

namespace lowbit {

#if defined(__linux__)
namespace {

// Longer paths than this are not looked at: the quota then counts as absent.
constexpr size_t kMaxPath = 512;

// The first line of a small file, without its end; false when there is none.
bool first_line(const char* path, char* line, int capacity) {
  FILE* const file = fopen(path, "re");
  if (file == nullptr) return false;
  const bool found = fgets(line, capacity, file) != nullptr;
  fclose(file);
  if (found) line[strcspn(line, "\n")] = '\0';
  return found;
}

// quota / period of one group, rounded up, when it lowers `threads`.
int lowered(int threads, double quota, double period) {
  if (!(quota > 0) || !(period > 0)) return threads;
  const double whole = quota / period;
  const int allowed = whole < 1 ? 1 : static_cast<int>(whole + 0.999);
  return allowed < threads ? allowed : threads;
}

// Version 2: `cpu.max` holds "<quota or max> <period>".
int group_v2(const char* directory, int threads) {
  char path[kMaxPath + 32], line[64], *rest = nullptr;
  snprintf(path, sizeof path, "%s/cpu.max", directory);
  if (!first_line(path, line, sizeof line)) return threads;
  const double quota = strtod(line, &rest);
  return rest == line ? threads : lowered(threads, quota, strtod(rest, nullptr));
}

// Version 1: two files, quota -1 when there is none.
int group_v1(const char* directory, int threads) {
  char path[kMaxPath + 32], quota[64], period[64];
  snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", directory);
  if (!first_line(path, quota, sizeof quota)) return threads;
  snprintf(path, sizeof path, "%s/cpu.cfs_period_us", directory);
  if (!first_line(path, period, sizeof period)) return threads;
  return lowered(threads, strtod(quota, nullptr), strtod(period, nullptr));
}

// A quota holds for all groups below it, so every directory from the process's own up to the mount counts.
template <typename Group>
int up_to_mount(const char* mount, const char* group_path, int threads, Group group) {
  char directory[kMaxPath];
  const int length = snprintf(directory, sizeof directory, "%s%s", mount, group_path);
  if (length < 0 || static_cast<size_t>(length) >= sizeof directory) return group(mount, threads);
  for (;;) {
    threads = group(directory, threads);
    char* const slash = strrchr(directory, '/');
    if (slash == nullptr || static_cast<size_t>(slash - directory) < strlen(mount)) return threads;
    *slash = '\0';
  }
}

int lowered_by_quota(int threads) {
  FILE* const file = fopen("/proc/self/cgroup", "re");
  if (file == nullptr) return threads;
  char line[kMaxPath];
  while (fgets(line, sizeof line, file) != nullptr) {  // "<id>:<controllers>:<path>"
    line[strcspn(line, "\n")] = '\0';
    char* const controllers = strchr(line, ':');
    char* const path = controllers == nullptr ? nullptr : strchr(controllers + 1, ':');
    if (path == nullptr) continue;
    *path = '\0';
    const char* const group_path = path + 1;
    if (controllers[1] == '\0') {
      threads = up_to_mount("/sys/fs/cgroup", group_path, threads, group_v2);
    } else if (strstr(controllers + 1, "cpu") != nullptr) {
      threads = up_to_mount("/sys/fs/cgroup/cpu", group_path, threads, group_v1);
    }
  }
  fclose(file);
  return threads;
}

}  // namespace
#endif

#if defined(__linux__)
int current_thread() { return static_cast<int>(syscall(SYS_gettid)); }

void move_away(int thread) {
  const int here = sched_getcpu();
  cpu_set_t allowed;
  if (here < 0 || sched_getaffinity(thread, sizeof allowed, &allowed) != 0 || !CPU_ISSET(here, &allowed)) return;
  cpu_set_t others = allowed;
  CPU_CLR(here, &others);
  if (CPU_COUNT(&others) == 0) return;
  // A thread that waits for a processor that it may no longer use moves at once, and stays when it may use it again.
  if (sched_setaffinity(thread, sizeof others, &others) == 0) sched_setaffinity(thread, sizeof allowed, &allowed);
}
#else
int current_thread() { return 0; }
void move_away(int) {}
#endif

int default_threads() {
  int threads = 1;
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) threads = CPU_COUNT(&set);
  threads = lowered_by_quota(threads);
#elif defined(_WIN32)
  DWORD_PTR process = 0, system = 0;
  if (GetProcessAffinityMask(GetCurrentProcess(), &process, &system)) {
    threads = 0;
    for (; process != 0; process &= process - 1) threads++;
  }
#elif !defined(__wasm__)
  threads = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
#endif
  return threads < 1 ? 1 : threads > kMaxThreads ? kMaxThreads : threads;
}

}  // namespace lowbit
