// The elementwise kernels in plain C++.
#include "native/kernels/kernels.h"
#include "native/kernels/elementwise/body.h"

LOWBIT_ELEMENTWISE_KERNELS(portable)

namespace lowbit {
namespace {

// Signed codes are read as bytes with the sign bit flipped, which adds 128 to code and zero point alike.
template <int kKind, int kAStep, int kBStep>
void binary_i8_run(const BinaryI8Args& args) {
  const uint8_t* a = static_cast<const uint8_t*>(args.a);
  const uint8_t* b = static_cast<const uint8_t*>(args.b);
  uint8_t* y = static_cast<uint8_t*>(args.y);
  const uint8_t a_flip = args.a_signed ? 0x80 : 0, b_flip = args.b_signed ? 0x80 : 0;
  const int32_t a_zero = args.a_zero + a_flip, b_zero = args.b_zero + b_flip;
  const uint8_t a0 = *a, b0 = *b;
  const float a_ratio = args.a_ratio, b_ratio = args.b_ratio;
  const float lo = static_cast<float>(args.qlo - args.y_zero), hi = static_cast<float>(args.qhi - args.y_zero);
  const uint32_t add = static_cast<uint32_t>(args.y_zero) - kRoundBits;
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < args.n; i++) {
    const int32_t p = static_cast<uint8_t>((kAStep == 0 ? a0 : a[i]) ^ a_flip) - a_zero;
    const int32_t q = static_cast<uint8_t>((kBStep == 0 ? b0 : b[i]) ^ b_flip) - b_zero;
    const float v = kKind == kAdd ? static_cast<float>(p) * a_ratio + static_cast<float>(q) * b_ratio
                                  : static_cast<float>(p * q) * a_ratio;
    y[i] = round_to_code(v, lo, hi, add);
  }
}

template <int kKind>
void binary_i8_kind(const BinaryI8Args& args) {
  if (args.a_step == 0) {
    args.b_step == 0 ? binary_i8_run<kKind, 0, 0>(args) : binary_i8_run<kKind, 0, 1>(args);
  } else {
    args.b_step == 0 ? binary_i8_run<kKind, 1, 0>(args) : binary_i8_run<kKind, 1, 1>(args);
  }
}

void binary_i8_any(const BinaryI8Args& args) {
  if (args.n <= 0) return;
  args.kind == kAdd ? binary_i8_kind<kAdd>(args) : binary_i8_kind<kMultiply>(args);
}

}  // namespace

void binary_i8_portable(const BinaryI8Args& args) { binary_i8_any(args); }

void lookup_8_portable(const LookupArgs& args) { lookup_run(args.x, args.table, args.y, args.n); }
void interleave_8_portable(const InterleaveArgs& args) { interleave_run(args.x, args.plane, args.y, args.n); }

}  // namespace lowbit
