// The dequantize kernels in plain C++: what the other instruction sets must agree with.

#include "native/kernels/kernels.h"
#include "native/kernels/loop.h"

namespace lowbit {
namespace {

template <typename Code>
inline float dequantize_one(Code code, uint32_t zero, float scale) {
  return static_cast<float>(static_cast<int32_t>(static_cast<uint32_t>(code) - zero)) * scale;
}

template <typename Code>
void dequantize_columns(const Code* codes, float* x, int64_t n, const float* scale, const int32_t* zero) {
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < n; i++) x[i] = dequantize_one(codes[i], static_cast<uint32_t>(zero[i]), scale[i]);
}

template <typename Code>
void dequantize_block(const DequantizeArgs& args) {
  static const int32_t kNoZero[kColumnBlock] = {};
  for (int64_t r = 0; r < args.rows; r++) {
    const Code* codes = static_cast<const Code*>(args.codes) + r * args.codes_stride;
    float* x = args.x + r * args.x_stride;
    const float* scale = args.scale + r * args.row_step;
    const int32_t* zero = args.zero_point == nullptr ? nullptr : args.zero_point + r * args.row_step;
    if (args.column_step == 0) {
      const float s = *scale;
      const uint32_t z = zero == nullptr ? 0 : static_cast<uint32_t>(*zero);
      LOWBIT_INDEPENDENT
      for (int64_t i = 0; i < args.columns; i++) x[i] = dequantize_one(codes[i], z, s);
    } else if (zero != nullptr) {
      dequantize_columns(codes, x, args.columns, scale, zero);
    } else {
      for (int64_t c = 0; c < args.columns; c += kColumnBlock) {
        dequantize_columns(codes + c, x + c, least(kColumnBlock, args.columns - c), scale + c, kNoZero);
      }
    }
  }
}

}  // namespace

void dequantize_u8_f32_portable(const DequantizeArgs& args) { dequantize_block<uint8_t>(args); }
void dequantize_i8_f32_portable(const DequantizeArgs& args) { dequantize_block<int8_t>(args); }
void dequantize_i32_f32_portable(const DequantizeArgs& args) { dequantize_block<int32_t>(args); }

}  // namespace lowbit
