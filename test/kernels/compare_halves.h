// compare_halves: products of pairs of bf16 within their bound, and the same bytes however the product is cut. Part of
// compare_kernels.cc.
#if defined(HALVES)
#include "native/kernels/gemm_half/widen.h"

namespace {

// n numbers of bf16 in [-3, 3], some of them 0.
uint16_t* random_bf16(int64_t n) {
  uint16_t* codes = array<uint16_t>(n);
  for (int64_t i = 0; i < n; ++i) {
    const float value = static_cast<float>(static_cast<int32_t>(random_word())) * 1.4e-9f;
    codes[i] = random_word() % 9 == 0 ? 0 : lowbit::bf16_code(value);
  }
  return codes;
}

void compare_halves(int64_t m, int64_t pairs, int64_t n) {
  const int64_t panels = (n + 15) / 16, a_stride = pairs + random_word() % 3, c_stride = n + random_word() % 3;
  // Exactly what may be read and written: a sanitizer sees the byte behind.
  uint16_t* a = random_bf16(2 * ((m - 1) * a_stride + pairs));
  uint16_t* b = random_bf16(panels * pairs * 32);
  float* bias = array<float>(n);
  for (int64_t j = 0; j < n; ++j) bias[j] = static_cast<float>(j % 7) - 3.0f;
  const int64_t c_size = (m - 1) * c_stride + n;
  float* found = array<float>(c_size);
  float* again = array<float>(c_size);
  for (int64_t i = 0; i < c_size; ++i) found[i] = again[i] = 1234.5f;
  lowbit::GemmF32Args args = {};
  args.rows = lowbit::plain_float_rows(reinterpret_cast<const float*>(a), a_stride, m, pairs);
  args.b = reinterpret_cast<const uint8_t*>(b);
  args.panel_bytes = pairs * 64;
  args.n = n;
  args.c = found;
  args.c_stride = c_stride;
  args.last = true;
  args.bias = random_word() % 2 == 0 ? bias : nullptr;
  args.lo = random_word() % 2 == 0 ? -8.0f : -std::numeric_limits<float>::infinity();
  args.hi = random_word() % 2 == 0 ? 9.0f : std::numeric_limits<float>::infinity();
  OF(gemm_bf16bf16_f32)(args);
  // The bound of gemm_f32.h for 2 * pairs products and the bias, and that of gemm_half.h for what counts as 0.
  const double ku = static_cast<double>(2 * pairs + 1) * 0x1p-24;
  for (int64_t i = 0; i < c_size; ++i) {
    const int64_t r = i / c_stride, j = i % c_stride;
    if (j >= n) {
      if (found[i] != 1234.5f) return differ("gemm_bf16bf16_f32 behind its columns", m, pairs, n);
      continue;
    }
    double sum = 0, absolute = 0;
    for (int64_t k = 0; k < 2 * pairs; ++k) {
      const double left = lowbit::bf16_value(a[2 * r * a_stride + k]);
      const double product = left * lowbit::bf16_value(b[j / 16 * pairs * 32 + k / 2 * 32 + j % 16 * 2 + k % 2]);
      sum += product;
      absolute += fabs(product);
    }
    if (args.bias != nullptr) sum += bias[j];
    if (args.bias != nullptr) absolute += fabs(bias[j]);
    sum = sum < args.lo ? args.lo : sum > args.hi ? args.hi : sum;
    const double bound = (ku / (1 - ku) + static_cast<double>(pairs) * 0x1p-52) * absolute + pairs * 0x1p-122;
    if (!(fabs(found[i] - sum) <= bound)) return differ("gemm_bf16bf16_f32", m, pairs, n);
  }
  // The same by parts of the rows, and of k behind a multiple of 16 groups.
  const int64_t rows = 1 + random_word() % m, cut = random_word() % (pairs / 16 + 1) * 16;
  for (int64_t part = 0; part < 2; ++part) {
    lowbit::GemmF32Args some = args;
    some.rows.line_rows = part == 0 ? rows : m - rows;
    some.rows.a += part * rows * a_stride;
    some.c = again + part * rows * c_stride;
    if (some.rows.line_rows == 0) continue;
    if (cut > 0 && cut < pairs) {
      some.rows.run = cut;
      some.last = false;
      OF(gemm_bf16bf16_f32)(some);
      some.rows.a += cut;
      some.rows.run = pairs - cut;
      some.b += cut * 64;
      some.accumulate = some.last = true;
    }
    OF(gemm_bf16bf16_f32)(some);
  }
  if (memcmp(found, again, static_cast<size_t>(c_size) * 4) != 0) differ("gemm_bf16bf16_f32 cut", m, pairs, n);
  for (void* memory : {static_cast<void*>(a), static_cast<void*>(b), static_cast<void*>(bias),
                       static_cast<void*>(found), static_cast<void*>(again)}) {
    free(memory);
  }
}

// The number of comparisons.
int64_t compare_all_halves() {
  for (int64_t m = 1; m <= 70; ++m) compare_halves(m, 1 + random_word() % 100, 1 + random_word() % 200);
  for (int64_t pairs = 1; pairs <= 70; ++pairs) compare_halves(1 + pairs % 37, pairs, 1 + random_word() % 60);
  for (int64_t n = 1; n <= 70; ++n) compare_halves(1 + random_word() % 40, 1 + random_word() % 40, n);
  compare_halves(33, 384, 144);
  return 211;
}

}  // namespace
#endif
