// The requantize kernels in plain C++: what the other instruction sets must agree with.

#include "native/kernels/kernels.h"
#include "native/kernels/loop.h"

namespace lowbit {
namespace {

const int32_t kNoOffset[kColumnBlock] = {};

inline float float_of_sum(int32_t acc, int32_t offset) {
  return static_cast<float>(static_cast<int32_t>(static_cast<uint32_t>(acc) + static_cast<uint32_t>(offset)));
}

void requantize_run(const int32_t* acc, uint8_t* y, int64_t n, const int32_t* offset, const float* multiplier, float lo,
                    float hi, uint32_t add) {
  LOWBIT_INDEPENDENT
  for (int64_t c = 0; c < n; c++) y[c] = round_to_code(float_of_sum(acc[c], offset[c]) * multiplier[c], lo, hi, add);
}

void requantize_block(const RequantizeArgs& args) {
  const float lo = static_cast<float>(static_cast<int64_t>(args.qlo) - args.zero_point);
  const float hi = static_cast<float>(static_cast<int64_t>(args.qhi) - args.zero_point);
  const uint32_t add = static_cast<uint32_t>(args.zero_point) - kRoundBits;
  float one[kColumnBlock];
  if (args.multiplier_step == 0) {
    for (int64_t c = 0; c < kColumnBlock; c++) one[c] = *args.multiplier;
  }
  for (int64_t c = 0; c < args.columns; c += kColumnBlock) {
    const int64_t n = least(kColumnBlock, args.columns - c);
    const int32_t* offset = args.offset == nullptr ? kNoOffset : args.offset + c;
    const float* multiplier = args.multiplier_step == 0 ? one : args.multiplier + c;
    for (int64_t r = 0; r < args.rows; r++) {
      requantize_run(args.acc + r * args.acc_stride + c, static_cast<uint8_t*>(args.y) + r * args.y_stride + c, n,
                     offset, multiplier, lo, hi, add);
    }
  }
}

template <bool kRowZero, bool kColumnZero>
void correct_run(int32_t* acc, int64_t n, const int32_t* offset, uint32_t row_zero, const int32_t* column_sum,
                 const int32_t* column_zero, uint32_t row_term) {
  // row_term = k * row_zero - row_sum, the factor of column_zero.
  LOWBIT_INDEPENDENT
  for (int64_t c = 0; c < n; c++) {
    uint32_t sum = static_cast<uint32_t>(acc[c]) + static_cast<uint32_t>(offset[c]);
    if (kRowZero) sum -= row_zero * static_cast<uint32_t>(column_sum[c]);
    if (kColumnZero) sum += row_term * static_cast<uint32_t>(column_zero[c]);
    acc[c] = static_cast<int32_t>(sum);
  }
}

template <bool kRowZero, bool kColumnZero>
void correct_block(const CorrectArgs& args) {
  for (int64_t c = 0; c < args.columns; c += kColumnBlock) {
    const int64_t n = least(kColumnBlock, args.columns - c);
    const int32_t* offset = args.offset == nullptr ? kNoOffset : args.offset + c;
    const int32_t* column_sum = kRowZero ? args.column_sum + c : nullptr;
    const int32_t* column_zero = kColumnZero ? args.column_zero + c : nullptr;
    for (int64_t r = 0; r < args.rows; r++) {
      const uint32_t row_zero = kRowZero ? static_cast<uint32_t>(args.row_zero[r * args.row_zero_step]) : 0;
      const uint32_t row_sum = kColumnZero ? static_cast<uint32_t>(args.row_sum[r]) : 0;
      correct_run<kRowZero, kColumnZero>(args.acc + r * args.acc_stride + c, n, offset, row_zero, column_sum,
                                         column_zero, static_cast<uint32_t>(args.k) * row_zero - row_sum);
    }
  }
}

void correct_any(const CorrectArgs& args) {
  if (args.row_zero != nullptr) {
    args.column_zero != nullptr ? correct_block<true, true>(args) : correct_block<true, false>(args);
  } else if (args.column_zero != nullptr) {
    correct_block<false, true>(args);
  } else if (args.offset != nullptr) {
    correct_block<false, false>(args);
  }
}

template <bool kAccumulate, bool kLast>
void dequantize_accumulator_run(const int32_t* acc, float* y, int64_t n, const int32_t* offset, float row_scale,
                                const float* column_scale, const float* bias, float lo, float hi) {
  LOWBIT_INDEPENDENT
  for (int64_t c = 0; c < n; c++) {
    float v = float_of_sum(acc[c], offset[c]) * (row_scale * column_scale[c]);
    if (kAccumulate) v = y[c] + v;
    if (kLast) {
      v = v + bias[c];
      v = v < lo ? lo : v;
      v = v > hi ? hi : v;
    }
    y[c] = v;
  }
}

template <bool kAccumulate, bool kLast>
void dequantize_accumulator_block(const DequantizeAccumulatorArgs& args) {
  float one[kColumnBlock];
  float no_bias[kColumnBlock];
  for (int64_t c = 0; c < kColumnBlock; c++) {
    if (args.column_scale_step == 0) one[c] = *args.column_scale;
    no_bias[c] = -0.0f;  // v + -0 = v for every v, -0 included
  }
  for (int64_t c = 0; c < args.columns; c += kColumnBlock) {
    const int64_t n = least(kColumnBlock, args.columns - c);
    const int32_t* offset = args.offset == nullptr ? kNoOffset : args.offset + c;
    const float* column_scale = args.column_scale_step == 0 ? one : args.column_scale + c;
    const float* bias = args.bias == nullptr ? no_bias : args.bias + c;
    for (int64_t r = 0; r < args.rows; r++) {
      const float row_scale = args.row_scale == nullptr ? 1.0f : args.row_scale[r * args.row_scale_step];
      dequantize_accumulator_run<kAccumulate, kLast>(args.acc + r * args.acc_stride + c, args.y + r * args.y_stride + c,
                                                     n, offset, row_scale, column_scale, bias, args.lo, args.hi);
    }
  }
}

void dequantize_accumulator_any(const DequantizeAccumulatorArgs& args) {
  if (args.accumulate) {
    args.last ? dequantize_accumulator_block<true, true>(args) : dequantize_accumulator_block<true, false>(args);
  } else {
    args.last ? dequantize_accumulator_block<false, true>(args) : dequantize_accumulator_block<false, false>(args);
  }
}

}  // namespace

void requantize_i32_u8_portable(const RequantizeArgs& args) { requantize_block(args); }
void requantize_i32_i8_portable(const RequantizeArgs& args) { requantize_block(args); }
void correct_i32_portable(const CorrectArgs& args) { correct_any(args); }
void dequantize_accumulator_i32_f32_portable(const DequantizeAccumulatorArgs& args) {
  dequantize_accumulator_any(args);
}

}  // namespace lowbit
