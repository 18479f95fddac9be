// Lines of depthwise convolution that end in codes, in registers of 256 bits. Included inside the region of an ISA
// file, behind the system headers and lanes/x86_avx2.h.
//
// A unit is what an instruction set adds products with: kChannels of a block; Taps, those of one tap;
// load<Signed>(from) and constant<Signed>(code): Taps; Column, four taps side by side, made by interleave(t0, t1, t2,
// t3); kSums vectors of sums, of which vector q holds the channels 4 * q and the three behind, and those half a block
// further on; add(sum, column, weights): their products added, exactly.
#pragma once

#include "native/isa/unroll.h"
#include "native/kernels/depthwise/depthwise.h"

namespace lowbit {

namespace {

// The block [channel, channel + kChannels) of all lines. Whole: it has so many channels, else only `count` of them.
template <typename Unit, bool Signed, bool Whole>
struct LineBlock {
  using Taps = typename Unit::Taps;
  using Column = typename Unit::Column;
  static constexpr int kSums = Unit::kSums, kChannels = Unit::kChannels;

  const DepthwiseCodesArgs& args;
  int64_t channel, count;
  Column padding;
  __m256i start[kSums];  // offset - zero point * sum of the weights
  __m256 multiplier[kSums];
  Lanes::Narrow narrow;

  LineBlock(const DepthwiseCodesArgs& of, int64_t first, int64_t channels, int32_t flipped)
      : args(of), channel(first), count(channels), narrow(of.zero_point, of.qlo, of.qhi, flipped) {
    alignas(32) int32_t offsets[kChannels] = {};
    alignas(32) float multipliers[kChannels] = {};
    for (int64_t i = 0; i < count; ++i) {
      if (args.offset != nullptr) offsets[i] = args.offset[channel + i];
      multipliers[i] = args.multiplier[args.multiplier_step == 0 ? 0 : channel + i];
    }
    const Taps code = Unit::template constant<Signed>(args.x_zero);
    padding = Unit::interleave(code, code, code, code);
    for (int q = 0; q < kSums; ++q) {
      const int32_t* low = offsets + 4 * q;
      start[q] = _mm256_loadu2_m128i(reinterpret_cast<const __m128i*>(low + kChannels / 2),
                                     reinterpret_cast<const __m128i*>(low));
      multiplier[q] = _mm256_loadu2_m128(multipliers + 4 * q + kChannels / 2, multipliers + 4 * q);
    }
  }

  inline Taps load(const uint8_t* from) const {
    if (Whole) return Unit::template load<Signed>(from);
    uint8_t some[kChannels] = {};
    memcpy(some, from, static_cast<size_t>(count));
    return Unit::template load<Signed>(some);
  }

  Taps weights_of(int64_t tap) const {
    int8_t some[kChannels] = {};
    memcpy(some, args.w + tap * args.channels + channel, static_cast<size_t>(count));
    return Unit::weights(some);
  }

  // Four taps' weights, whose products with the zero point come off the starting sums.
  Column column_of(Taps t0, Taps t1, Taps t2, Taps t3) {
    const Column weights = Unit::interleave(t0, t1, t2, t3);
    __m256i product[kSums];
    for (int q = 0; q < kSums; ++q) product[q] = _mm256_setzero_si256();
    Unit::add(product, padding, weights);
    for (int q = 0; q < kSums; ++q) start[q] = _mm256_sub_epi32(start[q], product[q]);
    return weights;
  }

  LOWBIT_INLINE void finish(uint8_t* y, const __m256i (&sum)[kSums]) const {
    __m256i code[4];
    LOWBIT_UNROLL
    for (int q = 0; q < 4; ++q) {
      const int from = q % kSums;
      code[q] =
          q >= kSums ? code[from] : Lanes::nearest(_mm256_mul_ps(_mm256_cvtepi32_ps(sum[from]), multiplier[from]));
    }
    Unit::template store<Whole>(y, narrow(code[0], code[1], code[2], code[3]), count);
  }
};

// Three rows of a line.
template <typename Unit, bool Signed, bool Whole>
struct ThreeRows {
  using Column = typename Unit::Column;
  const LineBlock<Unit, Signed, Whole>& block;
  const uint8_t* row[3];
  int64_t channels, width;

  ThreeRows(const LineBlock<Unit, Signed, Whole>& of, const void* const* rows)
      : block(of), channels(of.args.channels), width(of.args.width) {
    for (int r = 0; r < 3; ++r) row[r] = static_cast<const uint8_t*>(rows[r]) + of.channel;
  }

  // A column of the window, `offset` bytes behind the first pixel.
  LOWBIT_INLINE Column inside(int64_t offset) const {
    return Unit::interleave(block.load(row[0] + offset), block.load(row[1] + offset), block.load(row[2] + offset),
                            Unit::zero());
  }

  // The column at pixel x, which may be outside of the row.
  Column at(int64_t x) const { return x >= 0 && x < width ? inside(x * channels) : block.padding; }
};

// 3 x 3: the three rows of a column are interleaved once and meet the weights of up to three output pixels. Advance:
// pixels from one window to the next, 0 = any; columns that the next window shares stay where they are.
template <typename Unit, bool Signed, bool Whole, int Advance>
void lines_3x3(const DepthwiseCodesArgs& args, int64_t channel, int64_t count, int32_t flipped) {
  using Column = typename Unit::Column;
  using Block = LineBlock<Unit, Signed, Whole>;
  Block block(args, channel, count, flipped);
  Column weights[3];
  for (int kx = 0; kx < 3; ++kx) {
    weights[kx] =
        block.column_of(block.weights_of(kx), block.weights_of(3 + kx), block.weights_of(6 + kx), Unit::zero());
  }
  // Output pixels whose windows lie inside of the rows.
  const int64_t inner = (args.pad_left + args.stride - 1) / args.stride;
  const int64_t room = args.width - 3 + args.pad_left;
  int64_t outer = room < 0 ? 0 : room / args.stride + 1;
  if (outer > args.pixels) outer = args.pixels;
  const int64_t channels = args.channels;
  uint8_t* y = args.y + channel;
  for (int64_t line = 0; line < args.lines; ++line) {
    const ThreeRows<Unit, Signed, Whole> rows(block, args.rows + 3 * line);
    for (int64_t p = 0; p < args.pixels;) {
      const int64_t x = p * args.stride - args.pad_left;
      if (p < inner || p >= outer) {
        __m256i sum[Block::kSums];
        for (int q = 0; q < Block::kSums; ++q) sum[q] = block.start[q];
        for (int kx = 0; kx < 3; ++kx) Unit::add(sum, rows.at(x + kx), weights[kx]);
        block.finish(y, sum);
        y += channels;
        ++p;
        continue;
      }
      int64_t offset = x * channels;
      Column left = rows.inside(offset), middle = left, right = left;
      if (Advance == 1) middle = rows.inside(offset + channels);
      for (; p < outer; ++p, offset += args.stride * channels, y += channels) {
        if (Advance == 0) left = rows.inside(offset);
        if (Advance != 1) middle = rows.inside(offset + channels);
        right = rows.inside(offset + 2 * channels);
        __m256i sum[Block::kSums];
        LOWBIT_UNROLL
        for (int q = 0; q < Block::kSums; ++q) sum[q] = block.start[q];
        Unit::add(sum, left, weights[0]);
        Unit::add(sum, middle, weights[1]);
        Unit::add(sum, right, weights[2]);
        block.finish(y, sum);
        left = Advance == 1 ? middle : right;
        if (Advance == 1) middle = right;
      }
    }
  }
}

// Any window: its taps by fours.
template <typename Unit, bool Signed, bool Whole>
void lines_any(const DepthwiseCodesArgs& args, int64_t channel, int64_t count, int32_t flipped) {
  using Block = LineBlock<Unit, Signed, Whole>;
  using Taps = typename Unit::Taps;
  Block block(args, channel, count, flipped);
  const int64_t taps = args.kh * args.kw, groups = (taps + 3) / 4;
  typename Unit::Column weights[kDepthwiseTaps / 4];
  for (int64_t g = 0; g < groups; ++g) {
    Taps t[4];
    for (int64_t i = 0; i < 4; ++i) t[i] = 4 * g + i < taps ? block.weights_of(4 * g + i) : Unit::zero();
    weights[g] = block.column_of(t[0], t[1], t[2], t[3]);
  }
  const Taps outside = Unit::template constant<Signed>(args.x_zero);
  const uint8_t* base[kDepthwiseTaps];
  int64_t column[kDepthwiseTaps];
  uint8_t* y = args.y + channel;
  for (int64_t line = 0; line < args.lines; ++line) {
    for (int64_t t = 0; t < taps; ++t) {
      column[t] = t % args.kw * args.dilation;
      base[t] = static_cast<const uint8_t*>(args.rows[line * args.kh + t / args.kw]) + channel;
    }
    int64_t x = -args.pad_left;
    for (int64_t p = 0; p < args.pixels; ++p, x += args.stride, y += args.channels) {
      __m256i sum[Block::kSums];
      LOWBIT_UNROLL
      for (int q = 0; q < Block::kSums; ++q) sum[q] = block.start[q];
      for (int64_t g = 0; g < groups; ++g) {
        Taps t[4];
        for (int64_t i = 0; i < 4; ++i) {
          t[i] = Unit::zero();
          if (4 * g + i >= taps) continue;
          const int64_t at = x + column[4 * g + i];
          t[i] = at >= 0 && at < args.width ? block.load(base[4 * g + i] + at * args.channels) : outside;
        }
        Unit::add(sum, Unit::interleave(t[0], t[1], t[2], t[3]), weights[g]);
      }
      block.finish(y, sum);
    }
  }
}

template <typename Unit, bool Signed, bool Whole>
void depthwise_block(const DepthwiseCodesArgs& args, int64_t channel, int64_t count, int32_t flipped) {
  if (args.kh != 3 || args.kw != 3 || args.dilation != 1) {
    lines_any<Unit, Signed, Whole>(args, channel, count, flipped);
  } else if (args.stride == 1) {
    lines_3x3<Unit, Signed, Whole, 1>(args, channel, count, flipped);
  } else if (args.stride == 2) {
    lines_3x3<Unit, Signed, Whole, 2>(args, channel, count, flipped);
  } else {
    lines_3x3<Unit, Signed, Whole, 0>(args, channel, count, flipped);
  }
}

// flipped is 128 for u8 codes, 0 for i8. What is left behind the last whole block is taken again from the end: the
// channels that overlap get the same codes.
template <typename Unit, bool Signed>
void depthwise_lines(const DepthwiseCodesArgs& args, int32_t flipped) {
  constexpr int64_t kChannels = Unit::kChannels;
  if (args.channels < kChannels) {
    depthwise_block<Unit, Signed, false>(args, 0, args.channels, flipped);
    return;
  }
  for (int64_t channel = 0; channel < args.channels; channel += kChannels) {
    const int64_t last = args.channels - kChannels;
    depthwise_block<Unit, Signed, true>(args, channel < last ? channel : last, kChannels, flipped);
  }
}

}  // namespace

}  // namespace lowbit
