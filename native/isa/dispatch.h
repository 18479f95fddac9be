// Which kernel runs: the table of kernels for one instruction set.
#pragma once

#include <cstdint>

#include "native/isa/isa.h"
#include "native/kernels/kernels.h"

namespace lowbit {

// One function pointer per slot of kernels.inc, and which ISA it came from.
struct Dispatch {
#define LOWBIT_KERNEL_portable(slot, arguments) void (*slot)(const arguments&);
#define LOWBIT_KERNEL_OTHER(slot, arguments)
#include "native/kernels/slots.h"
  Isa isa;               // the highest-ranked ISA that was allowed
  Isa slot_isa[kSlots];  // by Slot: where each kernel came from
};

// The table for the given processor features under a ceiling: for every slot, the row of the highest rank whose ISA is
// of this architecture, has rank <= the ceiling's, and whose features are all present. Pure: tests pass made-up
// features.
Dispatch make_dispatch(uint64_t features, Isa ceiling);

// The choice alone, as data and for any architecture of isa.inc: chosen[slot], kSlots of them.
void choose_isas(const char* architecture, uint64_t features, Isa ceiling, Isa* chosen);

}  // namespace lowbit
