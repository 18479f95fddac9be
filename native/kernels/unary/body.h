// unary_f32 over the lanes of an instruction set. Include inside a target region, behind the lanes.
#pragma once

#include "native/kernels/unary/functions.h"
#include "native/kernels/unary/unary.h"

namespace lowbit {
namespace {

template <int kKind>
inline F unary_of(F v, F alpha, F beta) {
  const F one = Lanes::of(1.0f), zero = Lanes::of(0.0f);
  if constexpr (kKind == 0) return exp_of(v);
  if constexpr (kKind == 1) return log_of(v);
  if constexpr (kKind == 2) return Lanes::square_root(v);
  if constexpr (kKind == 3) return Lanes::div(one, v);
  if constexpr (kKind == 4) return negative(v);
  if constexpr (kKind == 5) return absolute(v);
  if constexpr (kKind == 6) return erf_of(v);
  if constexpr (kKind == 7) {
    F gelu[1] = {v};
    gelus_of(gelu);
    return gelu[0];
  }
  if constexpr (kKind == 8) {
    // -2 sqrt(2/pi), and that times 0.044715.
    const F cubic = twice(Lanes::mul(v, v), Lanes::of(-0x1.2444f2p-4f), Lanes::of(-0x1.988454p0f));
    return Lanes::div(v, Lanes::add(exp_of(Lanes::mul(v, cubic)), one));
  }
  if constexpr (kKind == 9) return tanh_of(v);
  if constexpr (kKind == 10) return Lanes::div(one, Lanes::add(exp_of(negative(v)), one));
  if constexpr (kKind == 11) return Lanes::div(v, Lanes::add(exp_of(negative(Lanes::mul(v, alpha))), one));
  if constexpr (kKind == 12) return clamped(twice(v, alpha, beta), zero, one);
  if constexpr (kKind == 13) {
    return Lanes::mul(v, clamped(twice(v, Lanes::of(1.0f / 6.0f), Lanes::of(0.5f)), zero, one));
  }
  if constexpr (kKind == 14) return Lanes::where_less(v, zero, Lanes::mul(v, alpha), v);
  if constexpr (kKind == 15) {
    return Lanes::where_less(v, zero, Lanes::mul(alpha, Lanes::sub(exp_of(Lanes::div(v, beta)), one)), v);
  }
  if constexpr (kKind == 16) return softplus_of(v);
  if constexpr (kKind == 17) return Lanes::div(v, Lanes::add(absolute(v), one));
  if constexpr (kKind == 18) return floor_of(v);
  if constexpr (kKind == 19) return negative(floor_of(negative(v)));
  if constexpr (kKind == 20) return round_of(v);
  if constexpr (kKind == 21) {
    return Lanes::where_less(zero, v, one, Lanes::where_less(v, zero, Lanes::of(-1.0f), v));
  }
  if constexpr (kKind == 22) return Lanes::mul(v, tanh_of(softplus_of(v)));
  if constexpr (kKind == 23) return Lanes::where_less(alpha, v, v, Lanes::where_number(v, zero, v));
}

template <int kKind>
struct UnaryRun {
  const float* x;
  float* y;
  F alpha, beta;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    Lanes::store(y + i, unary_of<kKind>(Lanes::load(x + i, e), alpha, beta), e);
  }

  inline void row(int64_t n) const {
    int64_t done = 0;
    if constexpr (kKind == 7 && kGelus > 1) {
      for (; done + kGelus * Lanes::kWidth <= n; done += kGelus * Lanes::kWidth) {
        F v[kGelus];
        LOWBIT_UNROLL
        for (int i = 0; i < kGelus; i++) v[i] = Lanes::load(x + done + i * Lanes::kWidth, AllLanes{});
        gelus_of(v);
        LOWBIT_UNROLL
        for (int i = 0; i < kGelus; i++) Lanes::store(y + done + i * Lanes::kWidth, v[i], AllLanes{});
      }
    }
    for_lanes(n - done, UnaryRun{x + done, y + done, alpha, beta});
  }
};

template <int kKind>
void unary_any(const UnaryArgs& args) {
  if constexpr (kKind < kUnaryKinds) {
    if (args.kind != kKind) return unary_any<kKind + 1>(args);
    UnaryRun<kKind> run{args.x, args.y, Lanes::of(args.alpha), Lanes::of(args.beta)};
    for (int64_t r = 0; r < args.rows; r++) {
      run.x = args.x + r * args.x_stride;
      run.y = args.y + r * args.y_stride;
      run.row(args.n);
    }
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_UNARY_KERNELS(isa)                                     \
  namespace lowbit {                                                  \
  void unary_f32_##isa(const UnaryArgs& args) { unary_any<0>(args); } \
  }
