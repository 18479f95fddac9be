// gemm_f32 with relaxed WebAssembly SIMD: the engine takes the fused multiply-add of the machine where it has one.
#if defined(LOWBIT_WASM_RELAXED)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_relaxed.h"

namespace lowbit {

namespace {

struct Simd {
  using Vector = v128_t;
  static constexpr int kLanes = 4;
  static Vector zero() { return wasm_f32x4_const_splat(0.0f); }
  static Vector load(const float* p) { return wasm_v128_load(p); }
  static void store(float* p, Vector v) { wasm_v128_store(p, v); }
  static Vector broadcast(const float* p) { return wasm_v128_load32_splat(p); }
  static Vector of(float value) { return wasm_f32x4_splat(value); }
  static Vector add(Vector a, Vector b) { return wasm_f32x4_add(a, b); }
  static constexpr bool kPrefetches = false;
  static constexpr int kRows = 1;
  template <int S>
  static Vector column(const uint8_t* group, int first) {
    return load(reinterpret_cast<const float*>(group) + first);
  }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return wasm_f32x4_relaxed_madd(a, b, c); }
  // pmax(a, b) = a < b ? b : a; pmin(a, b) = b < a ? b : a.
  static Vector clamp(Vector v, Vector lo, Vector hi) { return wasm_f32x4_pmin(wasm_f32x4_pmax(v, lo), hi); }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_f32/body.h"

namespace lowbit {

// Engines on x86 have 15 registers to give: 8 accumulate 2 rows of one panel, 4 hold the panel, 2 the rows.
void gemm_f32_wasm_relaxed(const GemmF32Args& args) { groups<Simd, 2, 1>(args, 0); }

}  // namespace lowbit
#endif
