// The quantize kernels in plain C++: what the other instruction sets must agree with.

#include "native/kernels/kernels.h"
#include "native/kernels/loop.h"

namespace lowbit {
namespace {

// A code is written as the low byte of its integer, so u8 and i8 differ only in their bounds.
void quantize_run(const float* x, uint8_t* codes, int64_t n, float scale, int32_t zero, int32_t qmin, int32_t qmax) {
  const float lo = static_cast<float>(static_cast<int64_t>(qmin) - zero);
  const float hi = static_cast<float>(static_cast<int64_t>(qmax) - zero);
  const uint32_t add = static_cast<uint32_t>(zero) - kRoundBits;
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < n; i++) codes[i] = round_to_code(x[i] / scale, lo, hi, add);
}

void quantize_columns(const float* x, uint8_t* codes, int64_t n, const float* scale, const int32_t* zero, int32_t qmin,
                      int32_t qmax) {
  // The sums stay exact: zero points are codes, so |qmin - zero| < 2^9 (any other value only makes other codes).
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < n; i++) {
    const uint32_t z = static_cast<uint32_t>(zero[i]);
    const float lo = static_cast<float>(static_cast<int32_t>(static_cast<uint32_t>(qmin) - z));
    const float hi = static_cast<float>(static_cast<int32_t>(static_cast<uint32_t>(qmax) - z));
    codes[i] = round_to_code(x[i] / scale[i], lo, hi, z - kRoundBits);
  }
}

void quantize_block(const QuantizeArgs& args, int32_t qmin, int32_t qmax) {
  static const int32_t kNoZero[kColumnBlock] = {};
  for (int64_t r = 0; r < args.rows; r++) {
    const float* x = args.x + r * args.x_stride;
    uint8_t* codes = static_cast<uint8_t*>(args.codes) + r * args.codes_stride;
    const float* scale = args.scale + r * args.row_step;
    const int32_t* zero = args.zero_point == nullptr ? nullptr : args.zero_point + r * args.row_step;
    if (args.column_step == 0) {
      quantize_run(x, codes, args.columns, *scale, zero == nullptr ? 0 : *zero, qmin, qmax);
    } else if (zero != nullptr) {
      quantize_columns(x, codes, args.columns, scale, zero, qmin, qmax);
    } else {
      for (int64_t c = 0; c < args.columns; c += kColumnBlock) {
        quantize_columns(x + c, codes + c, least(kColumnBlock, args.columns - c), scale + c, kNoZero, qmin, qmax);
      }
    }
  }
}

}  // namespace

void quantize_f32_u8_portable(const QuantizeArgs& args) { quantize_block(args, 0, 255); }
void quantize_f32_i8_portable(const QuantizeArgs& args) { quantize_block(args, -128, 127); }

}  // namespace lowbit
