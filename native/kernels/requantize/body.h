// The epilogues over the lanes of an instruction set that end in corrected sums or floats.
#pragma once

#include "native/kernels/lanes.h"
#include "native/kernels/requantize/requantize.h"

namespace lowbit {
namespace {

// row_term = k * row_zero - row_sum, the factor of column_zero.
template <bool kOffset, bool kRowZero, bool kColumnZero>
struct CorrectRun {
  int32_t* acc;
  const int32_t* offset;
  const int32_t* column_sum;
  const int32_t* column_zero;
  I row_zero, row_term;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    I sum = Lanes::load(acc + i, e);
    if (kOffset) sum = Lanes::add(sum, Lanes::load(offset + i, e));
    if (kRowZero) sum = Lanes::sub(sum, Lanes::mul(row_zero, Lanes::load(column_sum + i, e)));
    if (kColumnZero) sum = Lanes::add(sum, Lanes::mul(row_term, Lanes::load(column_zero + i, e)));
    Lanes::store(acc + i, sum, e);
  }
};

template <bool kOffset, bool kRowZero, bool kColumnZero>
void correct_rows(const CorrectArgs& args) {
  for (int64_t r = 0; r < args.rows; r++) {
    const uint32_t row_zero = kRowZero ? static_cast<uint32_t>(args.row_zero[r * args.row_zero_step]) : 0;
    const uint32_t row_sum = kColumnZero ? static_cast<uint32_t>(args.row_sum[r]) : 0;
    const uint32_t row_term = static_cast<uint32_t>(args.k) * row_zero - row_sum;
    for_lanes(args.columns, CorrectRun<kOffset, kRowZero, kColumnZero>{
                                args.acc + r * args.acc_stride, args.offset, args.column_sum, args.column_zero,
                                Lanes::of(static_cast<int32_t>(row_zero)), Lanes::of(static_cast<int32_t>(row_term))});
  }
}

template <bool kOffset>
void correct_zeros(const CorrectArgs& args) {
  if (args.row_zero != nullptr) {
    args.column_zero != nullptr ? correct_rows<kOffset, true, true>(args) : correct_rows<kOffset, true, false>(args);
  } else if (args.column_zero != nullptr) {
    correct_rows<kOffset, false, true>(args);
  } else if (kOffset) {
    correct_rows<kOffset, false, false>(args);
  }
}

void correct_any(const CorrectArgs& args) {
  args.offset != nullptr ? correct_zeros<true>(args) : correct_zeros<false>(args);
}

template <bool kOffset, bool kPerColumn, bool kAccumulate, bool kBias>
struct DequantizeAccumulatorRun {
  const int32_t* acc;
  float* y;
  const int32_t* offset;
  const float* scales;
  const float* bias;
  F row_scale, scale, lo, hi;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    I sum = Lanes::load(acc + i, e);
    if (kOffset) sum = Lanes::add(sum, Lanes::load(offset + i, e));
    const F s = kPerColumn ? Lanes::mul(row_scale, Lanes::load(scales + i, e)) : scale;
    F v = Lanes::mul(Lanes::to_float(sum), s);
    if (kAccumulate) v = Lanes::add(Lanes::load(y + i, e), v);
    if (kBias) v = Lanes::add(v, Lanes::load(bias + i, e));
    Lanes::store(y + i, clamped(v, lo, hi), e);
  }
};

template <bool kOffset, bool kPerColumn, bool kAccumulate, bool kBias>
void dequantize_accumulator_rows(const DequantizeAccumulatorArgs& args) {
  // Before the last group nothing is clamped: the bounds are infinite then.
  const F lo = Lanes::of(args.last ? args.lo : -kInfinity), hi = Lanes::of(args.last ? args.hi : kInfinity);
  for (int64_t r = 0; r < args.rows; r++) {
    const float row_scale = args.row_scale == nullptr ? 1.0f : args.row_scale[r * args.row_scale_step];
    for_lanes(args.columns,
              DequantizeAccumulatorRun<kOffset, kPerColumn, kAccumulate, kBias>{
                  args.acc + r * args.acc_stride, args.y + r * args.y_stride, args.offset, args.column_scale, args.bias,
                  Lanes::of(row_scale), Lanes::of(row_scale * *args.column_scale), lo, hi});
  }
}

template <bool kOffset, bool kPerColumn>
void dequantize_accumulator_cases(const DequantizeAccumulatorArgs& args) {
  const bool bias = args.last && args.bias != nullptr;
  if (args.accumulate) {
    bias ? dequantize_accumulator_rows<kOffset, kPerColumn, true, true>(args)
         : dequantize_accumulator_rows<kOffset, kPerColumn, true, false>(args);
  } else {
    bias ? dequantize_accumulator_rows<kOffset, kPerColumn, false, true>(args)
         : dequantize_accumulator_rows<kOffset, kPerColumn, false, false>(args);
  }
}

void dequantize_accumulator_any(const DequantizeAccumulatorArgs& args) {
  if (args.rows <= 0 || args.columns <= 0) return;
  if (args.offset != nullptr) {
    args.column_scale_step != 0 ? dequantize_accumulator_cases<true, true>(args)
                                : dequantize_accumulator_cases<true, false>(args);
  } else {
    args.column_scale_step != 0 ? dequantize_accumulator_cases<false, true>(args)
                                : dequantize_accumulator_cases<false, false>(args);
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_ACCUMULATOR_KERNELS(isa)                                              \
  namespace lowbit {                                                                 \
  void correct_i32_##isa(const CorrectArgs& args) { correct_any(args); }             \
  void dequantize_accumulator_i32_f32_##isa(const DequantizeAccumulatorArgs& args) { \
    dequantize_accumulator_any(args);                                                \
  }                                                                                  \
  }
