// The kernels of weights by group with AVX2, exact: vpmaddubsw of codes of 4 bits never saturates.
//
// |15 * 128 * 2| = 3840, so that eight of its int16 results can be added before they are widened: two instructions for
// 32 products, where codes of 8 bits by 8 bits take four. Weights of 8 bits are multiplied as two halves of 4 bits.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx2.h"

#include "native/kernels/gemm_i4/x86_256.h"

namespace lowbit {

namespace {

struct Bits4 : Vectors {
  static constexpr int kSteps = 2;
  static constexpr int64_t kRun = 4;
  using Bytes = __m256i;
  using Partial = __m256i;
  static inline Ints middle(Ints v) { return _mm256_slli_epi32(v, 3); }
  static inline Bytes step(__m256i line, int s) { return low_halves(s == 0 ? line : _mm256_srli_epi16(line, 4)); }
  static inline Partial start(Ints) { return _mm256_setzero_si256(); }
  static inline Partial dot(Partial sum, Bytes weights, __m256i codes) {
    sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(weights, codes));
    LOWBIT_OPAQUE(sum);
    return sum;
  }
  static inline Ints finish(Ints total, Partial part) {
    return _mm256_add_epi32(total, _mm256_madd_epi16(part, _mm256_set1_epi16(1)));
  }
};

struct Bits8 : Vectors {
  static constexpr int kSteps = 1;
  static constexpr int64_t kRun = 8;
  struct Bytes {
    __m256i low, high;
  };
  using Partial = Bytes;
  static inline Ints middle(Ints v) { return _mm256_slli_epi32(v, 7); }
  static inline Bytes step(__m256i line, int) { return {low_halves(line), low_halves(_mm256_srli_epi16(line, 4))}; }
  static inline Partial start(Ints) { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
  static inline Partial dot(Partial sum, Bytes weights, __m256i codes) {
    sum.low = _mm256_add_epi16(sum.low, _mm256_maddubs_epi16(weights.low, codes));
    sum.high = _mm256_add_epi16(sum.high, _mm256_maddubs_epi16(weights.high, codes));
    LOWBIT_OPAQUE(sum.low);
    LOWBIT_OPAQUE(sum.high);
    return sum;
  }
  static inline Ints finish(Ints total, Partial part) {
    const __m256i low = _mm256_madd_epi16(part.low, _mm256_set1_epi16(1));
    const __m256i high = _mm256_madd_epi16(part.high, _mm256_set1_epi16(16));
    return _mm256_add_epi32(total, _mm256_add_epi32(low, high));
  }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_i4/tile.h"

namespace lowbit {

void gemm_i8u4_f32_x86_avx2(const GemmGroupsArgs& args) { columns_of<Bits4, 4, 1>(args, 0); }
void gemm_i8u8_f32_x86_avx2(const GemmGroupsArgs& args) { columns_of<Bits8, 2, 1>(args, 0); }

}  // namespace lowbit

#include "native/isa/lanes/x86_avx2.h"
#include "native/kernels/gemm_i4/groups_lanes.h"
#include "native/kernels/gemm_i4/groups_body.h"
#include "native/kernels/gemm_i4/unpack_body.h"

LOWBIT_UNPACK_KERNELS(x86_avx2)
LOWBIT_QUANTIZE_GROUPS_KERNELS(x86_avx2)

#include "native/isa/target/end.h"
#endif
