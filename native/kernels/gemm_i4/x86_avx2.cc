// unpack and quantize by groups for x86_avx2.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx2.h"

#include "native/isa/lanes/x86_avx2.h"
#include "native/kernels/gemm_i4/groups_lanes.h"
#include "native/kernels/gemm_i4/groups_body.h"
#include "native/kernels/gemm_i4/unpack_body.h"

LOWBIT_UNPACK_KERNELS(x86_avx2)
LOWBIT_QUANTIZE_GROUPS_KERNELS(x86_avx2)

#include "native/isa/target/end.h"
#endif
