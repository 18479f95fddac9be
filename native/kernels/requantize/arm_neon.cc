// The requantize kernels for arm_neon.
#if defined(__aarch64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/isa/lanes/arm_neon.h"
#include "native/kernels/requantize/body.h"
#include "native/kernels/requantize/columns_body.h"

LOWBIT_REQUANTIZE_COLUMNS_KERNELS(arm_neon)
LOWBIT_ACCUMULATOR_KERNELS(arm_neon)
#endif
