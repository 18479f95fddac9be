// quantize_groups_f32_i8 over the lanes of an instruction set, which says how to reduce them: largest_lane(F) of no
// NaN, sum_of_lanes(I). groups_lanes.h has both for sets without reductions.
#pragma once

#include "native/kernels/gemm_i4/gemm_i4.h"
#include "native/kernels/lanes.h"

namespace lowbit {
namespace {

// most = the larger of itself and |x|; a comparison with NaN is false, and so leaves it out.
struct MagnitudeRun {
  const float* x;
  F* most;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    const F v = Lanes::load(x + i, e);
    *most = Lanes::greater(v, *most);
    *most = Lanes::greater(Lanes::sub(Lanes::of(0.0f), v), *most);
  }
};

struct EncodeRun {
  const float* x;
  int8_t* codes;
  F scale, lo, hi;
  I add;
  I* sum;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    // Lanes behind the end are 0 and have the code 0.
    const I code = round_to_codes(Lanes::div(Lanes::load(x + i, e), scale), lo, hi, add);
    Lanes::store_bytes(reinterpret_cast<uint8_t*>(codes) + i, code, e);
    *sum = Lanes::add(*sum, code);
  }
};

void quantize_groups(const QuantizeGroupsArgs& args) {
  const F lo = Lanes::of(-128.0f), hi = Lanes::of(127.0f);
  for (int64_t r = 0; r < args.rows; r++) {
    const float* x = args.x + r * args.x_stride;
    int8_t* codes = args.codes + r * args.codes_stride;
    float* scale = args.scale + r;
    int32_t* total = args.sum + r;
    for (int64_t c = 0; c < args.columns; c += args.group_size) {
      const int64_t n = least(args.group_size, args.columns - c);
      F most = Lanes::of(0.0f);
      for_lanes(n, MagnitudeRun{x + c, &most});
      const float magnitude = largest_lane(most);
      *scale = (magnitude == 0.0f ? 1.0f : magnitude) / 127.0f;
      I sum = Lanes::of(int32_t{0});
      for_lanes(n, EncodeRun{x + c, codes + c, Lanes::of(*scale), lo, hi, less_bits(0), &sum});
      *total = sum_of_lanes(sum);
      scale += args.group_stride;
      total += args.group_stride;
    }
    for (int64_t c = args.columns; c < args.codes_stride; c++) codes[c] = 0;
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_QUANTIZE_GROUPS_KERNELS(isa)                                                    \
  namespace lowbit {                                                                           \
  void quantize_groups_f32_i8_##isa(const QuantizeGroupsArgs& args) { quantize_groups(args); } \
  }
