// The requantize kernels for wasm_simd128.
#if defined(__wasm_simd128__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

#include "native/isa/lanes/wasm_simd128.h"
#include "native/kernels/requantize/body.h"
#include "native/kernels/requantize/codes_body.h"

LOWBIT_REQUANTIZE_KERNELS(wasm_simd128)
LOWBIT_ACCUMULATOR_KERNELS(wasm_simd128)
#endif
