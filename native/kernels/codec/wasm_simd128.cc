// The codec kernels for wasm_simd128.
#if defined(__wasm_simd128__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

#include "native/isa/lanes/wasm_simd128.h"
#include "native/kernels/codec/body.h"

LOWBIT_CODEC_KERNELS(wasm_simd128)
#endif
