// The elementwise kernels for wasm_simd128.
#if defined(__wasm_simd128__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

#include "native/isa/lanes/wasm_simd128.h"
#include "native/kernels/elementwise/binary_i8.h"
#include "native/kernels/elementwise/body.h"

LOWBIT_ELEMENTWISE_KERNELS(wasm_simd128)
LOWBIT_BINARY_I8_KERNELS(wasm_simd128)
#endif
