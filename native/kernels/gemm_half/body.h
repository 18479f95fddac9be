// The products by weights of 16 bits over any vector unit: an ISA file defines Halves, its float unit (units/<isa>.h)
// with
//   low(pairs), high(pairs): the first and the second bf16 of every pair, as floats;
//   widen(p): kLanes f16 as floats; ahead(p): asks for memory that will be read after p, where Streamed is used;
// then includes this file, and defines `void product<Simd>(args)`.
// No include guard and no system header: it belongs to the region of the file that includes it.

namespace lowbit {

namespace {

struct Bf16Columns : Halves {
  static constexpr int kRows = 2;
  template <int S>
  static Vector column(const uint8_t* group, int first) {
    const Vector pairs = Halves::column<0>(group, first);
    return S == 0 ? low(pairs) : high(pairs);
  }
};

struct F16Columns : Halves {
  static constexpr int kRows = 2;
  template <int S>
  static Vector column(const uint8_t* group, int first) {
    return widen(group + 32 * S + 2 * first);
  }
};

// Pairs of bf16 on both sides.
struct Bf16Pairs : Halves {
  static Vector multiply_add(Vector a, Vector b, Vector c) {
    return Halves::multiply_add(high(a), high(b), Halves::multiply_add(low(a), low(b), c));
  }
};

// For a row or two, which read every weight for little work.
template <typename Simd>
struct Streamed : Simd {
  template <int S>
  static typename Simd::Vector column(const uint8_t* group, int first) {
    if (S == 0 && first == 0) Simd::ahead(group);
    return Simd::template column<S>(group, first);
  }
};

}  // namespace

}  // namespace lowbit

#include "native/kernels/gemm_f32/body.h"

#define LOWBIT_GEMM_HALF_KERNELS(isa)                                                  \
  namespace lowbit {                                                                   \
  void gemm_f32bf16_f32_##isa(const GemmF32Args& args) { product<Bf16Columns>(args); } \
  void gemm_f32f16_f32_##isa(const GemmF32Args& args) { product<F16Columns>(args); }   \
  void gemm_bf16bf16_f32_##isa(const GemmF32Args& args) { product<Bf16Pairs>(args); }  \
  }
