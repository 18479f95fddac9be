// Encoding of blocks with a scale of 8 bits: the MX formats and NVFP4.
#pragma once

#include "native/kernels/blocks/block_statistics.h"
#include "native/kernels/codec/float_lanes.h"

namespace lowbit {
namespace {

// The codes of kN vectors, two per byte, the even ones in the low bits.
template <int kN>
inline void store_pairs(uint8_t* p, const I* codes) {
  constexpr int w = Lanes::kWidth;
  if constexpr (kN == 1) {
    const I bytes =
        Lanes::bit_or(Lanes::even(codes[0], codes[0]), Lanes::shift_left(Lanes::odd(codes[0], codes[0]), 4));
    Lanes::store_bytes(p, bytes, SomeLanes{w / 2});
  } else {
    I bytes[kN / 2];
    LOWBIT_OVER_VECTORS
    for (int v = 0; v < kN / 2; v++) {
      const I low = Lanes::even(codes[2 * v], codes[2 * v + 1]), high = Lanes::odd(codes[2 * v], codes[2 * v + 1]);
      bytes[v] = Lanes::bit_or(low, Lanes::shift_left(high, 4));
    }
    store_codes<kN / 2>(p, bytes);
  }
}

// 32 codes of 6 bits one behind the other: eight of them at a time move together within a word. All but the last word
// are stored whole, the next one over the end of the one before.
inline void store_sixes(uint8_t* p, const I* codes) {
  constexpr int kWords = kBlock / 8;
  uint8_t bytes[kBlock];
  store_codes<kVectors>(bytes, codes);
  uint64_t words[kWords];
  memcpy(words, bytes, sizeof words);
  for (int i = 0; i < kWords; i++) {
    uint64_t word = words[i];
    word = (word & 0x003F003F003F003Fu) | (word & 0x3F003F003F003F00u) >> 2;
    word = (word & 0x00000FFF00000FFFu) | (word & 0x0FFF00000FFF0000u) >> 4;
    words[i] = (word & 0x0000000000FFFFFFu) | (word & 0x00FFFFFF00000000u) >> 8;
  }
  for (int i = 0; i < kWords - 1; i++) memcpy(p + 6 * i, words + i, sizeof words[i]);
  memcpy(p + 6 * (kWords - 1), words + kWords - 1, 6);
}

struct IntegerSteps {
  static constexpr float kUnit = 1.5f * (1 << (23 - 6));  // a sum with this has its unit in the last place at 1 / 64
  inline I codes(F v) const {
    const I unit = Lanes::bits(Lanes::of(kUnit));
    const I code = Lanes::sub(Lanes::bits(Lanes::add(v, Lanes::of(kUnit))), unit);
    return Lanes::less(Lanes::greater(code, Lanes::of(int32_t{-127})), Lanes::of(int32_t{127}));
  }
};

// Calls encode(first block, blocks) for groups of blocks.
template <typename Encode>
inline void for_groups(int64_t count, Encode& encode) {
  for (int64_t b = 0; b < count; b += kGroup) encode(b, static_cast<int>(least(kGroup, count - b)));
}

// Powers of two as scales: the bytes of them, and what their blocks are multiplied by.
inline void powers_of(const int32_t* top, int32_t largest_exponent, int32_t* byte, float* factor) {
  LOWBIT_OVER_VECTORS
  for (int i = 0; i < kGroup; i += Lanes::kWidth) {
    const I exponent = Lanes::shift_right(Lanes::load(top + i, AllLanes{}), 23);
    const I code = Lanes::greater(Lanes::sub(exponent, Lanes::of(largest_exponent)), Lanes::of(int32_t{0}));
    Lanes::store(byte + i, code, AllLanes{});
    // 2^-127 is half of the least normal number.
    const I inverse = Lanes::shift_left_23(Lanes::sub(Lanes::of(int32_t{254}), code));
    Lanes::store(factor + i, Lanes::floats(Lanes::greater(inverse, Lanes::of(int32_t{0x400000}))), AllLanes{});
  }
}

template <int kBits, typename Steps>
struct MxGroups {
  const EncodeBlocksArgs& args;
  const Steps steps;
  const int32_t largest_exponent;

  inline void operator()(int64_t first, int count) const {
    const int64_t bytes = args.format.block_bytes;
    const float* x = args.x + first * kBlock;
    uint8_t* out = args.blocks + first * bytes;
    int32_t top[kGroup] = {}, byte[kGroup];
    float factor[kGroup];
    largest_magnitudes<kVectors>(x, count, top);
    powers_of(top, largest_exponent, byte, factor);
    for (int g = 0; g < count; g++, x += kBlock, out += bytes) {
      if (top[g] >= kInfinityBits) {
        memset(out, 0, static_cast<size_t>(bytes));
        out[0] = kE8m0Nan;
        continue;
      }
      out[0] = static_cast<uint8_t>(byte[g]);
      const F scale = Lanes::of(factor[g]);
      I codes[kVectors];
      LOWBIT_OVER_VECTORS
      for (int v = 0; v < kVectors; v++) {
        codes[v] = steps.codes(Lanes::mul(Lanes::load(x + v * Lanes::kWidth, AllLanes{}), scale));
      }
      if constexpr (kBits == 4) store_pairs<kVectors>(out + 1, codes);
      if constexpr (kBits == 6) store_sixes(out + 1, codes);
      if constexpr (kBits == 8) store_codes<kVectors>(out + 1, codes);
    }
  }
};

template <int kBits, typename Steps>
void encode_mx(const EncodeBlocksArgs& args, const Steps& steps, int32_t largest_exponent) {
  const MxGroups<kBits, Steps> groups{args, steps, largest_exponent};
  for_groups(args.count, groups);
}

struct Nvfp4Groups {
  const EncodeBlocksArgs& args;
  const ElementSteps steps, scale_steps;
  const ElementValues scale_values;

  inline F bounded(F v) const { return Lanes::within(v, Lanes::of(-kBeyondElements), Lanes::of(kBeyondElements)); }

  inline void operator()(int64_t first, int count) const {
    constexpr int kN = vectors_of(kNvBlock);
    const float* x = args.x + first * kNvBlock;
    uint8_t* out = args.blocks + first * args.format.block_bytes;
    int32_t top[kGroup] = {}, byte[kGroup];
    float divisor[kGroup];
    largest_magnitudes<kN>(x, count, top);
    const F six = Lanes::of(6.0f), tensor = Lanes::of(args.format.tensor_scale);
    LOWBIT_OVER_VECTORS
    for (int i = 0; i < kGroup; i += Lanes::kWidth) {
      const F largest = Lanes::floats(Lanes::load(top + i, AllLanes{}));
      const I code = scale_steps.codes(bounded(Lanes::div(Lanes::div(largest, six), tensor)));
      Lanes::store(byte + i, code, AllLanes{});
      Lanes::store(divisor + i, Lanes::mul(scale_values.values(code), tensor), AllLanes{});
    }
    for (int g = 0; g < count; g++, x += kNvBlock, out += args.format.block_bytes) {
      const bool numbers = top[g] < kInfinityBits;
      out[0] = static_cast<uint8_t>(numbers ? byte[g] : kE4m3.nan);
      if (!numbers || !(divisor[g] > 0.0f)) {
        memset(out + 1, 0, kNvBlock / 2);
        continue;
      }
      const F scale = Lanes::of(divisor[g]);
      I codes[kN];
      LOWBIT_OVER_VECTORS
      for (int v = 0; v < kN; v++) {
        codes[v] = steps.codes(bounded(Lanes::div(Lanes::load(x + v * Lanes::kWidth, AllLanes{}), scale)));
      }
      store_pairs<kN>(out + 1, codes);
    }
  }
};

}  // namespace
}  // namespace lowbit
