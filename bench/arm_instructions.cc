// Runs one ARM kernel once: `arm-instructions <slot>_<isa> <amount>`, for bench/arm-instructions.mjs, which counts the
// instructions of two runs that differ in the amount alone: k of products, pixels of depthwise convolutions, values.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "native/kernels/kernels.h"

namespace {

constexpr int64_t kMost = 4096;  // amount
constexpr int64_t kRows = 96, kPanels = 4, kTaps = 9, kChannels = 64;
constexpr int64_t kLines = 8, kWidth = 256;  // floats by 3 x 3, padded on the left and right

alignas(64) uint8_t a[kRows * kMost * 4];
alignas(64) uint8_t b[kPanels * kMost * 64];
alignas(64) uint8_t c[kMost * kChannels * 4];
alignas(64) int32_t column_sum[kPanels * 16];
const void* taps[kMost * kTaps];

template <typename Args>
struct Kernel {
  const char* name;
  void (*run)(const Args&);
};

#define KERNEL(slot, isa) \
  { #slot "_" #isa, lowbit::slot##_##isa }

const Kernel<lowbit::GemmI8Args> kGemmI8[] = {KERNEL(gemm_u8i8_i32, arm_neon),    KERNEL(gemm_i8i8_i32, arm_neon),
                                              KERNEL(gemm_u8i8_i32, arm_dotprod), KERNEL(gemm_i8i8_i32, arm_dotprod),
                                              KERNEL(gemm_u8i8_i32, arm_i8mm),    KERNEL(gemm_i8i8_i32, arm_i8mm)};
const Kernel<lowbit::GemmI8CodesArgs> kGemmI8Codes[] = {
    KERNEL(gemm_u8i8_u8, arm_neon),    KERNEL(gemm_i8i8_i8, arm_neon), KERNEL(gemm_u8i8_u8, arm_dotprod),
    KERNEL(gemm_i8i8_i8, arm_dotprod), KERNEL(gemm_u8i8_u8, arm_i8mm), KERNEL(gemm_i8i8_i8, arm_i8mm)};
const Kernel<lowbit::GemmF32Args> kGemmF32[] = {KERNEL(gemm_f32, arm_neon), KERNEL(gemm_unfused_f32, arm_neon)};
const Kernel<lowbit::DepthwiseArgs> kDepthwise[] = {KERNEL(depthwise_u8i8_i32, arm_neon),
                                                    KERNEL(depthwise_i8i8_i32, arm_neon)};
const Kernel<lowbit::DepthwiseF32Args> kDepthwiseF32[] = {KERNEL(depthwise_f32, arm_neon)};
const Kernel<lowbit::QuantizeArgs> kQuantize[] = {KERNEL(quantize_f32_u8, arm_neon), KERNEL(quantize_f32_i8, arm_neon)};

template <typename Args, size_t kCount>
bool run_named(const Kernel<Args> (&kernels)[kCount], const char* name, const Args& args) {
  for (const Kernel<Args>& kernel : kernels) {
    if (strcmp(kernel.name, name) != 0) continue;
    kernel.run(args);
    return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t amount = argc == 3 ? atoi(argv[2]) : 0;
  if (amount < 1 || amount > kMost) return 2;
  // Pointers, strides and what is prepared do not depend on the amount.
  for (int64_t i = 0; i < kMost * kTaps; ++i) taps[i] = a + i % kRows * kChannels * 4;
  const float scale = 0.5f;
  const int32_t zero = 3;
  const lowbit::GemmI8Product product = {a,          kMost,   1,       0,      reinterpret_cast<const int8_t*>(b),
                                         kMost * 16, kRows,   kPanels, amount, kPanels * 16,
                                         column_sum, nullptr, &zero,   0,      nullptr,
                                         nullptr};
  const bool found =
      run_named(kGemmI8Codes, argv[1], {product, c, kPanels * 16, &scale, 0, 3, 0, 127}) ||
      run_named(kGemmI8, argv[1],
                {a, kMost, reinterpret_cast<const int8_t*>(b), kMost * 16, column_sum, kRows, kPanels, amount,
                 reinterpret_cast<int32_t*>(c), kPanels * 16, false}) ||
      run_named(kGemmF32, argv[1],
                {lowbit::plain_float_rows(reinterpret_cast<const float*>(a), kMost, kRows, amount),
                 reinterpret_cast<const uint8_t*>(b), kMost * 64, kPanels * 16, reinterpret_cast<float*>(c),
                 kPanels * 16, false, true, nullptr, -1.0f, 1.0f}) ||
      run_named(kDepthwise, argv[1], {taps, amount, kTaps, kChannels, b, c}) ||
      run_named(kDepthwiseF32, argv[1],
                {reinterpret_cast<const float*>(a), kLines, kWidth * kChannels, amount, 1, 1, amount, 1, 3, 3,
                 kWidth * kChannels, kChannels, reinterpret_cast<const float*>(b), 3 * kChannels,
                 reinterpret_cast<float*>(c), amount * kChannels, nullptr, -1.0f, 1.0f}) ||
      run_named(kQuantize, argv[1],
                {reinterpret_cast<const float*>(a), amount, c, amount, 1, amount, &scale, &zero, 0, 0, false});
  return found ? 0 : 2;
}
