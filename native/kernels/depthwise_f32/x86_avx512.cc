// depthwise_f32 for x86_avx512: 25 of the 32 registers hold the weights of 5 x 5.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

#include "native/isa/lanes/x86_avx512.h"

namespace lowbit {
namespace {
constexpr bool kKeepsThreeByThree = true, kKeepsFiveByFive = true;
}  // namespace
}  // namespace lowbit

#include "native/kernels/depthwise_f32/body.h"

LOWBIT_DEPTHWISE_F32_KERNELS(x86_avx512)

#include "native/isa/target/end.h"
#endif
