// The statistics kernels for wasm_simd128.
#if defined(__wasm_simd128__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

#include "native/kernels/statistics/body.h"

LOWBIT_ROW_SUM_KERNELS(wasm_simd128)
namespace lowbit {
// pmin(a, b) is b < a ? b : a, so a NaN of x leaves the accumulator alone.
void min_max_f32_wasm_simd128(const MinMaxArgs& args) {
  v128_t lo[4], hi[4];
  for (int j = 0; j < 4; j++) {
    lo[j] = wasm_f32x4_splat(kInfinity);
    hi[j] = wasm_f32x4_splat(-kInfinity);
  }
  int64_t i = 0;
  for (; i + 16 <= args.n; i += 16) {
    for (int j = 0; j < 4; j++) {
      const v128_t x = wasm_v128_load(args.x + i + 4 * j);
      lo[j] = wasm_f32x4_pmin(lo[j], x);
      hi[j] = wasm_f32x4_pmax(hi[j], x);
    }
  }
  float ends[32];
  for (int j = 0; j < 4; j++) {
    wasm_v128_store(ends + 4 * j, lo[j]);
    wasm_v128_store(ends + 16 + 4 * j, hi[j]);
  }
  float least_of = kInfinity, most_of = -kInfinity;
  merge_range(args.x + i, args.n - i, &least_of, &most_of);
  merge_lanes(ends, ends + 16, 16, &least_of, &most_of);
  store_range(least_of, most_of, args.out);
}
}  // namespace lowbit

#endif
