// The statistics kernels for wasm_simd128.
#if defined(__wasm_simd128__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

#include "native/isa/lanes/wasm_simd128.h"
#include "native/kernels/statistics/body.h"
#include "native/kernels/statistics/range.h"

LOWBIT_ROW_SUM_KERNELS(wasm_simd128)
namespace lowbit {
// Two chains of two vectors each: more would not fit the 16 registers of an x86 processor.
void min_max_f32_wasm_simd128(const MinMaxArgs& args) { range_of<2>(args); }
}  // namespace lowbit

#endif
