// Lines of depthwise convolution that end in codes, 64 channels at a time with vpdpbusd. Included inside the region of
// an ISA file, behind the system headers.
#pragma once

#include "native/isa/unroll.h"
#include "native/kernels/depthwise/depthwise.h"

namespace lowbit {

namespace {

// Four taps of 64 channels, interleaved so that the bytes of one channel lie together, as vpdpbusd wants them. The
// unpack instructions work inside 128-bit lanes: byte 4*i of lane L of quarter[q] belongs to channel 16 L + 4 q + i.
struct Interleaved {
  __m512i quarter[4];
};

inline Interleaved interleave(__m512i t0, __m512i t1, __m512i t2, __m512i t3) {
  const __m512i low01 = _mm512_unpacklo_epi8(t0, t1);
  const __m512i high01 = _mm512_unpackhi_epi8(t0, t1);
  const __m512i low23 = _mm512_unpacklo_epi8(t2, t3);
  const __m512i high23 = _mm512_unpackhi_epi8(t2, t3);
  return {{_mm512_unpacklo_epi16(low01, low23), _mm512_unpackhi_epi16(low01, low23),
           _mm512_unpacklo_epi16(high01, high23), _mm512_unpackhi_epi16(high01, high23)}};
}

// Vectors of 32 bits between the order of interleave() and the order of channels: a transposition of 4 x 4 lanes, its
// own inverse.
inline void transpose_lanes(__m512i v[4]) {
  const __m512i a = _mm512_shuffle_i32x4(v[0], v[1], 0x44);
  const __m512i b = _mm512_shuffle_i32x4(v[2], v[3], 0x44);
  const __m512i c = _mm512_shuffle_i32x4(v[0], v[1], 0xEE);
  const __m512i d = _mm512_shuffle_i32x4(v[2], v[3], 0xEE);
  v[0] = _mm512_shuffle_i32x4(a, b, 0x88);
  v[1] = _mm512_shuffle_i32x4(a, b, 0xDD);
  v[2] = _mm512_shuffle_i32x4(c, d, 0x88);
  v[3] = _mm512_shuffle_i32x4(c, d, 0xDD);
}

// A block: 64 channels of a pixel; or, for few channels, all of them of 64 / channels neighbouring pixels.
struct LineBlock {
  const DepthwiseCodesArgs* args;
  int64_t channel, count;  // channels [channel, channel + count)
  int64_t pixels;          // side by side in a register
  __m512i flip;            // signed codes x become x ^ 0x80 = x + 128, which is unsigned
  __m512i padding;
  alignas(64) __m512i start[4];  // offset - zero point * sum of the weights, in the order of interleave()
  alignas(64) __m512 multiplier[4];

  template <bool Signed>
  __m512i codes(const uint8_t* from, __mmask64 mask) const {
    const __m512i x = _mm512_maskz_loadu_epi8(mask, from);
    return Signed ? _mm512_xor_si512(x, flip) : x;
  }
};

inline __mmask64 first_bytes(int64_t count) { return count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1; }

// 64 bytes of the weights of a tap: `count` of them, repeated for every pixel of the register.
inline __m512i tap_weights(const LineBlock& block, int64_t tap) {
  const int8_t* from = block.args->w + tap * block.args->channels + block.channel;
  if (block.pixels == 1) return _mm512_maskz_loadu_epi8(first_bytes(block.count), from);
  alignas(64) int8_t bytes[64];
  for (int64_t i = 0, c = 0; i < 64; ++i, c = c + 1 == block.count ? 0 : c + 1) bytes[i] = from[c];
  return _mm512_load_si512(bytes);
}

// Everything but the weights, whose products with the zero point are taken off the offset later.
template <bool Signed>
inline void begin_block(LineBlock& block) {
  const DepthwiseCodesArgs& args = *block.args;
  alignas(64) int32_t start[64];
  alignas(64) float multiplier[64];
  for (int64_t i = 0, c = 0; i < 64; ++i, c = c + 1 == block.count ? 0 : c + 1) {
    start[i] = args.offset == nullptr ? 0 : args.offset[block.channel + c];
    multiplier[i] = args.multiplier[args.multiplier_step == 0 ? 0 : block.channel + c];
  }
  __m512i scales[4];
  for (int q = 0; q < 4; ++q) {
    block.start[q] = _mm512_load_si512(start + 16 * q);
    scales[q] = _mm512_load_si512(multiplier + 16 * q);
  }
  transpose_lanes(block.start);
  transpose_lanes(scales);
  for (int q = 0; q < 4; ++q) block.multiplier[q] = _mm512_castsi512_ps(scales[q]);
  block.flip = _mm512_set1_epi8(static_cast<char>(0x80));
  block.padding = _mm512_set1_epi8(static_cast<char>(args.x_zero + (Signed ? 128 : 0)));
}

inline void take_zero_point(LineBlock& block, const Interleaved& weights) {
  for (int q = 0; q < 4; ++q) {
    const __m512i product = _mm512_dpbusd_epi32(_mm512_setzero_si512(), block.padding, weights.quarter[q]);
    block.start[q] = _mm512_sub_epi32(block.start[q], product);
  }
}

// Codes in the order of channels: packing works inside 128-bit lanes, which undoes interleave().
//   rint: the conversion rounds half to even by itself, and |multiplier| < 1 keeps it inside of int32.
//   + zero_point and clamp: |rint| > 32767 ends at qlo or qhi whatever the zero point in [-128, 255], so saturating to
//   int16, adding with saturation, and saturating to 8 bits changes nothing.
template <bool SignedOut>
struct Finish {
  __m512i zero_point, lo, hi;
  explicit Finish(const DepthwiseCodesArgs& args)
      : zero_point(_mm512_set1_epi16(static_cast<int16_t>(args.zero_point))),
        lo(_mm512_set1_epi8(static_cast<char>(args.qlo))),
        hi(_mm512_set1_epi8(static_cast<char>(args.qhi))) {}
  __m512i operator()(const LineBlock& block, const __m512i sum[4]) const {
    __m512i code[4];
    LOWBIT_UNROLL
    for (int q = 0; q < 4; ++q) {
      code[q] = _mm512_cvt_roundps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sum[q]), block.multiplier[q]),
                                         _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    }
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(code[0], code[1]), zero_point);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(code[2], code[3]), zero_point);
    if (SignedOut) return _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(low, high), lo), hi);
    return _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(low, high), lo), hi);
  }
};

// Three rows of a line and what of them to read. Whole: every byte of the register, without a mask.
template <bool Signed, bool Whole>
struct ThreeRows {
  const LineBlock& block;
  const uint8_t* row[3];
  int64_t channels, width;
  __mmask64 whole;

  ThreeRows(const LineBlock& of, const void* const* rows)
      : block(of), channels(of.args->channels), width(of.args->width), whole(first_bytes(of.count * of.pixels)) {
    for (int r = 0; r < 3; ++r) row[r] = static_cast<const uint8_t*>(rows[r]) + of.channel;
  }

  inline __attribute__((always_inline)) __m512i codes(const uint8_t* from) const {
    if (!Whole) return block.codes<Signed>(from, whole);
    const __m512i x = _mm512_loadu_si512(from);
    return Signed ? _mm512_xor_si512(x, block.flip) : x;
  }

  // A column of the window, [three rows] x [the bytes of a register], `offset` bytes behind the first pixel.
  inline __attribute__((always_inline)) Interleaved inside(int64_t offset) const {
    const __m512i bottom = codes(row[2] + offset);
    return interleave(codes(row[0] + offset), codes(row[1] + offset), bottom, bottom);
  }

  // The column at pixel x, of which some pixels may be outside of the row: padding.
  Interleaved at(int64_t x) const {
    if (block.pixels == 1) {
      if (x >= 0 && x < width) return inside(x * channels);
      return {{block.padding, block.padding, block.padding, block.padding}};
    }
    const int64_t first = x < 0 ? -x : 0;
    const int64_t last = width - x < block.pixels ? width - x : block.pixels;
    const __mmask64 mask = first >= last ? 0 : first_bytes(last * block.count) & ~first_bytes(first * block.count);
    __m512i codes[3];
    LOWBIT_UNROLL
    for (int r = 0; r < 3; ++r) {
      // Masked bytes are not read, so the address may be before the row.
      const uint8_t* from = reinterpret_cast<const uint8_t*>(reinterpret_cast<intptr_t>(row[r]) + x * channels);
      codes[r] = _mm512_mask_blend_epi8(mask, block.padding, block.codes<Signed>(from, mask));
    }
    return interleave(codes[0], codes[1], codes[2], codes[2]);
  }
};

struct Weights3x3 {
  Interleaved column[3];
};

inline __attribute__((always_inline)) void sum_columns(const LineBlock& block, const Weights3x3& weights,
                                                       const Interleaved& left, const Interleaved& middle,
                                                       const Interleaved& right, __m512i sum[4]) {
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) {
    sum[q] = _mm512_dpbusd_epi32(block.start[q], left.quarter[q], weights.column[0].quarter[q]);
    sum[q] = _mm512_dpbusd_epi32(sum[q], middle.quarter[q], weights.column[1].quarter[q]);
    sum[q] = _mm512_dpbusd_epi32(sum[q], right.quarter[q], weights.column[2].quarter[q]);
  }
}

// 3 x 3: the three rows of a column are interleaved once and meet the weights of up to three output pixels. 12
// registers of weights, three columns of 4, sums of 4. Advance: pixels from one window to the next, 0 = any; columns
// that the next window shares stay where they are.
template <bool Signed, bool SignedOut, int Advance, bool Whole>
void lines_3x3(LineBlock& block) {
  const DepthwiseCodesArgs& args = *block.args;
  begin_block<Signed>(block);
  Weights3x3 weights;
  LOWBIT_UNROLL
  for (int kx = 0; kx < 3; ++kx) {
    weights.column[kx] = interleave(tap_weights(block, kx), tap_weights(block, 3 + kx), tap_weights(block, 6 + kx),
                                    _mm512_setzero_si512());
    take_zero_point(block, weights.column[kx]);
  }
  const Finish<SignedOut> finish(args);
  const int64_t step = block.pixels, advance = step * args.stride, channels = args.channels;
  // Output pixels whose windows, and those of the pixels beside them in the register, lie inside of the rows.
  const int64_t inner = (args.pad_left + advance - 1) / advance * step;
  const int64_t room = args.width - 2 - step + args.pad_left;
  int64_t outer = room < 0 ? 0 : (room / advance + 1) * step;
  if (outer > args.pixels / step * step) outer = args.pixels / step * step;
  const __mmask64 whole = first_bytes(step * block.count);
  uint8_t* y = args.y + block.channel;
  for (int64_t line = 0; line < args.lines; ++line, y += args.pixels * channels) {
    const ThreeRows<Signed, Whole> rows(block, args.rows + 3 * line);
    __m512i sum[4];
    for (int64_t p = 0; p < args.pixels;) {
      const int64_t x = p * args.stride - args.pad_left;
      if (p < inner || p >= outer) {
        sum_columns(block, weights, rows.at(x), rows.at(x + 1), rows.at(x + 2), sum);
        const int64_t pixels = args.pixels - p < step ? args.pixels - p : step;
        _mm512_mask_storeu_epi8(y + p * channels, first_bytes(pixels * block.count), finish(block, sum));
        p += step;
        continue;
      }
      int64_t offset = x * channels;
      uint8_t* to = y + p * channels;
      Interleaved left = rows.inside(offset), middle = left, right = left;
      if (Advance == 1) middle = rows.inside(offset + channels);
      for (; p < outer; p += step, offset += advance * channels, to += step * channels) {
        if (Advance == 0) left = rows.inside(offset);
        if (Advance != 1) middle = rows.inside(offset + channels);
        right = rows.inside(offset + 2 * channels);
        sum_columns(block, weights, left, middle, right, sum);
        const __m512i codes = finish(block, sum);
        if (Whole) {
          _mm512_storeu_si512(to, codes);
        } else {
          _mm512_mask_storeu_epi8(to, whole, codes);
        }
        left = Advance == 1 ? middle : right;
        if (Advance == 1) middle = right;
      }
    }
  }
}

// Any window: its taps by fours, the weights in the first-level cache.
template <bool Signed, bool SignedOut>
void lines_any(LineBlock& block) {
  const DepthwiseCodesArgs& args = *block.args;
  const int64_t taps = args.kh * args.kw, groups = (taps + 3) / 4;
  begin_block<Signed>(block);
  Interleaved weights[kDepthwiseTaps / 4];
  const __m512i zero = _mm512_setzero_si512();
  for (int64_t g = 0; g < groups; ++g) {
    __m512i row[4];
    for (int64_t i = 0; i < 4; ++i) row[i] = 4 * g + i < taps ? tap_weights(block, 4 * g + i) : zero;
    weights[g] = interleave(row[0], row[1], row[2], row[3]);
    take_zero_point(block, weights[g]);
  }
  const Finish<SignedOut> finish(args);
  const __mmask64 mask = first_bytes(block.count);
  const int64_t reach = (args.kw - 1) * args.dilation;
  uint8_t* y = args.y + block.channel;
  const uint8_t* base[kDepthwiseTaps];
  int64_t column[kDepthwiseTaps];
  for (int64_t line = 0; line < args.lines; ++line) {
    for (int64_t t = 0; t < taps; ++t) {
      column[t] = t % args.kw * args.dilation;
      base[t] = static_cast<const uint8_t*>(args.rows[line * args.kh + t / args.kw]) + block.channel;
    }
    int64_t x = -args.pad_left;
    for (int64_t p = 0; p < args.pixels; ++p, x += args.stride, y += args.channels) {
      const bool inside = x >= 0 && x + reach < args.width;
      __m512i sum[4] = {block.start[0], block.start[1], block.start[2], block.start[3]};
      for (int64_t g = 0; g < groups; ++g) {
        __m512i row[4] = {zero, zero, zero, zero};
        const int64_t last = taps - 4 * g < 4 ? taps - 4 * g : 4;
        for (int64_t i = 0; i < last; ++i) {
          const int64_t at = x + column[4 * g + i];
          row[i] = inside || (at >= 0 && at < args.width)
                       ? block.codes<Signed>(base[4 * g + i] + at * args.channels, mask)
                       : block.padding;
        }
        const Interleaved codes = interleave(row[0], row[1], row[2], row[3]);
        LOWBIT_UNROLL
        for (int q = 0; q < 4; ++q) sum[q] = _mm512_dpbusd_epi32(sum[q], codes.quarter[q], weights[g].quarter[q]);
      }
      _mm512_mask_storeu_epi8(y, mask, finish(block, sum));
    }
  }
}

template <bool Signed, bool SignedOut, bool Whole>
void lines_3x3_of(LineBlock& block) {
  const int64_t advance = block.pixels * block.args->stride;
  if (advance == 1) {
    lines_3x3<Signed, SignedOut, 1, Whole>(block);
  } else if (advance == 2) {
    lines_3x3<Signed, SignedOut, 2, Whole>(block);
  } else {
    lines_3x3<Signed, SignedOut, 0, Whole>(block);
  }
}

template <bool Signed, bool SignedOut>
void depthwise_lines(const DepthwiseCodesArgs& args) {
  LineBlock block = {};
  block.args = &args;
  const bool window_3x3 = args.kh == 3 && args.kw == 3 && args.dilation == 1;
  for (block.channel = 0; block.channel < args.channels; block.channel += block.count) {
    const int64_t left = args.channels - block.channel;
    block.count = left < 64 ? left : 64;
    const bool packs = window_3x3 && args.stride == 1 && args.channels <= 32;
    block.pixels = packs ? 64 / args.channels : 1;
    if (!window_3x3) {
      lines_any<Signed, SignedOut>(block);
    } else if (block.count * block.pixels == 64) {
      lines_3x3_of<Signed, SignedOut, true>(block);
    } else {
      lines_3x3_of<Signed, SignedOut, false>(block);
    }
  }
}

}  // namespace

}  // namespace lowbit
