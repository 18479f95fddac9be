// The target region of arm_neon: nothing to open, Advanced SIMD is part of every aarch64 processor.
#include <arm_neon.h>
