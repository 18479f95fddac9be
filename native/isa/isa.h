// The instruction sets of isa.inc, the features of the processor, and the choice between them.
#pragma once

#include <cstdint>

namespace lowbit {

enum Features : uint64_t {
  kAvx2 = 1u << 0,
  kFma = 1u << 1,
  kAvx512Core = 1u << 2,  // F, BW, DQ, VL and CD, with the OS saving the registers
  kAvx512Vnni = 1u << 3,
  kAmxInt8 = 1u << 4,  // AMX-TILE and AMX-INT8, granted by the kernel to this process
  kNeon = 1u << 5,
  kDotprod = 1u << 6,
  kSimd128 = 1u << 7,
  kRelaxedSimd = 1u << 8,
  kAvxVnni = 1u << 9,  // vpdpbusd on 256 bits, in its VEX form
  kI8mm = 1u << 10,
  kAvx512Bf16 = 1u << 11,
  kAmxBf16 = 1u << 12,  // AMX-TILE and AMX-BF16, granted as above
};

enum class Isa : int32_t {
#define LOWBIT_ISA(name, architecture, rank, features) name,
#include "native/isa/isa.inc"
#undef LOWBIT_ISA
  kCount
};

struct IsaRow {
  const char* name;
  const char* architecture;  // "any", "x86_64", "aarch64", "wasm32"
  int32_t rank;
  uint64_t features;
};
const IsaRow& isa_row(Isa isa);
// The ISA of that name; false when there is none.
bool isa_named(const char* name, Isa* isa);

// What this processor and operating system offer. On Linux, AMX is asked of the kernel (arch_prctl) the first time.
uint64_t detect_features();
// This build's architecture as in IsaRow.
const char* build_architecture();
// True when this build may run the ISA on a processor of these features.
bool isa_usable(Isa isa, uint64_t features);

}  // namespace lowbit
