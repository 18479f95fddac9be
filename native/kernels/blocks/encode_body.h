// encode_blocks_f32_u8 over the lanes of an instruction set.
#pragma once

#include "native/kernels/blocks/block_statistics.h"
#include "native/kernels/codec/level_search.h"

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
    for (int v = 0; v < kN / 2; v++) {
      const I low = Lanes::even(codes[2 * v], codes[2 * v + 1]), high = Lanes::odd(codes[2 * v], codes[2 * v + 1]);
      bytes[v] = Lanes::bit_or(low, Lanes::shift_left(high, 4));
    }
    store_codes<kN / 2>(p, bytes);
  }
}

// 32 codes of 6 bits one behind the other: eight of them at a time move together within a word.
inline void store_sixes(uint8_t* p, const I* codes) {
  uint8_t bytes[kBlock];
  store_codes<kVectors>(bytes, codes);
  for (int i = 0; i < kBlock / 8; i++) {
    uint64_t word = word_at(bytes + 8 * i);
    word = (word & 0x003F003F003F003Fu) | (word & 0x3F003F003F003F00u) >> 2;
    word = (word & 0x00000FFF00000FFFu) | (word & 0x0FFF00000FFF0000u) >> 4;
    word = (word & 0x0000000000FFFFFFu) | (word & 0x00FFFFFF00000000u) >> 8;
    memcpy(p + 6 * i, &word, 6);
  }
}

// Codes of a small float format that has no infinity below its largest code; v of less than 2^100.
struct ElementSteps {
  int32_t mantissa, sign_shift;
  I least, round, base, max, sign;

  explicit ElementSteps(const FloatFormat& f)
      : mantissa(f.mantissa),
        sign_shift(31 - f.exponent - f.mantissa),
        least(Lanes::of((128 - f.bias) << 23)),
        round(Lanes::of((23 - f.mantissa) << 23)),
        base(Lanes::of((128 - f.bias) << f.mantissa)),
        max(Lanes::of(f.max)),
        sign(Lanes::of(1 << (f.exponent + f.mantissa))) {}

  // A sum with the power of two at v, moved up, has its unit in the last place at the step between the codes there.
  inline I codes(F v) const {
    const I bits = Lanes::bits(v), magnitude = Lanes::bit_and(bits, Lanes::of(kMagnitude));
    const I power = Lanes::bit_and(Lanes::greater(magnitude, least), Lanes::of(kInfinityBits));
    const I unit = Lanes::add(power, round);
    const I steps = Lanes::sub(Lanes::bits(Lanes::add(Lanes::floats(magnitude), Lanes::floats(unit))), unit);
    const I code = Lanes::add(steps, Lanes::sub(Lanes::shift_right(power, 23 - mantissa), base));
    return Lanes::bit_or(Lanes::less(code, max), Lanes::bit_and(Lanes::shift_right(bits, sign_shift), sign));
  }
};

struct IntegerSteps {
  static constexpr float kUnit = 1.5f * (1 << (23 - 6));  // a sum with this has its unit in the last place at 1 / 64
  inline I codes(F v) const {
    const I unit = Lanes::bits(Lanes::of(kUnit));
    const I code = Lanes::sub(Lanes::bits(Lanes::add(v, Lanes::of(kUnit))), unit);
    return Lanes::less(Lanes::greater(code, Lanes::of(int32_t{-127})), Lanes::of(int32_t{127}));
  }
};

template <int kBits, typename Steps>
void encode_mx(const EncodeBlocksArgs& args, const Steps& steps, int32_t largest_exponent) {
  const int64_t bytes = args.format.block_bytes;
  for (int64_t b = 0; b < args.count; b++) {
    uint8_t* const out = args.blocks + b * bytes;
    Block block;
    block.read(args.x + b * kBlock);
    const int32_t top = block.largest_magnitude();
    if (top >= kInfinityBits) {
      memset(out, 0, static_cast<size_t>(bytes));
      out[0] = kE8m0Nan;
      continue;
    }
    const int32_t wanted = (top >> 23) - 127 - largest_exponent, exponent = wanted > -127 ? wanted : -127;
    out[0] = static_cast<uint8_t>(exponent + 127);
    const F factor = Lanes::of(power_of_two(-exponent));
    I codes[kVectors];
    for (int v = 0; v < kVectors; v++) codes[v] = steps.codes(Lanes::mul(block.x[v], factor));
    if constexpr (kBits == 4) store_pairs<kVectors>(out + 1, codes);
    if constexpr (kBits == 6) store_sixes(out + 1, codes);
    if constexpr (kBits == 8) store_codes<kVectors>(out + 1, codes);
  }
}

void encode_nvfp4(const EncodeBlocksArgs& args) {
  constexpr int kN = vectors_of(kNvBlock);
  const ElementSteps steps(args.format.element);
  const EncodeFloatStep encode(kE4m3);
  const DecodeFloatStep decode(kE4m3);
  const float tensor = args.format.tensor_scale;
  const F limit = Lanes::of(1e20f);
  for (int64_t b = 0; b < args.count; b++) {
    uint8_t* const out = args.blocks + b * args.format.block_bytes;
    BlockOf<kN> block;
    block.read(args.x + b * kNvBlock);
    const int32_t top = block.largest_magnitude();
    const int32_t code = top >= kInfinityBits ? kE4m3.nan : encode.code_of(bits_float(top) / 6.0f / tensor);
    const float divisor = decode.value_of(code) * tensor;
    out[0] = static_cast<uint8_t>(code);
    if (!(divisor > 0.0f)) {
      memset(out + 1, 0, kNvBlock / 2);
      continue;
    }
    const F scale = Lanes::of(divisor);
    I codes[kN];
    for (int v = 0; v < kN; v++) {
      codes[v] = steps.codes(Lanes::within(Lanes::div(block.x[v], scale), Lanes::of(-1e20f), limit));
    }
    store_pairs<kN>(out + 1, codes);
  }
}

// d as f16; false where it is beyond that.
inline bool store_half(uint8_t* p, float d, const EncodeFloatStep& encode) {
  const int32_t code = encode.code_of(d);
  p[0] = static_cast<uint8_t>(code);
  p[1] = static_cast<uint8_t>(code >> 8);
  return (code & kHalf.infinity) != kHalf.infinity;
}

// 1 / d; 0 for a d whose reciprocal float32 cannot hold, and whose f16 is 0 anyway.
inline float reciprocal(float d) {
  const float inverse = 1.0f / d;
  return is_finite(static_cast<int32_t>(bits_of(inverse))) ? inverse : 0.0f;
}

// The low 4 bits of element j, above them those of element j + 16.
inline void store_halves(uint8_t* p, const I* codes) {
  if constexpr (kVectors == 2) {
    Lanes::store_bytes(p, Lanes::bit_or(codes[0], Lanes::shift_left(codes[1], 4)), AllLanes{});
  } else {
    I bytes[kVectors / 2];
    for (int v = 0; v < kVectors / 2; v++) {
      bytes[v] = Lanes::bit_or(codes[v], Lanes::shift_left(codes[v + kVectors / 2], 4));
    }
    store_codes<kVectors / 2>(p, bytes);
  }
}

// Codes of 4 or 5 bits; the fifth ones come first, gathered by a product from eight bytes at a time.
template <int kBits>
inline void store_nibbles(uint8_t* p, I* codes) {
  if constexpr (kBits == 5) {
    uint8_t bytes[kBlock];
    store_codes<kVectors>(bytes, codes);
    for (int i = 0; i < kBlock / 8; i++) {
      const uint64_t fifths = word_at(bytes + 8 * i) >> 4 & 0x0101010101010101u;
      p[i] = static_cast<uint8_t>(fifths * 0x0102040810204080u >> 56);
    }
    p += kBlock / 8;
    for (int v = 0; v < kVectors; v++) codes[v] = Lanes::bit_and(codes[v], Lanes::of(int32_t{15}));
  }
  store_halves(p, codes);
}

struct HalfBytes {
  const EncodeFloatStep encode{kHalf};
  inline bool block(const float* x, uint8_t* out) const {
    Block block;
    block.read(x);
    const float d = bits_float(block.largest_magnitude()) / 127.0f;
    if (!store_half(out, d, encode)) return false;
    const F inverse = Lanes::of(reciprocal(d)), before_half = Lanes::of(0.49999997f);
    I codes[kVectors];
    for (int v = 0; v < kVectors; v++) {
      // Half away from zero: what is added is the largest float below a half, so that nothing below one is carried
      // over.
      const I bits = Lanes::bits(Lanes::mul(block.x[v], inverse));
      const F magnitude = Lanes::floats(Lanes::bit_and(bits, Lanes::of(kMagnitude)));
      const I code = Lanes::less(Lanes::to_int(Lanes::add(magnitude, before_half)), Lanes::of(int32_t{127}));
      const I sign = Lanes::sub(Lanes::of(int32_t{0}), Lanes::shift_right(bits, 31));
      codes[v] = Lanes::sub(Lanes::exclusive_or(code, sign), sign);
    }
    store_codes<kVectors>(out + 2, codes);
    return true;
  }
};

template <int kBits>
struct HalfCentred {
  const EncodeFloatStep encode{kHalf};
  inline bool block(const float* x, uint8_t* out) const {
    constexpr int kZero = 1 << (kBits - 1);
    Block block;
    block.read(x);
    const float d = extreme_of(block, x) / -static_cast<float>(kZero);
    if (!store_half(out, d, encode)) return false;
    const F inverse = Lanes::of(reciprocal(d)), middle = Lanes::of(static_cast<float>(kZero) + 0.5f);
    I codes[kVectors];
    for (int v = 0; v < kVectors; v++) {
      const I code = Lanes::to_int(Lanes::add(Lanes::mul(block.x[v], inverse), middle));
      codes[v] = Lanes::less(code, Lanes::of(int32_t{2 * kZero - 1}));
    }
    store_nibbles<kBits>(out + 2, codes);
    return true;
  }
};

template <int kBits>
struct HalfOffset {
  const EncodeFloatStep encode{kHalf};
  inline bool block(const float* x, uint8_t* out) const {
    constexpr int kMost = (1 << kBits) - 1;
    Block block;
    block.read(x);
    float least, largest;
    if (!range_of(block, x, &least, &largest)) return false;
    const float d = (largest - least) / static_cast<float>(kMost);
    if (!store_half(out, d, encode) || !store_half(out + 2, least, encode)) return false;
    const F inverse = Lanes::of(reciprocal(d)), lowest = Lanes::of(least), half = Lanes::of(0.5f);
    I codes[kVectors];
    for (int v = 0; v < kVectors; v++) {
      const I code = Lanes::to_int(Lanes::add(Lanes::mul(Lanes::sub(block.x[v], lowest), inverse), half));
      codes[v] = Lanes::less(code, Lanes::of(int32_t{kMost}));
    }
    store_nibbles<kBits>(out + 4, codes);
    return true;
  }
};

template <typename Kind>
void encode_half_blocks(const EncodeBlocksArgs& args, const Kind& kind) {
  for (int64_t b = 0; b < args.count; b++) {
    if (kind.block(args.x + b * kBlock, args.blocks + b * args.format.block_bytes)) continue;
    *args.refused = b;
    return;
  }
}

// Below this magnitude a block counts as all zero.
constexpr float kLeastExtreme = 1e-15f;
constexpr int kGroup = 4;

// The sums of a block are made in the order of its elements: those of a few blocks go side by side.
struct LevelSums {
  float products[kGroup][kBlock], squares[kGroup][kBlock];
  inline void in_order(float* product, float* square) const {
    for (int g = 0; g < kGroup; g++) product[g] = square[g] = 0.0f;
    for (int i = 0; i < kBlock; i++) {
      for (int g = 0; g < kGroup; g++) {
        product[g] += products[g][i];
        square[g] += squares[g][i];
      }
    }
  }
};

void encode_half_levels(const EncodeBlocksArgs& args) {
  const EncodeFloatStep encode(kHalf);
  const LevelSearch search(args.format.thresholds);
  const Lanes::Sixteen levels = Lanes::sixteen(args.format.levels);
  const int64_t bytes = args.format.block_bytes;
  LevelSums sums = {};
  for (int64_t b = 0; b < args.count; b += kGroup) {
    const int group = static_cast<int>(least(kGroup, args.count - b));
    bool zero[kGroup] = {};
    for (int g = 0; g < group; g++) {
      const float* const x = args.x + (b + g) * kBlock;
      uint8_t* const out = args.blocks + (b + g) * bytes;
      Block block;
      block.read(x);
      const float extreme = extreme_of(block, x);
      if (extreme != extreme) {
        *args.refused = b + g;
        return;
      }
      zero[g] = (extreme < 0.0f ? -extreme : extreme) < kLeastExtreme;
      if (zero[g]) {
        memset(out, 0, static_cast<size_t>(bytes));
        continue;
      }
      const F inverse = Lanes::of(1.0f / (extreme / args.format.levels[0]));
      I codes[kVectors];
      for (int v = 0; v < kVectors; v++) {
        const F value = block.x[v];
        codes[v] = search.place_of(Lanes::mul(inverse, value));
        const F level = Lanes::look_up(levels, codes[v]), weighted = Lanes::mul(Lanes::mul(value, value), level);
        Lanes::store(sums.products[g] + v * Lanes::kWidth, Lanes::mul(weighted, value), AllLanes{});
        Lanes::store(sums.squares[g] + v * Lanes::kWidth, Lanes::mul(weighted, level), AllLanes{});
      }
      store_halves(out + 2, codes);
    }
    float product[kGroup], square[kGroup];
    sums.in_order(product, square);
    for (int g = 0; g < group; g++) {
      if (zero[g] || store_half(args.blocks + (b + g) * bytes, product[g] / square[g], encode)) continue;
      *args.refused = b + g;
      return;
    }
  }
}

void encode_blocks(const EncodeBlocksArgs& args) {
  const BlockFormat& format = args.format;
  *args.refused = -1;
  switch (format.kind) {
    case mx_float: {
      const ElementSteps steps(format.element);
      const int32_t exponent = (format.element.max >> format.element.mantissa) - format.element.bias;
      if (format.bits == 4) return encode_mx<4>(args, steps, exponent);
      if (format.bits == 6) return encode_mx<6>(args, steps, exponent);
      return encode_mx<8>(args, steps, exponent);
    }
    case mx_integer:
      return encode_mx<8>(args, IntegerSteps{}, 0);
    case nvfp4:
      return encode_nvfp4(args);
    case half_bytes:
      return encode_half_blocks(args, HalfBytes{});
    case half_centred:
      if (format.bits == 4) return encode_half_blocks(args, HalfCentred<4>{});
      return encode_half_blocks(args, HalfCentred<5>{});
    case half_offset:
      if (format.bits == 4) return encode_half_blocks(args, HalfOffset<4>{});
      return encode_half_blocks(args, HalfOffset<5>{});
    default:
      return encode_half_levels(args);
  }
}

}  // namespace
}  // namespace lowbit
