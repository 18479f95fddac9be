// Opens the target region of x86_amx: everything after this include, to the end of the file, may use its instructions.
// Include every system header before it. On GCC the region is never closed, because templates are instantiated at the
// end of the file and must still be inside; on clang native/isa/target/end.h closes it.
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(                                                                                            \
    __attribute__((target(                                                                                               \
        "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni,avx512bf16,amx-tile,amx-int8,amx-bf16"))), \
    apply_to = function)
#elif defined(__GNUC__)
// GCC 12 takes the undefined sources of its own AVX-512 intrinsics for mistakes of ours (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC target( \
    "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx512vnni,avx512bf16,amx-tile,amx-int8,amx-bf16")
#endif
