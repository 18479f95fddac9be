// Squares of four rows and three planes that become pixels, in 128-bit registers. Include inside the target region.
#pragma once

namespace lowbit {
namespace {

inline __m128 load_four(const uint32_t* p) { return _mm_loadu_ps(reinterpret_cast<const float*>(p)); }
inline void store_four(uint32_t* p, __m128 v) { _mm_storeu_ps(reinterpret_cast<float*>(p), v); }

struct Square4 {
  static constexpr int64_t kSide = 4;
  static inline void turn(const uint32_t* x, int64_t x_column, uint32_t* y, int64_t y_row) {
    __m128 a = load_four(x), b = load_four(x + x_column), c = load_four(x + 2 * x_column),
           d = load_four(x + 3 * x_column);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    store_four(y, a);
    store_four(y + y_row, b);
    store_four(y + 2 * y_row, c);
    store_four(y + 3 * y_row, d);
  }
};

// Pixels of three elements that follow one another: a pixel is stored with a fourth element, which the next one
// overwrites. Returns how many are done; at least one is not.
inline int64_t weave_three(const Transpose32Args& args) {
  int64_t r = 0;
  for (; r + 5 <= args.rows; r += 4) {
    const uint32_t* x = args.x + r;
    __m128 a = load_four(x), b = load_four(x + args.x_column), c = load_four(x + 2 * args.x_column), d = a;
    _MM_TRANSPOSE4_PS(a, b, c, d);
    uint32_t* y = args.y + 3 * r;
    store_four(y, a);
    store_four(y + 3, b);
    store_four(y + 6, c);
    store_four(y + 9, d);
  }
  return r;
}

}  // namespace
}  // namespace lowbit
