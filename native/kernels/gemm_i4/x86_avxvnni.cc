// gemm_i8u4_f32 and gemm_i8u8_f32 with AVX-VNNI: the vpdpbusd of 256 bits, as x86_avx512vnni.cc has it of 512.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstdint>
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avxvnni.h"

#include "native/kernels/gemm_i4/x86_256.h"

namespace lowbit {

namespace {

struct Dots : Vectors {
  static constexpr int64_t kRun = 0;
  using Bytes = __m256i;
  using Partial = __m256i;
  static inline Partial start(Ints total) {
    LOWBIT_OPAQUE(total);
    return total;
  }
  static inline Partial dot(Partial sum, Bytes weights, Codes codes) {
    sum = _mm256_dpbusd_avx_epi32(sum, weights, codes);
    LOWBIT_OPAQUE(sum);
    return sum;
  }
  static inline Ints finish(Ints, Partial part) { return part; }
};

struct Bits4 : Dots {
  static constexpr int kSteps = 2;
  static inline Ints middle(Ints v) { return _mm256_slli_epi32(v, 3); }
  static inline Bytes step(Line line, int s) { return low_halves(s == 0 ? line : _mm256_srli_epi16(line, 4)); }
};

struct Bits8 : Dots {
  static constexpr int kSteps = 1;
  static inline Ints middle(Ints v) { return _mm256_slli_epi32(v, 7); }
  static inline Bytes step(Line line, int) { return line; }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_i4/tile.h"

namespace lowbit {

void gemm_i8u4_f32_x86_avxvnni(const GemmGroupsArgs& args) { columns_of<Bits4, 5, 1>(args, 0); }
void gemm_i8u8_f32_x86_avxvnni(const GemmGroupsArgs& args) { columns_of<Bits8, 5, 1>(args, 0); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
