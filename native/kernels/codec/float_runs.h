// Runs of floats to codes of small floats and back over the lanes of an instruction set. Include behind the lanes.
#pragma once

#include "native/kernels/codec/float_lanes.h"

namespace lowbit {
namespace {

// How the scale of a run is found: there is none (it is 1), one for all, or one per column.
enum ScaleKind { kUnit, kOne, kPerColumn };

template <ScaleKind kScale, typename Extent>
inline F divided_lanes(const float* x, const float* scale, F one, int64_t i, Extent e) {
  const F v = Lanes::load(x + i, e);
  if constexpr (kScale == kUnit) return v;
  // Lanes beyond the extent divide 0 by 0, which stays in them.
  return Lanes::div(v, kScale == kOne ? one : Lanes::load(scale + i, e));
}

template <ScaleKind kScale, typename Extent>
inline F multiplied_lanes(F v, const float* scale, F one, int64_t i, Extent e) {
  if constexpr (kScale == kUnit) return v;
  return Lanes::mul(v, kScale == kOne ? one : Lanes::load(scale + i, e));
}

// Formats of at most 8 bits that saturate and have a negative zero.
template <ScaleKind kScale>
struct EncodeSmall {
  const float* x;
  uint8_t* codes;
  const float* scale;
  F one;
  I nan;
  const ElementSteps& steps;
  template <typename Extent>
  inline I codes_at(int64_t i, Extent e) const {
    const F v = divided_lanes<kScale>(x, scale, one, i, e);
    const F bounded = Lanes::within(v, Lanes::of(-kBeyondElements), Lanes::of(kBeyondElements));
    return Lanes::bits(Lanes::where_number(v, Lanes::floats(steps.codes(bounded)), Lanes::floats(nan)));
  }
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    Lanes::store_bytes(codes + i, codes_at(i, e), e);
  }
};

template <typename Run>
inline void encode_small_run(const Run& run, int64_t n) {
  constexpr int w = Lanes::kWidth;
  const AllLanes all{};
  int64_t i = 0;
  for (; i + 4 * w <= n; i += 4 * w) {
    Lanes::store_bytes(run.codes + i, run.codes_at(i, all), run.codes_at(i + w, all), run.codes_at(i + 2 * w, all),
                       run.codes_at(i + 3 * w, all));
  }
  for (; i + w <= n; i += w) run(i, all);
  if (i < n) run(i, SomeLanes{static_cast<int>(n - i)});
}

template <ScaleKind kScale>
struct DecodeSmall {
  const uint8_t* codes;
  float* x;
  const float* scale;
  F one;
  const ElementValues& values;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    Lanes::store(x + i, multiplied_lanes<kScale>(values.values(Lanes::load(codes + i, e)), scale, one, i, e), e);
  }
};

// f16 where instructions convert it; L is Lanes.
template <ScaleKind kScale, typename L>
struct EncodeHalves {
  const float* x;
  uint16_t* codes;
  const float* scale;
  F one, limit;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    const F v = divided_lanes<kScale>(x, scale, one, i, e);
    const F held = Lanes::within(v, Lanes::sub(Lanes::of(0.0f), limit), limit);
    L::store_f16(codes + i, Lanes::where_number(v, held, Lanes::floats(Lanes::of(kNanBits))), e);
  }
};

template <ScaleKind kScale, typename L>
struct DecodeHalves {
  const uint16_t* codes;
  float* x;
  const float* scale;
  F one;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    Lanes::store(x + i, multiplied_lanes<kScale>(L::load_f16(codes + i, e), scale, one, i, e), e);
  }
};

}  // namespace
}  // namespace lowbit
