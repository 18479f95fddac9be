// The reduction kernels for arm_neon.
#if defined(__aarch64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/isa/lanes/arm_neon.h"
#include "native/kernels/reduce/body.h"

LOWBIT_REDUCE_KERNELS(arm_neon)
#endif
