// unpack and quantize by groups for x86_avx512.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

#include "native/isa/lanes/x86_avx512.h"

namespace lowbit {
namespace {

inline float largest_lane(__m512 v) { return _mm512_reduce_max_ps(v); }
inline int32_t sum_of_lanes(__m512i v) { return _mm512_reduce_add_epi32(v); }

}  // namespace
}  // namespace lowbit

#include "native/kernels/gemm_i4/groups_body.h"
#include "native/kernels/gemm_i4/unpack_body.h"

LOWBIT_UNPACK_KERNELS(x86_avx512)
LOWBIT_QUANTIZE_GROUPS_KERNELS(x86_avx512)

#include "native/isa/target/end.h"
#endif
