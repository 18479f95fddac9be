// The integer depthwise kernels with AVX-512 VNNI.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512vnni.h"

#include "native/kernels/depthwise/lines_512.h"

namespace lowbit {

namespace {

constexpr int kBlock = 64;    // channels of a block
constexpr int kMaxTaps = 12;  // of a step: 3 groups of 4 taps x 4 vectors of weights stay in 12 registers
constexpr int kMaxGroups = kMaxTaps / 4;

// What a step of at most 12 taps needs: `taps` weights rows of `channels` bytes at w.
struct Step {
  const void* const* taps;  // of pixel 0, tap_count apart per pixel
  int64_t tap_count, pixels;
  const int8_t* w;
  int64_t channels;
  int32_t* acc;
  bool first;
};

// 64 channels of one pixel, or, Paired, at most 32 channels of two: the first in the lower half of the register.
template <bool Paired>
inline __m512i load_codes(const void* first, const void* second, int64_t channel, __mmask64 mask) {
  const uint8_t* low = static_cast<const uint8_t*>(first) + channel;
  if (!Paired) return _mm512_maskz_loadu_epi8(mask, low);
  const __mmask32 half = static_cast<__mmask32>(mask);
  const __m256i high = _mm256_maskz_loadu_epi8(half, static_cast<const uint8_t*>(second) + channel);
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_maskz_loadu_epi8(half, low)), high, 1);
}

// Signed codes: x = (x ^ 0x80) - 128 with x ^ 0x80 unsigned, so accumulation starts from -128 * sum of the weights.
template <bool Signed, bool Paired, int Taps>
void step(const Step& s, int64_t channel, __mmask64 mask) {
  constexpr int kGroups = (Taps + 3) / 4;
  const __m512i zero = _mm512_setzero_si512();
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
  Interleaved weights[kGroups];
  LOWBIT_UNROLL
  for (int g = 0; g < kGroups; ++g) {
    __m512i row[4];
    LOWBIT_UNROLL
    for (int i = 0; i < 4; ++i) {
      const int8_t* from = s.w + (4 * g + i) * s.channels;
      row[i] = 4 * g + i < Taps ? load_codes<Paired>(from, from, channel, mask) : zero;
    }
    weights[g] = interleave(row[0], row[1], row[2], row[3]);
  }
  __m512i start[4];
  LOWBIT_UNROLL
  for (int q = 0; q < 4; ++q) {
    start[q] = zero;
    if (Signed) {
      LOWBIT_UNROLL
      for (int g = 0; g < kGroups; ++g) start[q] = _mm512_dpbusd_epi32(start[q], flip, weights[g].quarter[q]);
      start[q] = _mm512_sub_epi32(zero, start[q]);
    }
  }

  const void* const* taps = s.taps;
  int32_t* acc = s.acc + channel;
  constexpr int kPixels = Paired ? 2 : 1;
  for (int64_t p = 0; p < s.pixels; p += kPixels, taps += kPixels * s.tap_count, acc += kPixels * s.channels) {
    const void* const* second = taps + s.tap_count;  // read when Paired only
    __m512i sum[4];
    LOWBIT_UNROLL
    for (int q = 0; q < 4; ++q) sum[q] = start[q];
    LOWBIT_UNROLL
    for (int g = 0; g < kGroups; ++g) {
      __m512i row[4];
      LOWBIT_UNROLL
      for (int i = 0; i < 4; ++i) {
        row[i] = zero;
        if (4 * g + i < Taps) {
          row[i] = load_codes<Paired>(taps[4 * g + i], Paired ? second[4 * g + i] : nullptr, channel, mask);
          if (Signed) row[i] = _mm512_xor_si512(row[i], flip);
        }
      }
      const Interleaved codes = interleave(row[0], row[1], row[2], row[3]);
      LOWBIT_UNROLL
      for (int q = 0; q < 4; ++q) sum[q] = _mm512_dpbusd_epi32(sum[q], codes.quarter[q], weights[g].quarter[q]);
    }
    transpose_lanes(sum);
    LOWBIT_UNROLL
    for (int q = 0; q < 4; ++q) {
      const int vector = Paired ? q % 2 : q;
      int32_t* to = acc + (Paired && q >= 2 ? s.channels : 0) + 16 * vector;
      const __mmask16 part = static_cast<__mmask16>(mask >> (16 * vector));
      if (!s.first) sum[q] = _mm512_add_epi32(sum[q], _mm512_maskz_loadu_epi32(part, to));
      _mm512_mask_storeu_epi32(to, part, sum[q]);
    }
  }
}

template <bool Signed, bool Paired, int Taps>
void step_of(int64_t taps, const Step& s, int64_t channel, __mmask64 mask) {
  if (taps == Taps) {
    step<Signed, Paired, Taps>(s, channel, mask);
  } else if constexpr (Taps > 1) {
    step_of<Signed, Paired, Taps - 1>(taps, s, channel, mask);
  }
}

// A block of channels for all pixels. Half a register of channels or less: pixels two by two, and the odd one alone.
template <bool Signed>
void block(int64_t taps, const Step& s, int64_t channel, int64_t count) {
  const __mmask64 mask = count >= kBlock ? ~__mmask64{0} : (__mmask64{1} << count) - 1;
  const int64_t paired = count <= kBlock / 2 ? s.pixels / 2 * 2 : 0;
  if (paired > 0) {
    Step pairs = s;
    pairs.pixels = paired;
    step_of<Signed, true, kMaxTaps>(taps, pairs, channel, mask);
  }
  if (paired < s.pixels) {
    Step rest = s;
    rest.pixels = s.pixels - paired;
    rest.taps += paired * s.tap_count;
    rest.acc += paired * s.channels;
    step_of<Signed, false, kMaxTaps>(taps, rest, channel, mask);
  }
}

template <bool Signed>
void depthwise(const DepthwiseArgs& args) {
  for (int64_t t = 0; t < args.tap_count; t += kMaxTaps) {
    const int64_t taps = args.tap_count - t < kMaxTaps ? args.tap_count - t : kMaxTaps;
    Step s;
    s.taps = args.taps + t;
    s.tap_count = args.tap_count;
    s.pixels = args.pixels;
    s.w = static_cast<const int8_t*>(args.w) + t * args.channels;
    s.channels = args.channels;
    s.acc = static_cast<int32_t*>(args.acc);
    s.first = t == 0;
    for (int64_t channel = 0; channel < args.channels; channel += kBlock) {
      block<Signed>(taps, s, channel, args.channels - channel);
    }
  }
}

}  // namespace

void depthwise_u8i8_i32_x86_avx512vnni(const DepthwiseArgs& args) { depthwise<false>(args); }
void depthwise_i8i8_i32_x86_avx512vnni(const DepthwiseArgs& args) { depthwise<true>(args); }
void depthwise_u8i8_u8_x86_avx512vnni(const DepthwiseCodesArgs& args) { depthwise_lines<false, false>(args); }
void depthwise_u8i8_i8_x86_avx512vnni(const DepthwiseCodesArgs& args) { depthwise_lines<false, true>(args); }
void depthwise_i8i8_u8_x86_avx512vnni(const DepthwiseCodesArgs& args) { depthwise_lines<true, false>(args); }
void depthwise_i8i8_i8_x86_avx512vnni(const DepthwiseCodesArgs& args) { depthwise_lines<true, true>(args); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
