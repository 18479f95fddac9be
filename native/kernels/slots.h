// Visits one row per slot: define LOWBIT_KERNEL_portable(slot, arguments) for the slots and LOWBIT_KERNEL_OTHER(slot,
// arguments) for the other rows, then include this file. No include guard: it is meant to be included many times.
#define LOWBIT_KERNEL_x86_avx2 LOWBIT_KERNEL_OTHER
#define LOWBIT_KERNEL_x86_avxvnni LOWBIT_KERNEL_OTHER
#define LOWBIT_KERNEL_x86_avx512 LOWBIT_KERNEL_OTHER
#define LOWBIT_KERNEL_x86_avx512vnni LOWBIT_KERNEL_OTHER
#define LOWBIT_KERNEL_x86_avx512bf16 LOWBIT_KERNEL_OTHER
#define LOWBIT_KERNEL_x86_amx LOWBIT_KERNEL_OTHER
#define LOWBIT_KERNEL_arm_neon LOWBIT_KERNEL_OTHER
#define LOWBIT_KERNEL_arm_dotprod LOWBIT_KERNEL_OTHER
#define LOWBIT_KERNEL_arm_i8mm LOWBIT_KERNEL_OTHER
#define LOWBIT_KERNEL_wasm_simd128 LOWBIT_KERNEL_OTHER
#define LOWBIT_KERNEL_wasm_relaxed LOWBIT_KERNEL_OTHER
#define LOWBIT_KERNEL(slot, arguments, isa, exactness, rows, columns, depth) LOWBIT_KERNEL_##isa(slot, arguments)
#include "native/kernels/kernels.inc"
#undef LOWBIT_KERNEL
#undef LOWBIT_KERNEL_portable
#undef LOWBIT_KERNEL_OTHER
#undef LOWBIT_KERNEL_x86_avx2
#undef LOWBIT_KERNEL_x86_avxvnni
#undef LOWBIT_KERNEL_x86_avx512
#undef LOWBIT_KERNEL_x86_avx512vnni
#undef LOWBIT_KERNEL_x86_avx512bf16
#undef LOWBIT_KERNEL_x86_amx
#undef LOWBIT_KERNEL_arm_neon
#undef LOWBIT_KERNEL_arm_dotprod
#undef LOWBIT_KERNEL_arm_i8mm
#undef LOWBIT_KERNEL_wasm_simd128
#undef LOWBIT_KERNEL_wasm_relaxed
