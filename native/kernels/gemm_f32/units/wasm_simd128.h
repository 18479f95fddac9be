// Four lanes of floats, for the bodies of products. Include inside the target region.
#pragma once

namespace lowbit {
namespace {

struct Unfused {
  using Vector = v128_t;
  static constexpr int kLanes = 4;
  static Vector zero() { return wasm_f32x4_const_splat(0.0f); }
  static Vector load(const float* p) { return wasm_v128_load(p); }
  static void store(float* p, Vector v) { wasm_v128_store(p, v); }
  static Vector broadcast(const float* p) { return wasm_v128_load32_splat(p); }
  static Vector of(float value) { return wasm_f32x4_splat(value); }
  static Vector add(Vector a, Vector b) { return wasm_f32x4_add(a, b); }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return wasm_f32x4_add(wasm_f32x4_mul(a, b), c); }
  // pmax(a, b) = a < b ? b : a; pmin(a, b) = b < a ? b : a.
  static Vector clamp(Vector v, Vector lo, Vector hi) { return wasm_f32x4_pmin(wasm_f32x4_pmax(v, lo), hi); }
  static constexpr bool kPrefetches = false;
  // Row S of a group of the tile, from its column of the given number.
  static constexpr int kRows = 1;
  template <int S>
  static Vector column(const uint8_t* group, int first) {
    return load(reinterpret_cast<const float*>(group) + first);
  }
};

}  // namespace
}  // namespace lowbit
