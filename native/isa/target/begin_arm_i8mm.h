// Opens the target region of arm_i8mm (see begin_x86_avx2.h for the rules).
#include <arm_neon.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("dotprod,i8mm"))), apply_to = function)
#elif defined(__GNUC__)
#pragma GCC target("arch=armv8.2-a+dotprod+i8mm")
#endif
