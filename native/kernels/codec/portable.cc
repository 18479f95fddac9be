// The codec kernels in plain C++: what the other instruction sets must agree with.
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/lanes/portable.h"
#include "native/kernels/codec/body.h"

LOWBIT_CODEC_KERNELS(portable)
