// The block kernels for x86_avx512.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

#include "native/isa/lanes/x86_avx512.h"
#include "native/kernels/blocks/body.h"

LOWBIT_BLOCKS_KERNELS(x86_avx512)

#include "native/isa/target/end.h"
#endif
