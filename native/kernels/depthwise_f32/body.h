// depthwise_f32 over the lanes of native/isa/lanes, compiled once per instruction set, which says first what
// its registers keep.
#pragma once

#include "native/isa/unroll.h"
#include "native/kernels/depthwise_f32/depthwise_f32.h"
#include "native/kernels/lanes.h"

namespace lowbit {
namespace {

// What the channels of a vector share.
struct ChannelEnd {
  bool biased;
  F bias, lo, hi;
};

template <typename Extent>
inline ChannelEnd channel_end(const DepthwiseF32Args& args, int64_t channel, Extent e) {
  ChannelEnd end;
  end.biased = args.bias != nullptr;
  end.bias = end.biased ? Lanes::load(args.bias + channel, e) : Lanes::of(0.0f);
  end.lo = Lanes::of(args.lo);
  end.hi = Lanes::of(args.hi);
  return end;
}

inline F ended(const ChannelEnd& end, F sum) {
  return clamped(end.biased ? Lanes::add(sum, end.bias) : sum, end.lo, end.hi);
}

// Any window: every weight is loaded once for Pixels pixels.
template <int Pixels, typename Extent>
inline void some_pixels(const DepthwiseF32Args& args, const float* x, const float* w, float* y, const ChannelEnd& end,
                        Extent e) {
  F sum[Pixels];
  LOWBIT_UNROLL
  for (int p = 0; p < Pixels; ++p) sum[p] = Lanes::of(0.0f);
  for (int64_t i = 0; i < args.rows; ++i, x += args.tap_row, w += args.w_row) {
    for (int64_t j = 0; j < args.columns; ++j) {
      const F weight = Lanes::load(w + j * args.channels, e);
      LOWBIT_UNROLL
      for (int p = 0; p < Pixels; ++p) {
        sum[p] =
            Lanes::add(sum[p], Lanes::mul(Lanes::load(x + j * args.tap_column + p * args.pixel_stride, e), weight));
      }
    }
  }
  LOWBIT_UNROLL
  for (int p = 0; p < Pixels; ++p) Lanes::store(y + p * args.channels, ended(end, sum[p]), e);
}

template <typename Extent>
void any_window(const DepthwiseF32Args& args, int64_t channel, Extent e) {
  const ChannelEnd end = channel_end(args, channel, e);
  const float* w = args.w + channel;
  for (int64_t l = 0; l < args.lines; ++l) {
    const float* x = args.x + l * args.line_stride + channel;
    float* y = args.y + l * args.y_line + channel;
    int64_t p = 0;
    for (; p + 4 <= args.pixels; p += 4, x += 4 * args.pixel_stride, y += 4 * args.channels) {
      some_pixels<4>(args, x, w, y, end, e);
    }
    for (; p < args.pixels; ++p, x += args.pixel_stride, y += args.channels) some_pixels<1>(args, x, w, y, end, e);
  }
}

// A window of Rows x Columns taps, whose weights stay in registers over all pixels.
template <int Rows, int Columns, typename Extent>
void known_window(const DepthwiseF32Args& args, int64_t channel, Extent e) {
  const ChannelEnd end = channel_end(args, channel, e);
  F weight[Rows][Columns];
  LOWBIT_UNROLL
  for (int i = 0; i < Rows; ++i) {
    LOWBIT_UNROLL
    for (int j = 0; j < Columns; ++j) {
      weight[i][j] = Lanes::load(args.w + i * args.w_row + j * args.channels + channel, e);
    }
  }
  for (int64_t l = 0; l < args.lines; ++l) {
    float* y = args.y + l * args.y_line + channel;
    const float* row[Rows];
    LOWBIT_UNROLL
    for (int i = 0; i < Rows; ++i) row[i] = args.x + l * args.line_stride + i * args.tap_row + channel;
    for (int64_t p = 0; p < args.pixels; ++p, y += args.channels) {
      F sum = Lanes::of(0.0f);
      LOWBIT_UNROLL
      for (int i = 0; i < Rows; ++i) {
        LOWBIT_UNROLL
        for (int j = 0; j < Columns; ++j) {
          sum = Lanes::add(sum, Lanes::mul(Lanes::load(row[i] + j * args.tap_column, e), weight[i][j]));
        }
        row[i] += args.pixel_stride;
      }
      Lanes::store(y, ended(end, sum), e);
    }
  }
}

// kKeepsThreeByThree and kKeepsFiveByFive: whether the instruction set has registers for such weights.
template <typename Extent>
void channels_of(const DepthwiseF32Args& args, int64_t channel, Extent e) {
  if constexpr (kKeepsThreeByThree) {
    if (args.rows == 3 && args.columns == 3) return known_window<3, 3>(args, channel, e);
  }
  if constexpr (kKeepsFiveByFive) {
    if (args.rows == 5 && args.columns == 5) return known_window<5, 5>(args, channel, e);
  }
  any_window(args, channel, e);
}

void depthwise_rectangle(const DepthwiseF32Args& args) {
  int64_t c = 0;
  for (; c + Lanes::kWidth <= args.channels; c += Lanes::kWidth) channels_of(args, c, AllLanes{});
  if (c < args.channels) any_window(args, c, SomeLanes{static_cast<int>(args.channels - c)});
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_DEPTHWISE_F32_KERNELS(isa)                                               \
  namespace lowbit {                                                                    \
  void depthwise_f32_##isa(const DepthwiseF32Args& args) { depthwise_rectangle(args); } \
  }
