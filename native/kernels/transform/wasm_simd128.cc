// transpose_32 with WebAssembly SIMD: squares of 4 x 4, and three planes that become pixels.
#if defined(__wasm_simd128__)
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_wasm_simd128.h"

#include "native/kernels/transform/squares.h"

namespace lowbit {
namespace {

// Four columns as four rows: v is replaced.
inline void turn_four(v128_t (&v)[4]) {
  const v128_t a = wasm_i32x4_shuffle(v[0], v[1], 0, 4, 1, 5), b = wasm_i32x4_shuffle(v[2], v[3], 0, 4, 1, 5);
  const v128_t c = wasm_i32x4_shuffle(v[0], v[1], 2, 6, 3, 7), d = wasm_i32x4_shuffle(v[2], v[3], 2, 6, 3, 7);
  v[0] = wasm_i64x2_shuffle(a, b, 0, 2);
  v[1] = wasm_i64x2_shuffle(a, b, 1, 3);
  v[2] = wasm_i64x2_shuffle(c, d, 0, 2);
  v[3] = wasm_i64x2_shuffle(c, d, 1, 3);
}

struct Square4 {
  static constexpr int64_t kSide = 4;
  static inline void turn(const uint32_t* x, int64_t x_column, uint32_t* y, int64_t y_row) {
    v128_t v[4] = {wasm_v128_load(x), wasm_v128_load(x + x_column), wasm_v128_load(x + 2 * x_column),
                   wasm_v128_load(x + 3 * x_column)};
    turn_four(v);
    for (int i = 0; i < 4; ++i) wasm_v128_store(y + i * y_row, v[i]);
  }
};

// A pixel is stored with a fourth element, which the next one overwrites; at least one pixel is left.
int64_t weave_four(const Transpose32Args& args) {
  int64_t r = 0;
  for (; r + 5 <= args.rows; r += 4) {
    const uint32_t* x = args.x + r;
    v128_t v[4] = {wasm_v128_load(x), wasm_v128_load(x + args.x_column), wasm_v128_load(x + 2 * args.x_column),
                   wasm_v128_load(x)};
    turn_four(v);
    for (int i = 0; i < 4; ++i) wasm_v128_store(args.y + 3 * (r + i), v[i]);
  }
  return r;
}

}  // namespace

void transpose_32_wasm_simd128(const Transpose32Args& args) {
  if (args.rows >= 4 && args.columns >= 4) return turn_squares<Square4>(args);
  turn_rest(args, args.columns == 3 && args.y_row == 3 ? weave_four(args) : 0);
}

}  // namespace lowbit
#endif
