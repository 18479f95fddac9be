// The codec kernels for x86_avx2.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx2.h"

#include "native/isa/lanes/x86_avx2.h"
#include "native/kernels/codec/body.h"

LOWBIT_CODEC_KERNELS(x86_avx2)

#include "native/isa/target/end.h"
#endif
