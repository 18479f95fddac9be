// transpose_32 with AVX2: squares of 8 x 8.
#if defined(__x86_64__) || defined(_M_X64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx2.h"

#include "native/kernels/transform/squares.h"
#include "native/kernels/transform/x86_128.h"

namespace lowbit {
namespace {

struct Square8 {
  static constexpr int64_t kSide = 8;
  static inline __m256 pair(const uint32_t* low, const uint32_t* high) {
    return _mm256_insertf128_ps(_mm256_castps128_ps256(load_four(low)), load_four(high), 1);
  }
  static inline void turn(const uint32_t* x, int64_t x_column, uint32_t* y, int64_t y_row) {
    // Half h of columns q and q + 4 side by side, so that everything else stays within 128 bits.
    LOWBIT_UNROLL
    for (int h = 0; h < 2; ++h) {
      __m256 v[4];
      LOWBIT_UNROLL
      for (int q = 0; q < 4; ++q) v[q] = pair(x + q * x_column + 4 * h, x + (q + 4) * x_column + 4 * h);
      const __m256 a = _mm256_unpacklo_ps(v[0], v[1]), b = _mm256_unpackhi_ps(v[0], v[1]);
      const __m256 c = _mm256_unpacklo_ps(v[2], v[3]), d = _mm256_unpackhi_ps(v[2], v[3]);
      float* to = reinterpret_cast<float*>(y + 4 * h * y_row);
      _mm256_storeu_ps(to, _mm256_shuffle_ps(a, c, 0x44));
      _mm256_storeu_ps(to + y_row, _mm256_shuffle_ps(a, c, 0xEE));
      _mm256_storeu_ps(to + 2 * y_row, _mm256_shuffle_ps(b, d, 0x44));
      _mm256_storeu_ps(to + 3 * y_row, _mm256_shuffle_ps(b, d, 0xEE));
    }
  }
};

}  // namespace

void transpose_32_x86_avx2(const Transpose32Args& args) {
  const int64_t side = args.rows < args.columns ? args.rows : args.columns;
  if (side >= 8) {
    turn_squares<Square8>(args);
  } else if (side >= 4) {
    turn_squares<Square4>(args);
  } else {
    turn_rest(args, args.columns == 3 && args.y_row == 3 ? weave_three(args) : 0);
  }
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
