// decode_blocks_u8_f32 over the lanes of an instruction set.
#pragma once

#include "native/kernels/blocks/block_lanes.h"
#include "native/kernels/codec/float_lanes.h"

namespace lowbit {
namespace {

inline void store_values(float* x, F v, F scale) { Lanes::store(x, Lanes::mul(v, scale), AllLanes{}); }

inline float power_of_code(int32_t code) { return code == kE8m0Nan ? float_of(kNanBits) : power_of_two(code - 127); }

template <typename Values>
inline void decode_codes(const uint8_t* codes, float* x, float scale, const Values& values) {
  const F factor = Lanes::of(scale);
  LOWBIT_OVER_VECTORS
  for (int i = 0; i < kBlock; i += Lanes::kWidth) {
    store_values(x + i, values.values(Lanes::load(codes + i, AllLanes{})), factor);
  }
}

// n / 2 bytes of two codes each, the even ones in the low bits.
template <int kN, typename Extent>
inline void decode_pairs(const uint8_t* p, float* x, F scale, const Lanes::Sixteen& levels, Extent extent) {
  constexpr int w = Lanes::kWidth;
  LOWBIT_OVER_VECTORS
  for (int v = 0; v < (kN + 1) / 2; v++) {
    const I bytes = Lanes::load(p + v * w, extent);
    const F low = Lanes::mul(Lanes::look_up(levels, Lanes::bit_and(bytes, Lanes::of(int32_t{15}))), scale);
    const F high = Lanes::mul(Lanes::look_up(levels, Lanes::shift_right(bytes, 4)), scale);
    Lanes::store(x + 2 * v * w, Lanes::zip_low(low, high), AllLanes{});
    if (kN > 1) Lanes::store(x + (2 * v + 1) * w, Lanes::zip_high(low, high), AllLanes{});
  }
}

template <int kN>
inline void decode_block_of_pairs(const uint8_t* p, float* x, float scale, const Lanes::Sixteen& levels) {
  if constexpr (kN == 1) {
    decode_pairs<kN>(p, x, Lanes::of(scale), levels, SomeLanes{Lanes::kWidth / 2});
  } else {
    decode_pairs<kN>(p, x, Lanes::of(scale), levels, AllLanes{});
  }
}

// 32 codes of 6 bits to bytes: eight at a time move apart within a word. The words are written together, so that
// vectors can be read where they were stored.
inline void load_sixes(const uint8_t* p, uint64_t* codes) {
  const uint64_t words[kBlock / 8] = {word_at(p), word_at(p + 6), word_at(p + 12), word_at(p + 16) >> 16};
  for (int i = 0; i < kBlock / 8; i++) {
    uint64_t word = words[i];
    word = (word & 0x0000000000FFFFFFu) | (word & 0x0000FFFFFF000000u) << 8;
    word = (word & 0x00000FFF00000FFFu) | (word & 0x00FFF00000FFF000u) << 4;
    codes[i] = (word & 0x003F003F003F003Fu) | (word & 0x0FC00FC00FC00FC0u) << 2;
  }
}

void decode_mx_floats(const DecodeBlocksArgs& args) {
  const BlockFormat& format = args.format;
  if (format.bits == 4) {
    const Lanes::Sixteen levels = Lanes::sixteen(format.levels);
    for (int64_t b = 0; b < args.count; b++) {
      const uint8_t* const from = args.blocks + b * format.block_bytes;
      decode_block_of_pairs<vectors_of(kBlock)>(from + 1, args.x + b * kBlock, power_of_code(from[0]), levels);
    }
    return;
  }
  const ElementValues values(format.element);
  for (int64_t b = 0; b < args.count; b++) {
    const uint8_t* const from = args.blocks + b * format.block_bytes;
    uint64_t sixes[kBlock / 8];
    if (format.bits == 6) load_sixes(from + 1, sixes);
    const uint8_t* const codes = format.bits == 6 ? reinterpret_cast<const uint8_t*>(sixes) : from + 1;
    decode_codes(codes, args.x + b * kBlock, power_of_code(from[0]), values);
  }
}

void decode_nvfp4(const DecodeBlocksArgs& args) {
  const BlockFormat& format = args.format;
  const Lanes::Sixteen levels = Lanes::sixteen(format.levels);
  const DecodeFloatStep decode(kE4m3);
  for (int64_t b = 0; b < args.count; b++) {
    const uint8_t* const from = args.blocks + b * format.block_bytes;
    const float scale = decode.value_of(from[0]) * format.tensor_scale;
    decode_block_of_pairs<vectors_of(kNvBlock)>(from + 1, args.x + b * kNvBlock, scale, levels);
  }
}

// int8 in units of 1 / 64 behind an exponent, or in units of 1 behind an f16.
void decode_bytes(const DecodeBlocksArgs& args, bool half) {
  const DecodeFloatStep decode(kHalf);
  const F unit = Lanes::of(half ? 1.0f : 1.0f / 64);
  for (int64_t b = 0; b < args.count; b++) {
    const uint8_t* const from = args.blocks + b * args.format.block_bytes;
    const F scale = Lanes::of(half ? decode.value_of(half_at(from)) : power_of_code(from[0]));
    const int8_t* const codes = reinterpret_cast<const int8_t*>(from + (half ? 2 : 1));
    LOWBIT_OVER_VECTORS
    for (int i = 0; i < kBlock; i += Lanes::kWidth) {
      const F code = Lanes::mul(Lanes::to_float(Lanes::load(codes + i, AllLanes{})), unit);
      store_values(args.x + b * kBlock + i, code, scale);
    }
  }
}

// Four bytes of fifth bits and 16 of halves to a code per byte.
inline void load_fives(const uint8_t* p, uint8_t* codes) {
  for (int i = 0; i < kBlock / 8; i++) {
    const uint64_t nibbles = word_at(p + 4 + 8 * (i % 2)) >> (i < 2 ? 0 : 4) & 0x0F0F0F0F0F0F0F0Fu;
    const uint64_t apart = p[i] * 0x0101010101010101u & 0x8040201008040201u;
    const uint64_t word = nibbles | ((apart + 0x7F7F7F7F7F7F7F7Fu) >> 3 & 0x1010101010101010u);
    memcpy(codes + 8 * i, &word, sizeof word);
  }
}

// code - zero, times d; and with kOffset what lies behind d is added.
template <int kBits, bool kOffset>
struct HalfIntegers {
  const uint8_t* p;
  float* x;
  F scale, least;
  inline void store(int i, I code) const {
    F v = Lanes::to_float(kOffset ? code : Lanes::sub(code, Lanes::of(int32_t{1 << (kBits - 1)})));
    v = Lanes::mul(v, scale);
    Lanes::store(x + i, kOffset ? Lanes::add(v, least) : v, AllLanes{});
  }
  inline void decode() const {
    if constexpr (kBits == 5) {
      uint8_t codes[kBlock];
      load_fives(p, codes);
      LOWBIT_OVER_VECTORS
      for (int i = 0; i < kBlock; i += Lanes::kWidth) store(i, Lanes::load(codes + i, AllLanes{}));
      return;
    }
    LOWBIT_OVER_VECTORS
    for (int i = 0; i < kBlock / 2; i += Lanes::kWidth) {
      const I bytes = Lanes::load(p + i, AllLanes{});
      store(i, Lanes::bit_and(bytes, Lanes::of(int32_t{15})));
      store(i + kBlock / 2, Lanes::shift_right(bytes, 4));
    }
  }
};

template <int kBits, bool kOffset>
void decode_integers(const DecodeBlocksArgs& args) {
  const DecodeFloatStep decode(kHalf);
  for (int64_t b = 0; b < args.count; b++) {
    const uint8_t* const from = args.blocks + b * args.format.block_bytes;
    const F scale = Lanes::of(decode.value_of(half_at(from)));
    const F least = Lanes::of(kOffset ? decode.value_of(half_at(from + 2)) : 0.0f);
    HalfIntegers<kBits, kOffset>{from + (kOffset ? 4 : 2), args.x + b * kBlock, scale, least}.decode();
  }
}

void decode_half_levels(const DecodeBlocksArgs& args) {
  const Lanes::Sixteen levels = Lanes::sixteen(args.format.levels);
  const DecodeFloatStep decode(kHalf);
  for (int64_t b = 0; b < args.count; b++) {
    const uint8_t* const from = args.blocks + b * args.format.block_bytes;
    float* const x = args.x + b * kBlock;
    const F scale = Lanes::of(decode.value_of(half_at(from)));
    LOWBIT_OVER_VECTORS
    for (int i = 0; i < kBlock / 2; i += Lanes::kWidth) {
      const I bytes = Lanes::load(from + 2 + i, AllLanes{});
      store_values(x + i, Lanes::look_up(levels, Lanes::bit_and(bytes, Lanes::of(int32_t{15}))), scale);
      store_values(x + i + kBlock / 2, Lanes::look_up(levels, Lanes::shift_right(bytes, 4)), scale);
    }
  }
}

void decode_blocks(const DecodeBlocksArgs& args) {
  const bool fives = args.format.bits == 5;
  switch (args.format.kind) {
    case mx_float:
      return decode_mx_floats(args);
    case mx_integer:
      return decode_bytes(args, false);
    case nvfp4:
      return decode_nvfp4(args);
    case half_bytes:
      return decode_bytes(args, true);
    case half_centred:
      return fives ? decode_integers<5, false>(args) : decode_integers<4, false>(args);
    case half_offset:
      return fives ? decode_integers<5, true>(args) : decode_integers<4, true>(args);
    default:
      return decode_half_levels(args);
  }
}

}  // namespace
}  // namespace lowbit
