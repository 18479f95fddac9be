// The products by weights of 16 bits in portable C++.
#include "native/kernels/gemm_half/widen.h"
#include "native/kernels/kernels.h"

namespace lowbit {

namespace {

float clamped(float x, float lo, float hi) { return x < lo ? lo : x > hi ? hi : x; }

// Calls value(a, group, s, j) for the product of row element k = 2 * group + s of column j.
template <typename Product>
void product(const GemmF32Args& args, int64_t groups, Product term) {
  const FloatRows& rows = args.rows;
  for (int64_t r = 0; r < rows.rows(); ++r) {
    const float* a = rows.a + r * rows.row_stride;
    float* c = args.c + r * args.c_stride;
    for (int64_t j = 0; j < args.n; ++j) {
      const uint16_t* b = reinterpret_cast<const uint16_t*>(args.b + j / 16 * args.panel_bytes);
      float sum = args.accumulate ? c[j] : 0.0f;
      for (int64_t g = 0; g < groups; ++g) sum = term(sum, a, g, b + g * 32, j % 16);
      if (args.last) sum = clamped(args.bias == nullptr ? sum : sum + args.bias[j], args.lo, args.hi);
      c[j] = sum;
    }
  }
}

}  // namespace

void gemm_f32bf16_f32_portable(const GemmF32Args& args) {
  const int64_t k = args.rows.run;
  product(args, (k + 1) / 2, [k](float sum, const float* a, int64_t group, const uint16_t* b, int64_t column) {
    sum += a[2 * group] * bf16_value(b[2 * column]);
    return 2 * group + 1 < k ? sum + a[2 * group + 1] * bf16_value(b[2 * column + 1]) : sum;
  });
}

void gemm_f32f16_f32_portable(const GemmF32Args& args) {
  const int64_t k = args.rows.run;
  product(args, (k + 1) / 2, [k](float sum, const float* a, int64_t group, const uint16_t* b, int64_t column) {
    sum += a[2 * group] * f16_value(b[column]);
    return 2 * group + 1 < k ? sum + a[2 * group + 1] * f16_value(b[16 + column]) : sum;
  });
}

void gemm_bf16bf16_f32_portable(const GemmF32Args& args) {
  product(args, args.rows.run, [](float sum, const float* a, int64_t group, const uint16_t* b, int64_t column) {
    uint16_t pair[2];
    memcpy(pair, a + group, sizeof(pair));
    sum += bf16_value(pair[0]) * bf16_value(b[2 * column]);
    return sum + bf16_value(pair[1]) * bf16_value(b[2 * column + 1]);
  });
}

}  // namespace lowbit
