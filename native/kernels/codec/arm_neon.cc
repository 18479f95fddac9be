// The codec kernels for arm_neon.
#if defined(__aarch64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_arm_neon.h"

#include "native/isa/lanes/arm_neon.h"
#include "native/kernels/codec/body.h"

LOWBIT_CODEC_KERNELS(arm_neon)
#endif
