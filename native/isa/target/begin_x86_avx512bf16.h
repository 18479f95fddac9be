// Opens the target region of x86_avx512bf16 (see begin_x86_avx2.h for the rules).
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(                                                                                   \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni,avx512bf16"))), \
    apply_to = function)
#elif defined(__GNUC__)
// GCC 12 takes the undefined sources of its own AVX-512 intrinsics for mistakes of ours (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni,avx512bf16")
#endif
