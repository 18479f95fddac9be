// gemm_i8u4_f32 and gemm_i8u8_f32 with AVX-512 VNNI: the codes of the weights are the unsigned operand of vpdpbusd, the
// codes of the rows the signed one, so that 4-bit weights need a shift and a mask and nothing else.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512vnni.h"

namespace lowbit {

namespace {

constexpr int64_t kAhead = 8192;  // bytes; two pages, of which the processor's own prefetch knows nothing yet

struct Vectors {
  static constexpr int kLanes = 16;
  static constexpr int kParts = 1;
  static constexpr int64_t kRun = 0;
  using Line = __m512i;
  using Codes = __m512i;
  using Bytes = __m512i;
  using Ints = __m512i;
  using Partial = __m512i;
  using Floats = __m512;

  static inline void ahead(const uint8_t*) {}
  static inline Bytes line(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static inline Bytes four(const int8_t* p) {
    int32_t word;
    memcpy(&word, p, 4);
    return _mm512_set1_epi32(word);
  }
  static inline Partial start(Ints total) {
    LOWBIT_OPAQUE(total);
    return total;
  }
  static inline Partial dot(Partial sum, Bytes weights, Bytes codes) {
    sum = _mm512_dpbusd_epi32(sum, weights, codes);
    LOWBIT_OPAQUE(sum);
    return sum;
  }
  static inline Ints finish(Ints, Partial part) { return part; }

  static inline Ints of(int32_t v) { return _mm512_set1_epi32(v); }
  static inline Ints load4(const int32_t* p) { return _mm512_set1_epi32(*p); }
  static inline Ints columns(const uint8_t* p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static inline Ints sub(Ints a, Ints b) { return _mm512_sub_epi32(a, b); }
  static inline Ints mul(Ints a, Ints b) { return _mm512_mullo_epi32(a, b); }

  static inline Floats zeros() {
    Floats zero = _mm512_setzero_ps();
    LOWBIT_OPAQUE(zero);
    return zero;
  }
  static inline Floats load(const float* p) { return _mm512_loadu_ps(p); }
  static inline void store(float* p, Floats v) { _mm512_storeu_ps(p, v); }
  static inline Floats broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static inline Floats to_float(Ints v) { return _mm512_cvtepi32_ps(v); }
  static inline Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
  static inline Floats mul(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
};

struct Bits4 : Vectors {
  static constexpr int kSteps = 2;
  static inline Ints middle(Ints v) { return _mm512_slli_epi32(v, 3); }
  static inline Bytes step(Bytes line, int s) {
    return _mm512_and_si512(s == 0 ? line : _mm512_srli_epi16(line, 4), _mm512_set1_epi8(15));
  }
};

struct Bits8 : Vectors {
  static constexpr int kSteps = 1;
  static inline Ints middle(Ints v) { return _mm512_slli_epi32(v, 7); }
  static inline Bytes step(Bytes line, int) { return line; }
};

// For a row or two the weights stream from memory. Two sums take turns, so that no vpdpbusd waits for the one before.
template <typename Unit>
struct Streamed : Unit {
  struct Partial {
    __m512i next, last;
  };
  static inline void ahead(const uint8_t* p) { _mm_prefetch(reinterpret_cast<const char*>(p + kAhead), _MM_HINT_T0); }
  static inline Partial start(__m512i total) { return {Unit::start(total), Unit::start(_mm512_setzero_si512())}; }
  static inline Partial dot(Partial sum, __m512i weights, __m512i codes) {
    return {sum.last, Unit::dot(sum.next, weights, codes)};
  }
  static inline __m512i finish(__m512i, Partial part) { return _mm512_add_epi32(part.next, part.last); }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_i4/tile.h"

namespace lowbit {

namespace {

template <typename Unit>
void gemm(const GemmGroupsArgs& args) {
  int64_t panel = 0;
  if (args.m <= 2) panel = columns_of<Streamed<Unit>, 2, 1>(args, panel);
  panel = columns_of<Unit, 6, 2>(args, panel);
  columns_of<Unit, 6, 1>(args, panel);
}

}  // namespace

void gemm_i8u4_f32_x86_avx512vnni(const GemmGroupsArgs& args) { gemm<Bits4>(args); }
void gemm_i8u8_f32_x86_avx512vnni(const GemmGroupsArgs& args) { gemm<Bits8>(args); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
