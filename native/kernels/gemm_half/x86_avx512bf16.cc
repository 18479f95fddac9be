// gemm_bf16bf16_f32 with AVX-512 BF16: vdpbf16ps adds the two products of a pair.
#if defined(__x86_64__) || defined(_M_X64)
#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512bf16.h"

#include "native/kernels/gemm_f32/units/x86_avx512.h"

namespace lowbit {

namespace {

struct Pairs : Fused {
  static Vector multiply_add(Vector a, Vector b, Vector c) {
    return _mm512_dpbf16_ps(c, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_f32/body.h"

namespace lowbit {

void gemm_bf16bf16_f32_x86_avx512bf16(const GemmF32Args& args) {
  const int64_t panels = (args.n + 15) / 16;
  int64_t panel = 0;
  if (args.rows.rows() <= 2) panel = groups<Pairs, 2, 8>(args, panel);
  while (panels - panel >= 5 || panels - panel == 3) panel = columns<Pairs, 9, 3>(args, panel);
  panel = groups<Pairs, 14, 2>(args, panel);
  groups<Pairs, 14, 1>(args, panel);
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
