// Eight lanes of floats, for the bodies of products. Include inside the target region.
#pragma once

namespace lowbit {
namespace {

struct Fused {
  using Vector = __m256;
  static constexpr int kLanes = 8;
  static Vector zero() { return _mm256_setzero_ps(); }
  static Vector load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Vector v) { _mm256_storeu_ps(p, v); }
  static Vector broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  static Vector of(float value) { return _mm256_set1_ps(value); }
  static Vector add(Vector a, Vector b) { return _mm256_add_ps(a, b); }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }
  // vmaxps and vminps give their second operand unless the first is the greater (the less).
  static Vector clamp(Vector v, Vector lo, Vector hi) { return _mm256_min_ps(hi, _mm256_max_ps(lo, v)); }
  static constexpr bool kPrefetches = true;
  static void prefetch(const uint8_t* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }
  // Row S of a group of the tile, from its column of the given number.
  static constexpr int kRows = 1;
  template <int S>
  static Vector column(const uint8_t* group, int first) {
    return load(reinterpret_cast<const float*>(group) + first);
  }
};

}  // namespace
}  // namespace lowbit
