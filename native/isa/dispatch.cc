// The choice of kernels: first of rows, which is data for any architecture, then of the functions that this build has.
#include "native/isa/dispatch.h"

#include <cstring>

namespace lowbit {
namespace {

struct KernelRow {
  Slot slot;
  Isa isa;
};

constexpr KernelRow kRows[] = {
#define LOWBIT_KERNEL(slot, arguments, isa, exactness, rows, columns, depth) {Slot::slot, Isa::isa},
#include "native/kernels/kernels.inc"
#undef LOWBIT_KERNEL
};

// Rows whose functions this build does not have.
#define LOWBIT_SKIP(slot)
#if defined(__x86_64__)
#define LOWBIT_TAKE_x86_avx2(slot) LOWBIT_TAKE(slot, x86_avx2)
#define LOWBIT_TAKE_x86_avxvnni(slot) LOWBIT_TAKE(slot, x86_avxvnni)
#define LOWBIT_TAKE_x86_avx512(slot) LOWBIT_TAKE(slot, x86_avx512)
#define LOWBIT_TAKE_x86_avx512vnni(slot) LOWBIT_TAKE(slot, x86_avx512vnni)
#define LOWBIT_TAKE_x86_avx512bf16(slot) LOWBIT_TAKE(slot, x86_avx512bf16)
#define LOWBIT_TAKE_x86_amx(slot) LOWBIT_TAKE(slot, x86_amx)
#else
#define LOWBIT_TAKE_x86_avx2 LOWBIT_SKIP
#define LOWBIT_TAKE_x86_avxvnni LOWBIT_SKIP
#define LOWBIT_TAKE_x86_avx512 LOWBIT_SKIP
#define LOWBIT_TAKE_x86_avx512vnni LOWBIT_SKIP
#define LOWBIT_TAKE_x86_avx512bf16 LOWBIT_SKIP
#define LOWBIT_TAKE_x86_amx LOWBIT_SKIP
#endif
#if defined(__aarch64__)
#define LOWBIT_TAKE_arm_neon(slot) LOWBIT_TAKE(slot, arm_neon)
#define LOWBIT_TAKE_arm_dotprod(slot) LOWBIT_TAKE(slot, arm_dotprod)
#define LOWBIT_TAKE_arm_i8mm(slot) LOWBIT_TAKE(slot, arm_i8mm)
#else
#define LOWBIT_TAKE_arm_neon LOWBIT_SKIP
#define LOWBIT_TAKE_arm_dotprod LOWBIT_SKIP
#define LOWBIT_TAKE_arm_i8mm LOWBIT_SKIP
#endif
#if defined(__wasm_simd128__)
#define LOWBIT_TAKE_wasm_simd128(slot) LOWBIT_TAKE(slot, wasm_simd128)
#else
#define LOWBIT_TAKE_wasm_simd128 LOWBIT_SKIP
#endif
#if defined(LOWBIT_WASM_RELAXED)
#define LOWBIT_TAKE_wasm_relaxed(slot) LOWBIT_TAKE(slot, wasm_relaxed)
#else
#define LOWBIT_TAKE_wasm_relaxed LOWBIT_SKIP
#endif
#define LOWBIT_TAKE_portable(slot) LOWBIT_TAKE(slot, portable)

}  // namespace

void choose_isas(const char* architecture, uint64_t features, Isa ceiling, Isa* chosen) {
  const int32_t ceiling_rank = isa_row(ceiling).rank;
  for (int32_t s = 0; s < kSlots; s++) chosen[s] = Isa::portable;
  for (const KernelRow& row : kRows) {
    const IsaRow& isa = isa_row(row.isa);
    Isa& best = chosen[static_cast<int32_t>(row.slot)];
    const bool ours = strcmp(isa.architecture, "any") == 0 || strcmp(isa.architecture, architecture) == 0;
    if (ours && isa.rank <= ceiling_rank && (isa.features & ~features) == 0 && isa.rank > isa_row(best).rank) {
      best = row.isa;
    }
  }
}

Dispatch make_dispatch(uint64_t features, Isa ceiling) {
  Dispatch dispatch;
  choose_isas(build_architecture(), features, ceiling, dispatch.slot_isa);
#define LOWBIT_TAKE(slot_, isa_) \
  if (dispatch.slot_isa[static_cast<int32_t>(Slot::slot_)] == Isa::isa_) dispatch.slot_ = slot_##_##isa_;
#define LOWBIT_KERNEL(slot, arguments, isa, exactness, rows, columns, depth) LOWBIT_TAKE_##isa(slot)
#include "native/kernels/kernels.inc"
#undef LOWBIT_KERNEL
#undef LOWBIT_TAKE
  dispatch.isa = Isa::portable;
  for (int32_t i = 0; i < static_cast<int32_t>(Isa::kCount); i++) {
    const Isa isa = static_cast<Isa>(i);
    const int32_t rank = isa_row(isa).rank;
    if (isa_usable(isa, features) && rank <= isa_row(ceiling).rank && rank > isa_row(dispatch.isa).rank) {
      dispatch.isa = isa;
    }
  }
  return dispatch;
}

}  // namespace lowbit
