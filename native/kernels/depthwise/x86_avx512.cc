// depthwise_f32 with AVX-512.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

namespace lowbit {

namespace {

struct Simd {
  using Vector = __m512;
  static constexpr int kLanes = 16;
  static Vector zero() { return _mm512_setzero_ps(); }
  static Vector load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Vector v) { _mm512_storeu_ps(p, v); }
  static Vector add_product(Vector sum, Vector x, Vector w) { return _mm512_add_ps(sum, _mm512_mul_ps(x, w)); }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/depthwise/body.h"

namespace lowbit {

void depthwise_f32_x86_avx512(const DepthwiseArgs& args) { depthwise_floats(args); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
