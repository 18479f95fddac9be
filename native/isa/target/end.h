// Closes a target region (clang only; see begin_x86_avx2.h). Include it last, and not in files of arm_neon or wasm.
#if defined(__clang__) && !defined(__wasm__)
#pragma clang attribute pop
#endif
