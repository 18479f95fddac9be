// The rows of isa.inc, and what the processor and the operating system offer.
#include "native/isa/isa.h"

#include <cstring>

#if defined(__x86_64__) && !defined(_MSC_VER)
#include <cpuid.h>
#elif defined(__x86_64__)
#include <immintrin.h>
#include <intrin.h>
#endif
#if defined(__linux__)
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#include <windows.h>
#endif

namespace lowbit {

const IsaRow& isa_row(Isa isa) {
  static const IsaRow rows[] = {
#define LOWBIT_ISA(name, architecture, rank, features) {#name, #architecture, rank, features},
#include "native/isa/isa.inc"
#undef LOWBIT_ISA
  };
  return rows[static_cast<int32_t>(isa)];
}

bool isa_named(const char* name, Isa* isa) {
  for (int32_t i = 0; i < static_cast<int32_t>(Isa::kCount); i++) {
    if (strcmp(isa_row(static_cast<Isa>(i)).name, name) == 0) {
      *isa = static_cast<Isa>(i);
      return true;
    }
  }
  return false;
}

const char* build_architecture() {
#if defined(__x86_64__)
  return "x86_64";
#elif defined(__aarch64__)
  return "aarch64";
#elif defined(__wasm__)
  return "wasm32";
#else
  return "any";
#endif
}

bool isa_usable(Isa isa, uint64_t features) {
  const IsaRow& row = isa_row(isa);
  const bool ours = strcmp(row.architecture, "any") == 0 || strcmp(row.architecture, build_architecture()) == 0;
  return ours && (row.features & ~features) == 0;
}

#if defined(__x86_64__)
namespace {

struct Cpuid {
  uint32_t eax, ebx, ecx, edx;
};

Cpuid cpuid(uint32_t leaf, uint32_t subleaf) {
  Cpuid out = {0, 0, 0, 0};
#if defined(_MSC_VER)
  int words[4];
  __cpuidex(words, static_cast<int>(leaf), static_cast<int>(subleaf));
  out = {uint32_t(words[0]), uint32_t(words[1]), uint32_t(words[2]), uint32_t(words[3])};
#else
  __cpuid_count(leaf, subleaf, out.eax, out.ebx, out.ecx, out.edx);
#endif
  return out;
}

// The register sets that the operating system saves on a switch of threads (XCR0).
uint64_t saved_registers() {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
#endif
}

constexpr uint64_t kSavesAvx = 0x6;      // XMM and YMM
constexpr uint64_t kSavesAvx512 = 0xe6;  // and opmask, the upper halves, and ZMM16-31
constexpr uint64_t kSavesAmx = 0x60000;  // TILECFG and TILEDATA

// Linux hands out the 8 kB of tile registers per process and on request (Documentation/arch/x86/xstate.rst).
bool amx_granted() {
#if defined(__linux__)
  constexpr long kArchRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;
  return syscall(SYS_arch_prctl, kArchRequestPermission, kTileData) == 0;
#elif defined(_WIN32)
  return true;  // Windows enables tiles on first use once XCR0 has them.
#else
  return false;
#endif
}

uint64_t detect() {
  if (cpuid(0, 0).eax < 7) return 0;
  const Cpuid one = cpuid(1, 0);
  const bool xsave = (one.ecx >> 27 & 1) != 0;
  const uint64_t saved = xsave ? saved_registers() : 0;
  const Cpuid seven = cpuid(7, 0);
  uint64_t features = 0;
  if ((saved & kSavesAvx) == kSavesAvx) {
    const bool f16c = (one.ecx >> 29 & 1) != 0;  // every AVX2 processor has it; the avx2 region may use it
    if ((seven.ebx >> 5 & 1) && f16c) features |= kAvx2;
    if (one.ecx >> 12 & 1) features |= kFma;
    if (seven.eax >= 1 && (cpuid(7, 1).eax >> 4 & 1)) features |= kAvxVnni;
  }
  if ((saved & kSavesAvx512) == kSavesAvx512) {
    constexpr uint32_t kCore = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;  // F, DQ, CD, BW, VL
    if ((seven.ebx & kCore) == kCore) features |= kAvx512Core;
    if (seven.ecx >> 11 & 1) features |= kAvx512Vnni;
    if (seven.eax >= 1 && (cpuid(7, 1).eax >> 5 & 1)) features |= kAvx512Bf16;
  }
  const bool tiles = (saved & kSavesAmx) == kSavesAmx && (seven.edx >> 24 & 1) != 0;
  uint64_t amx = 0;
  if (seven.edx >> 25 & 1) amx |= kAmxInt8;
  if (seven.edx >> 22 & 1) amx |= kAmxBf16;
  if (tiles && amx != 0 && amx_granted()) features |= amx;
  return features;
}

}  // namespace
#elif defined(__aarch64__)
namespace {

uint64_t detect() {
  uint64_t features = kNeon;
#if defined(__linux__)
  constexpr unsigned long kHasDotprod = 1ul << 20;  // HWCAP_ASIMDDP
  constexpr unsigned long kHasI8mm = 1ul << 13;     // HWCAP2_I8MM
  if (getauxval(AT_HWCAP) & kHasDotprod) features |= kDotprod;
  if (getauxval(AT_HWCAP2) & kHasI8mm) features |= kI8mm;
#elif defined(__APPLE__)
  int32_t value = 0;
  size_t bytes = sizeof value;
  if (sysctlbyname("hw.optional.arm.FEAT_DotProd", &value, &bytes, nullptr, 0) == 0 && value != 0) features |= kDotprod;
  value = 0;
  bytes = sizeof value;
  if (sysctlbyname("hw.optional.arm.FEAT_I8MM", &value, &bytes, nullptr, 0) == 0 && value != 0) features |= kI8mm;
#elif defined(_WIN32)
  constexpr DWORD kHasDotprod = 43;  // PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE
  constexpr DWORD kHasI8mm = 66;     // PF_ARM_V82_I8MM_INSTRUCTIONS_AVAILABLE
  if (IsProcessorFeaturePresent(kHasDotprod)) features |= kDotprod;
  if (IsProcessorFeaturePresent(kHasI8mm)) features |= kI8mm;
#endif
  return features;
}

}  // namespace
#elif defined(LOWBIT_WASM_RELAXED)
static uint64_t detect() { return kSimd128 | kRelaxedSimd; }
#elif defined(__wasm_simd128__)
static uint64_t detect() { return kSimd128; }
#else
static uint64_t detect() { return 0; }
#endif

uint64_t detect_features() {
  static const uint64_t features = detect();
  return features;
}

}  // namespace lowbit
