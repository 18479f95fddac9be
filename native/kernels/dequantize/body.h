// dequantize_u8_f32, dequantize_i8_f32 and dequantize_i32_f32 over the lanes of an instruction set.
#pragma once

#include "native/kernels/dequantize/dequantize.h"
#include "native/kernels/lanes.h"

namespace lowbit {
namespace {

template <typename Code>
struct DequantizeRun {
  const Code* codes;
  float* x;
  F scale;
  I zero;
  template <typename Extent>
  inline F values_at(int64_t i, Extent e) const {
    return Lanes::mul(Lanes::to_float(Lanes::sub(Lanes::load(codes + i, e), zero)), scale);
  }
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    Lanes::store(x + i, values_at(i, e), e);
  }
};

template <typename Code>
void dequantize_run(const DequantizeRun<Code>& run, int64_t n, bool streams) {
  constexpr int64_t kLine = kLineBytes / static_cast<int64_t>(sizeof(Code));
  int64_t i = 0;
  // Floats that lie on no multiple of their size never reach a line.
  if (streams && n >= 2 * kLine && reinterpret_cast<uintptr_t>(run.x) % sizeof(float) == 0) {
    i = to_line(run.x, sizeof(float));
    for_lanes(i, run);
    for (; i + kLine <= n; i += kLine) {
      prefetch_lines(run.codes + i, kLineBytes);
      for (int64_t j = i; j < i + kLine; j += Lanes::kWidth) Lanes::stream(run.x + j, run.values_at(j, AllLanes{}));
    }
    Lanes::end_streams();
  }
  for_lanes(n - i, DequantizeRun<Code>{run.codes + i, run.x + i, run.scale, run.zero});
}

template <typename Code, bool kZero>
struct DequantizeColumns {
  const Code* codes;
  float* x;
  const float* scale;
  const int32_t* zero;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    const I z = kZero ? Lanes::load(zero + i, e) : Lanes::of(int32_t{0});
    const F v = Lanes::to_float(Lanes::sub(Lanes::load(codes + i, e), z));
    Lanes::store(x + i, Lanes::mul(v, Lanes::load(scale + i, e)), e);
  }
};

template <typename Code>
void dequantize_block(const DequantizeArgs& args) {
  for (int64_t r = 0; r < args.rows; r++) {
    const Code* codes = static_cast<const Code*>(args.codes) + r * args.codes_stride;
    float* x = args.x + r * args.x_stride;
    const float* scale = args.scale + r * args.row_step;
    const int32_t* zero = args.zero_point == nullptr ? nullptr : args.zero_point + r * args.row_step;
    if (args.column_step == 0) {
      const int32_t z = zero == nullptr ? 0 : *zero;
      dequantize_run(DequantizeRun<Code>{codes, x, Lanes::of(*scale), Lanes::of(z)}, args.columns, args.streams);
    } else if (zero != nullptr) {
      for_lanes(args.columns, DequantizeColumns<Code, true>{codes, x, scale, zero});
    } else {
      for_lanes(args.columns, DequantizeColumns<Code, false>{codes, x, scale, zero});
    }
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_DEQUANTIZE_KERNELS(isa)                                                           \
  namespace lowbit {                                                                             \
  void dequantize_u8_f32_##isa(const DequantizeArgs& args) { dequantize_block<uint8_t>(args); }  \
  void dequantize_i8_f32_##isa(const DequantizeArgs& args) { dequantize_block<int8_t>(args); }   \
  void dequantize_i32_f32_##isa(const DequantizeArgs& args) { dequantize_block<int32_t>(args); } \
  }
