// The block kernels in plain C++: what the other instruction sets must agree with.
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#define LOWBIT_ONE_LANE
#include "native/isa/lanes/portable.h"
#include "native/kernels/blocks/body.h"

LOWBIT_BLOCKS_KERNELS(portable)
