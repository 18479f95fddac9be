// The codec kernels in plain C++: what the other instruction sets must agree with.
#include <cstring>

#include "native/kernels/kernels.h"

#include "native/kernels/codec/body.h"

LOWBIT_CODEC_KERNELS(portable)
