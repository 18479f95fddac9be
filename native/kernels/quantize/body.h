// quantize_f32_u8 and quantize_f32_i8 over the lanes of an instruction set.
#pragma once

#include "native/kernels/lanes.h"
#include "native/kernels/quantize/quantize.h"

namespace lowbit {
namespace {

// One scale for the run. A code is written as the low byte of its integer, so u8 and i8 differ only in their bounds.
struct QuantizeRun {
  const float* x;
  uint8_t* codes;
  F scale, lo, hi;
  I add;
  template <typename Extent>
  inline I codes_at(int64_t i, Extent e) const {
    return round_to_codes(Lanes::div(Lanes::load(x + i, e), scale), lo, hi, add);
  }
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    Lanes::store_bytes(codes + i, codes_at(i, e), e);
  }
};

constexpr int64_t kFour = 4 * Lanes::kWidth;

void quantize_run(const QuantizeRun& run, int64_t n, bool streams) {
  constexpr int w = Lanes::kWidth;
  const AllLanes all{};
  int64_t i = 0;
  if (streams && n >= 2 * kLineBytes) {
    i = to_line(run.codes, 1);
    for_lanes(i, run);
    for (; i + kLineBytes <= n; i += kLineBytes) {
      prefetch_lines(run.x + i, 4 * kLineBytes);
      for (int64_t j = i; j < i + kLineBytes; j += kFour) {
        Lanes::stream_bytes(run.codes + j, run.codes_at(j, all), run.codes_at(j + w, all), run.codes_at(j + 2 * w, all),
                            run.codes_at(j + 3 * w, all));
      }
    }
    Lanes::end_streams();
  }
  for (; i + kFour <= n; i += kFour) {
    Lanes::store_bytes(run.codes + i, run.codes_at(i, all), run.codes_at(i + w, all), run.codes_at(i + 2 * w, all),
                       run.codes_at(i + 3 * w, all));
  }
  for_lanes(n - i, QuantizeRun{run.x + i, run.codes + i, run.scale, run.lo, run.hi, run.add});
}

// A scale and a zero point for every column; no zero points = 0.
template <bool kZero>
struct QuantizeColumns {
  const float* x;
  uint8_t* codes;
  const float* scale;
  const int32_t* zero;
  I qmin, qmax;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    const I z = kZero ? Lanes::load(zero + i, e) : Lanes::of(int32_t{0});
    const F lo = Lanes::to_float(Lanes::sub(qmin, z)), hi = Lanes::to_float(Lanes::sub(qmax, z));
    const F v = Lanes::div(Lanes::load(x + i, e), Lanes::load(scale + i, e));
    Lanes::store_bytes(codes + i, round_to_codes(v, lo, hi, Lanes::add(z, less_bits(0))), e);
  }
};

void quantize_block(const QuantizeArgs& args, int32_t qmin, int32_t qmax) {
  for (int64_t r = 0; r < args.rows; r++) {
    const float* x = args.x + r * args.x_stride;
    uint8_t* codes = static_cast<uint8_t*>(args.codes) + r * args.codes_stride;
    const float* scale = args.scale + r * args.row_step;
    const int32_t* zero = args.zero_point == nullptr ? nullptr : args.zero_point + r * args.row_step;
    if (args.column_step == 0) {
      const int32_t z = zero == nullptr ? 0 : *zero;
      const float lo = static_cast<float>(static_cast<int64_t>(qmin) - z);
      const float hi = static_cast<float>(static_cast<int64_t>(qmax) - z);
      const QuantizeRun run{x, codes, Lanes::of(*scale), Lanes::of(lo), Lanes::of(hi), less_bits(z)};
      quantize_run(run, args.columns, args.streams);
    } else if (zero != nullptr) {
      for_lanes(args.columns, QuantizeColumns<true>{x, codes, scale, zero, Lanes::of(qmin), Lanes::of(qmax)});
    } else {
      for_lanes(args.columns, QuantizeColumns<false>{x, codes, scale, zero, Lanes::of(qmin), Lanes::of(qmax)});
    }
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_QUANTIZE_KERNELS(isa)                                                        \
  namespace lowbit {                                                                        \
  void quantize_f32_u8_##isa(const QuantizeArgs& args) { quantize_block(args, 0, 255); }    \
  void quantize_f32_i8_##isa(const QuantizeArgs& args) { quantize_block(args, -128, 127); } \
  }
