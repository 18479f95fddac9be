// transpose_32 with AVX-512: squares of 16 x 16, and three planes that become pixels.
#if defined(__x86_64__) || defined(_M_X64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

#include "native/kernels/transform/squares.h"
#include "native/kernels/transform/x86_128.h"

namespace lowbit {
namespace {

struct Square16 {
  static constexpr int64_t kSide = 16;
  static inline void turn(const uint32_t* x, int64_t x_column, uint32_t* y, int64_t y_row) {
    __m512 u[16];
    LOWBIT_UNROLL
    for (int g = 0; g < 4; ++g) {
      __m512 v[4];
      LOWBIT_UNROLL
      for (int i = 0; i < 4; ++i) v[i] = _mm512_loadu_ps(x + (4 * g + i) * x_column);
      const __m512 a = _mm512_unpacklo_ps(v[0], v[1]), b = _mm512_unpackhi_ps(v[0], v[1]);
      const __m512 c = _mm512_unpacklo_ps(v[2], v[3]), d = _mm512_unpackhi_ps(v[2], v[3]);
      // Quarter l of u[4 * g + i]: element 4 * l + i of the columns 4 * g to 4 * g + 3.
      u[4 * g] = _mm512_shuffle_ps(a, c, 0x44);
      u[4 * g + 1] = _mm512_shuffle_ps(a, c, 0xEE);
      u[4 * g + 2] = _mm512_shuffle_ps(b, d, 0x44);
      u[4 * g + 3] = _mm512_shuffle_ps(b, d, 0xEE);
    }
    LOWBIT_UNROLL
    for (int i = 0; i < 4; ++i) {
      // Even and odd quarters of the columns of each half.
      const __m512 even0 = _mm512_shuffle_f32x4(u[i], u[4 + i], 0x88),
                   even1 = _mm512_shuffle_f32x4(u[8 + i], u[12 + i], 0x88);
      const __m512 odd0 = _mm512_shuffle_f32x4(u[i], u[4 + i], 0xDD),
                   odd1 = _mm512_shuffle_f32x4(u[8 + i], u[12 + i], 0xDD);
      _mm512_storeu_ps(y + i * y_row, _mm512_shuffle_f32x4(even0, even1, 0x88));
      _mm512_storeu_ps(y + (4 + i) * y_row, _mm512_shuffle_f32x4(odd0, odd1, 0x88));
      _mm512_storeu_ps(y + (8 + i) * y_row, _mm512_shuffle_f32x4(even0, even1, 0xDD));
      _mm512_storeu_ps(y + (12 + i) * y_row, _mm512_shuffle_f32x4(odd0, odd1, 0xDD));
    }
  }
};

// Where element t of 16 pixels of three comes from: the first two planes side by side, and the third.
struct Weave {
  int32_t pair[48], third[48];
  uint16_t mask[3];
};
constexpr Weave weave() {
  Weave w = {};
  for (int t = 0; t < 48; ++t) {
    w.pair[t] = t % 3 == 1 ? 16 + t / 3 : t / 3;
    w.third[t] = t / 3;
    if (t % 3 == 2) w.mask[t / 16] = static_cast<uint16_t>(w.mask[t / 16] | (1 << t % 16));
  }
  return w;
}
alignas(64) constexpr Weave kWeave = weave();

int64_t weave_sixteen(const Transpose32Args& args) {
  __m512i pair[3], third[3];
  for (int i = 0; i < 3; ++i) {
    pair[i] = _mm512_load_si512(kWeave.pair + 16 * i);
    third[i] = _mm512_load_si512(kWeave.third + 16 * i);
  }
  int64_t r = 0;
  for (; r + 16 <= args.rows; r += 16) {
    const __m512i a = _mm512_loadu_si512(args.x + r), b = _mm512_loadu_si512(args.x + args.x_column + r);
    const __m512i c = _mm512_loadu_si512(args.x + 2 * args.x_column + r);
    LOWBIT_UNROLL
    for (int i = 0; i < 3; ++i) {
      const __m512i two = _mm512_permutex2var_epi32(a, pair[i], b);
      _mm512_storeu_si512(args.y + 3 * r + 16 * i, _mm512_mask_permutexvar_epi32(two, kWeave.mask[i], third[i], c));
    }
  }
  return r;
}

}  // namespace

void transpose_32_x86_avx512(const Transpose32Args& args) {
  const int64_t side = args.rows < args.columns ? args.rows : args.columns;
  if (side >= 16) {
    turn_squares<Square16>(args);
  } else if (side >= 4) {
    turn_squares<Square4>(args);
  } else {
    turn_rest(args, args.columns == 3 && args.y_row == 3 ? weave_sixteen(args) : 0);
  }
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
