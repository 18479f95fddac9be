// peak_f32 for WebAssembly, by a function that multiplies and adds. Included inside the region of an ISA file.
#pragma once

#include "native/isa/unroll.h"
#include "native/kernels/peak/peak.h"

namespace lowbit {
namespace {

// Engines merge equal products of equal values, which no barrier of the compiler prevents, so the factor is loaded anew
// for every 4 products.
template <v128_t (*multiply_add)(v128_t, v128_t, v128_t)>
void peak_f32_chains(const PeakF32Args& args) {
  const volatile float* a = args.a;
  v128_t columns[4], sum[4];
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) columns[q] = wasm_v128_load(args.b + 4 * q);
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) sum[q] = wasm_f32x4_const_splat(0.0f);

  for (int64_t s = 0; s < args.steps; ++s) {
    const v128_t factor = wasm_f32x4_splat(*a);
    LOWBIT_UNROLL
    for (int q = 0; q < 4; ++q) sum[q] = multiply_add(factor, columns[q], sum[q]);
  }
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) wasm_v128_store(args.out + 4 * q, sum[q]);
}

}  // namespace
}  // namespace lowbit
