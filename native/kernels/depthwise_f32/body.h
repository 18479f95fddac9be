// depthwise_f32 over the lanes of native/isa/lanes, compiled once per instruction set, which says first how many pixels
// its registers take (kMostPixels), whether the rows of 3 x 3 are written out (kUnrollsRows), and its Steps: what keeps
// a vector in its register, hold(v) and hold_sum(v), and whether it walks from column to column (kWalks) by take(at,
// step) and put(at, v, step), which leave `at` a step further; sums are then bounded(v, lo, hi).
#pragma once

#include "native/isa/unroll.h"
#include "native/kernels/depthwise_f32/depthwise_f32.h"
#include "native/kernels/lanes.h"

namespace lowbit {
namespace {

template <typename Extent>
inline F ended(const DepthwiseF32Args& args, F sum, int64_t channel, Extent e) {
  if (args.bias != nullptr) sum = Lanes::add(sum, Lanes::load(args.bias + channel, e));
  return clamped(sum, Lanes::of(args.lo), Lanes::of(args.hi));
}

// Where the columns of a row are, a vector of channels each.
template <int Count, typename Steps, bool Walks = Steps::kWalks>
struct Row;

// Columns are reached from every third one: base, base + stride and base + 2 * stride are addressing modes of x86.
template <int Count, typename Steps>
struct Row<Count, Steps, false> {
  static constexpr int kBases = (Count + 2) / 3;
  const float* base[kBases];

  LOWBIT_INLINE Row(const float* first, int64_t channels) {
    LOWBIT_UNROLL
    for (int b = 0; b < kBases; ++b) base[b] = first + 3 * b * channels;
  }
  LOWBIT_INLINE F column(int q, int64_t channels) { return Lanes::load(base[q / 3] + q % 3 * channels, AllLanes{}); }
  LOWBIT_INLINE void skip(int64_t) {}
  LOWBIT_INLINE void down(int64_t step, int64_t) {
    LOWBIT_UNROLL
    for (int b = 0; b < kBases; ++b) base[b] += step;
  }
};

// Every column is followed by the next one, taken or skipped.
template <int Count, typename Steps>
struct Row<Count, Steps, true> {
  const float* at;

  LOWBIT_INLINE Row(const float* first, int64_t) : at(first) {}
  LOWBIT_INLINE F column(int, int64_t channels) { return Steps::take(at, channels); }
  LOWBIT_INLINE void skip(int64_t channels) { at += channels; }
  LOWBIT_INLINE void down(int64_t step, int64_t channels) { at += step - Count * channels; }
};

// What a row of taps adds to `Pixels` sums. A vector of x is loaded once for all windows that it belongs to, a weight
// once for all pixels.
template <int Taps, int Stride, bool Bordered, int Pixels, typename Columns, typename Weights>
LOWBIT_INLINE void add_row(Columns& row, Weights& w, int64_t channels, int64_t column, uint64_t width,
                           F (&sum)[Pixels]) {
  F weight[Taps];
  LOWBIT_UNROLL
  for (int j = 0; j < Taps; ++j) {
    weight[j] = w.column(j, channels);
    Steps::hold(weight[j]);
  }
  LOWBIT_UNROLL
  for (int q = 0; q < (Pixels - 1) * Stride + Taps; ++q) {
    if (Bordered && static_cast<uint64_t>(column + q) >= width) {
      row.skip(channels);
      continue;
    }
    F value = row.column(q, channels);
    Steps::hold(value);
    LOWBIT_UNROLL
    for (int p = 0; p < Pixels; ++p) {
      const int j = q - p * Stride;
      if (j < 0 || j >= Taps) continue;
      sum[p] = Lanes::add(sum[p], Lanes::mul(value, weight[j]));
      Steps::hold_sum(sum[p]);
    }
  }
}

template <typename Steps, int Pixels>
LOWBIT_INLINE void store_pixels(float* y, int64_t channels, F (&sum)[Pixels], F lo, F hi) {
  LOWBIT_UNROLL
  for (int p = 0; p < Pixels; ++p) {
    if constexpr (Steps::kWalks) {
      Steps::put(y, Steps::bounded(sum[p], lo, hi), channels);
    } else {
      Lanes::store(y + p / 3 * 3 * channels + p % 3 * channels, clamped(sum[p], lo, hi), AllLanes{});
    }
  }
}

// `Pixels` neighbours of every line, the channels [first, last). Bordered: some windows leave the image on the left or
// right. Whole: the windows have as many rows as columns. `column` is that of the first tap of the first window, x the
// first row at this column.
template <int Taps, int Stride, bool Bordered, bool Whole, int Pixels>
void tile(const DepthwiseF32Args& args, const float* x, int64_t column, float* y, int64_t first, int64_t last) {
  constexpr int kColumns = (Pixels - 1) * Stride + Taps;
  const int64_t channels = args.channels, rows = args.rows;
  const uint64_t width = static_cast<uint64_t>(args.width);
  const F lo = Lanes::of(args.lo), hi = Lanes::of(args.hi);
  for (int64_t l = 0; l < args.lines; ++l, x += args.line_stride, y += args.y_line) {
    for (int64_t c = first;;) {
      F sum[Pixels];
      LOWBIT_UNROLL
      for (int p = 0; p < Pixels; ++p) sum[p] = Lanes::of(0.0f);
      Row<kColumns, Steps> row(x + c, channels);
      Row<Taps, Steps> w(args.w + c, channels);
      if constexpr (Whole) {
        LOWBIT_UNROLL
        for (int i = 0; i < Taps; ++i) {
          add_row<Taps, Stride, Bordered, Pixels>(row, w, channels, column, width, sum);
          row.down(args.tap_row, channels);
          w.down(args.w_row, channels);
        }
      } else {
        for (int64_t i = rows; i > 0; --i) {
          add_row<Taps, Stride, Bordered, Pixels>(row, w, channels, column, width, sum);
          row.down(args.tap_row, channels);
          w.down(args.w_row, channels);
        }
      }
      if (args.bias != nullptr) {
        const F added = Lanes::load(args.bias + c, AllLanes{});
        LOWBIT_UNROLL
        for (int p = 0; p < Pixels; ++p) sum[p] = Lanes::add(sum[p], added);
      }
      store_pixels<Steps>(y + c, channels, sum, lo, hi);
      // The last vector overlaps the one before it.
      if (c + Lanes::kWidth == last) break;
      c = c + 2 * Lanes::kWidth <= last ? c + Lanes::kWidth : last - Lanes::kWidth;
    }
  }
}

template <int Taps, int Stride, bool Bordered, bool Whole, int Pixels>
void tile_of(int64_t pixels, const DepthwiseF32Args& args, const float* x, int64_t column, float* y, int64_t first,
             int64_t last) {
  if (pixels == Pixels) {
    tile<Taps, Stride, Bordered, Whole, Pixels>(args, x, column, y, first, last);
  } else if constexpr (Pixels > 1) {
    tile_of<Taps, Stride, Bordered, Whole, Pixels - 1>(pixels, args, x, column, y, first, last);
  }
}

// Any window: every weight is loaded once for Pixels pixels, whose taps [first, last) of a row are inside.
template <int Pixels, typename Extent>
inline void some_pixels(const DepthwiseF32Args& args, const float* x, int64_t first, int64_t last, int64_t c, float* y,
                        Extent e) {
  const int64_t tap = args.dilation * args.channels, pixel = args.stride * args.channels;
  F sum[Pixels];
  LOWBIT_UNROLL
  for (int p = 0; p < Pixels; ++p) sum[p] = Lanes::of(0.0f);
  for (int64_t i = 0; i < args.rows; ++i) {
    for (int64_t j = first; j < last; ++j) {
      const float* at = x + i * args.tap_row + j * tap + c;
      const F weight = Lanes::load(args.w + i * args.w_row + j * args.channels + c, e);
      LOWBIT_UNROLL
      for (int p = 0; p < Pixels; ++p) {
        sum[p] = Lanes::add(sum[p], Lanes::mul(Lanes::load(at + p * pixel, e), weight));
      }
    }
  }
  LOWBIT_UNROLL
  for (int p = 0; p < Pixels; ++p) {
    Lanes::store(y + p * args.channels + c, ended(args, sum[p], c, e), e);
  }
}

template <int Pixels>
void some_channels(const DepthwiseF32Args& args, const float* x, int64_t first, int64_t last, float* y) {
  int64_t c = 0;
  for (; c + Lanes::kWidth <= args.channels; c += Lanes::kWidth) {
    some_pixels<Pixels>(args, x, first, last, c, y, AllLanes{});
  }
  if (c < args.channels) {
    some_pixels<Pixels>(args, x, first, last, c, y, SomeLanes{static_cast<int>(args.channels - c)});
  }
}

// The pixels [begin, end) of every line.
void any_window(const DepthwiseF32Args& args, int64_t begin, int64_t end) {
  const int64_t reach = (args.columns - 1) * args.dilation;
  for (int64_t l = 0; l < args.lines; ++l) {
    for (int64_t p = begin; p < end;) {
      const int64_t column = p * args.stride - args.left;
      const float* x = args.x + l * args.line_stride + column * args.channels;
      float* y = args.y + l * args.y_line + p * args.channels;
      if (p + 4 <= end && column >= 0 && column + 3 * args.stride + reach < args.width) {
        some_channels<4>(args, x, 0, args.columns, y);
        p += 4;
        continue;
      }
      int64_t first = 0, last = args.columns;
      while (first < last && column + first * args.dilation < 0) ++first;
      while (last > first && column + (last - 1) * args.dilation >= args.width) --last;
      some_channels<1>(args, x, first, last, y);
      ++p;
    }
  }
}

// Bytes of x below a tile and one line more: they stay in the L1 cache from one line to the next.
constexpr int64_t kStripBytes = 24 * 1024;

// `pixels` neighbours from `begin` on, at most kMostPixels, passed down all lines in parts of the channels.
template <int Taps, int Stride>
void strip(const DepthwiseF32Args& args, int64_t begin, int64_t pixels) {
  constexpr bool kUnroll = kUnrollsRows && Taps == 3 && Stride == 1;
  const int64_t channel_bytes = (args.rows + Stride) * (kMostPixels * Stride + Taps) * 4;
  int64_t part = kStripBytes / channel_bytes / Lanes::kWidth * Lanes::kWidth;
  if (part < Lanes::kWidth) part = Lanes::kWidth;
  const int64_t parts = (args.channels + part - 1) / part;
  part = (args.channels / parts + Lanes::kWidth - 1) / Lanes::kWidth * Lanes::kWidth;
  const int64_t column = begin * Stride - args.left;
  const float* x = args.x + column * args.channels;
  float* y = args.y + begin * args.channels;
  for (int64_t first = 0; first < args.channels; first += part) {
    // At least one whole vector: the last part may begin within the one before it.
    const int64_t last = first + part < args.channels ? first + part : args.channels;
    const int64_t from = last - first < Lanes::kWidth ? last - Lanes::kWidth : first;
    if constexpr (!kTilesBorders) {
      tile<Taps, Stride, false, false, kMostPixels>(args, x, column, y, from, last);
    } else if (column < 0 || column + (pixels - 1) * Stride + Taps > args.width) {
      tile_of<Taps, Stride, true, false, kMostPixels>(pixels, args, x, column, y, from, last);
    } else if (kUnroll && args.rows == 3) {
      tile_of<Taps, Stride, false, kUnroll, kMostPixels>(pixels, args, x, column, y, from, last);
    } else {
      tile_of<Taps, Stride, false, false, kMostPixels>(pixels, args, x, column, y, from, last);
    }
  }
}

// Tiles of nearly equal width, those at the border watch it; or tiles of one width between the borders, which overlap
// where they must.
template <int Taps, int Stride>
void known_window(const DepthwiseF32Args& args) {
  if constexpr (kTilesBorders) {
    const int64_t tiles = (args.pixels + kMostPixels - 1) / kMostPixels;
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t begin = args.pixels * t / tiles;
      strip<Taps, Stride>(args, begin, args.pixels * (t + 1) / tiles - begin);
    }
  } else {
    const int64_t first = (args.left + Stride - 1) / Stride, room = args.width - Taps + args.left;
    const int64_t end = room < 0 ? 0 : room / Stride + 1, last = end < args.pixels ? end : args.pixels;
    if (last - first < kMostPixels) return any_window(args, 0, args.pixels);
    any_window(args, 0, first);
    for (int64_t p = first; p < last; p += kMostPixels) {
      strip<Taps, Stride>(args, p + kMostPixels <= last ? p : last - kMostPixels, kMostPixels);
    }
    any_window(args, last, args.pixels);
  }
}

void depthwise_lines(const DepthwiseF32Args& args) {
  // Steps::bounded takes -0 for less than 0. Sums that begin with 0 are never -0, a bound may be.
  const bool comparable = !Steps::kWalks || args.hi != 0.0f || 1.0f / args.hi > 0.0f;
  if (args.channels >= Lanes::kWidth && args.dilation == 1 && comparable) {
    if (args.columns == 3 && args.stride == 1) return known_window<3, 1>(args);
    if (args.columns == 3 && args.stride == 2) return known_window<3, 2>(args);
    if (args.columns == 5 && args.stride == 1) return known_window<5, 1>(args);
    if (args.columns == 5 && args.stride == 2) return known_window<5, 2>(args);
  }
  any_window(args, 0, args.pixels);
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_DEPTHWISE_F32_KERNELS(isa)                                           \
  namespace lowbit {                                                                \
  void depthwise_f32_##isa(const DepthwiseF32Args& args) { depthwise_lines(args); } \
  }
