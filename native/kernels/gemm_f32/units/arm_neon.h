// Four lanes of floats, for the bodies of products. Include inside the target region.
#pragma once

namespace lowbit {
namespace {

struct Fused {
  using Vector = float32x4_t;
  static constexpr int kLanes = 4;
  static Vector zero() { return vdupq_n_f32(0.0f); }
  static Vector load(const float* p) { return vld1q_f32(p); }
  static void store(float* p, Vector v) { vst1q_f32(p, v); }
  static Vector broadcast(const float* p) { return vld1q_dup_f32(p); }
  static Vector of(float value) { return vdupq_n_f32(value); }
  static Vector add(Vector a, Vector b) { return vaddq_f32(a, b); }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }
  static Vector clamp(Vector v, Vector lo, Vector hi) {
    const Vector raised = vbslq_f32(vcltq_f32(v, lo), lo, v);
    return vbslq_f32(vcgtq_f32(raised, hi), hi, raised);
  }
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
