// Encoding of blocks with a scale in f16: the formats of ggml.
#pragma once

#include "native/kernels/blocks/block_statistics.h"
#include "native/kernels/codec/float_lanes.h"
#include "native/kernels/codec/level_search.h"

namespace lowbit {
namespace {

// The low 4 bits of element j, above them those of element j + 16.
inline void store_halves(uint8_t* p, const I* codes) {
  if constexpr (kVectors == 2) {
    Lanes::store_bytes(p, Lanes::bit_or(codes[0], Lanes::shift_left(codes[1], 4)), AllLanes{});
  } else {
    I bytes[kVectors / 2];
    LOWBIT_OVER_VECTORS
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
    LOWBIT_OVER_VECTORS
    for (int v = 0; v < kVectors; v++) codes[v] = Lanes::bit_and(codes[v], Lanes::of(int32_t{15}));
  }
  store_halves(p, codes);
}

// What rounds to a number of f16 is below this.
constexpr float kBeyondHalf = 65520.0f;

inline F magnitude_of(F v) { return Lanes::floats(Lanes::bit_and(Lanes::bits(v), Lanes::of(kMagnitude))); }

// Scales of a group as f16, whether they are below kBeyondHalf, and what their blocks are multiplied by: 1 / d, or 0
// for a d whose reciprocal float32 cannot hold, and whose f16 is 0 anyway.
struct HalfScales {
  int32_t code[kGroup];
  float inverse[kGroup], d[kGroup];

  inline void set(int i, F scale, const ElementSteps& half) {
    Lanes::store(d + i, scale, AllLanes{});
    const F limit = Lanes::of(kBeyondHalf);
    Lanes::store(code + i, half.codes(Lanes::within(scale, Lanes::of(-kBeyondHalf), limit)), AllLanes{});
    const F reciprocal = Lanes::div(Lanes::of(1.0f), scale);
    const F held = Lanes::where_less(magnitude_of(reciprocal), Lanes::of(kInfinity), reciprocal, Lanes::of(0.0f));
    Lanes::store(inverse + i, held, AllLanes{});
  }
};

inline bool is_half(float v) { return (v < 0.0f ? -v : v) < kBeyondHalf; }

inline void store_half(uint8_t* p, int32_t code) {
  p[0] = static_cast<uint8_t>(code);
  p[1] = static_cast<uint8_t>(code >> 8);
}

// d = the largest magnitude / 127.
struct HalfBytes {
  static constexpr int64_t kBytes = 34;
  HalfScales scales;

  inline void read(const float* x, int count, const ElementSteps& half) {
    int32_t top[kGroup] = {};
    largest_magnitudes<kVectors>(x, count, top);
    LOWBIT_OVER_VECTORS
    for (int i = 0; i < kGroup; i += Lanes::kWidth) {
      scales.set(i, Lanes::div(Lanes::floats(Lanes::load(top + i, AllLanes{})), Lanes::of(127.0f)), half);
    }
  }
  inline bool holds(int g) const { return is_half(scales.d[g]); }
  inline void write(int g, const float* x, uint8_t* out) const {
    const F inverse = Lanes::of(scales.inverse[g]), before_half = Lanes::of(0.49999997f);
    I codes[kVectors];
    LOWBIT_OVER_VECTORS
    for (int v = 0; v < kVectors; v++) {
      // Half away from zero: what is added is the largest float below a half, so that nothing below one is carried
      // over.
      const I bits = Lanes::bits(Lanes::mul(Lanes::load(x + v * Lanes::kWidth, AllLanes{}), inverse));
      const F magnitude = Lanes::floats(Lanes::bit_and(bits, Lanes::of(kMagnitude)));
      const I code = Lanes::less(Lanes::to_int(Lanes::add(magnitude, before_half)), Lanes::of(int32_t{127}));
      const I sign = ones_where_negative(bits);
      codes[v] = Lanes::sub(Lanes::exclusive_or(code, sign), sign);
    }
    store_half(out, scales.code[g]);
    store_codes<kVectors>(out + 2, codes);
  }
};

// d = the extreme / -2^(bits - 1).
template <int kBits>
struct HalfCentred {
  static constexpr int64_t kBytes = kBits == 4 ? 18 : 22;
  static constexpr int kZero = 1 << (kBits - 1);
  HalfScales scales;

  inline void read(const float* x, int count, const ElementSteps& half) {
    float extreme[kGroup];
    extremes_of(x, count, extreme);
    LOWBIT_OVER_VECTORS
    for (int i = 0; i < kGroup; i += Lanes::kWidth) {
      const F zero = Lanes::of(-static_cast<float>(kZero));
      scales.set(i, Lanes::div(Lanes::load(extreme + i, AllLanes{}), zero), half);
    }
  }
  inline bool holds(int g) const { return is_half(scales.d[g]); }
  inline void write(int g, const float* x, uint8_t* out) const {
    const F inverse = Lanes::of(scales.inverse[g]), middle = Lanes::of(static_cast<float>(kZero) + 0.5f);
    I codes[kVectors];
    LOWBIT_OVER_VECTORS
    for (int v = 0; v < kVectors; v++) {
      const F scaled = Lanes::mul(Lanes::load(x + v * Lanes::kWidth, AllLanes{}), inverse);
      codes[v] = Lanes::less(Lanes::to_int(Lanes::add(scaled, middle)), Lanes::of(int32_t{2 * kZero - 1}));
    }
    store_half(out, scales.code[g]);
    store_nibbles<kBits>(out + 2, codes);
  }
};

// d = (largest - least) / (2^bits - 1).
template <int kBits>
struct HalfOffset {
  static constexpr int64_t kBytes = kBits == 4 ? 20 : 24;
  static constexpr int kMost = (1 << kBits) - 1;
  HalfScales scales, leasts;

  inline void read(const float* x, int count, const ElementSteps& half) {
    float least[kGroup], largest[kGroup];
    ranges_of(x, count, least, largest);
    LOWBIT_OVER_VECTORS
    for (int i = 0; i < kGroup; i += Lanes::kWidth) {
      const F lo = Lanes::load(least + i, AllLanes{}), range = Lanes::sub(Lanes::load(largest + i, AllLanes{}), lo);
      scales.set(i, Lanes::div(range, Lanes::of(static_cast<float>(kMost))), half);
      leasts.set(i, lo, half);
    }
  }
  inline bool holds(int g) const { return is_half(scales.d[g]) && is_half(leasts.d[g]); }
  inline void write(int g, const float* x, uint8_t* out) const {
    const F inverse = Lanes::of(scales.inverse[g]), lowest = Lanes::of(leasts.d[g]), half = Lanes::of(0.5f);
    I codes[kVectors];
    LOWBIT_OVER_VECTORS
    for (int v = 0; v < kVectors; v++) {
      const F above = Lanes::sub(Lanes::load(x + v * Lanes::kWidth, AllLanes{}), lowest);
      const I code = Lanes::to_int(Lanes::add(Lanes::mul(above, inverse), half));
      codes[v] = Lanes::less(code, Lanes::of(int32_t{kMost}));
    }
    store_half(out, scales.code[g]);
    store_half(out + 2, leasts.code[g]);
    store_nibbles<kBits>(out + 4, codes);
  }
};

template <typename Kind>
void encode_half_blocks(const EncodeBlocksArgs& args) {
  const ElementSteps half(kHalf);
  Kind kind;
  for (int64_t b = 0; b < args.count; b += kGroup) {
    const int count = static_cast<int>(least(kGroup, args.count - b));
    const float* const x = args.x + b * kBlock;
    uint8_t* const out = args.blocks + b * Kind::kBytes;
    kind.read(x, count, half);
    for (int g = 0; g < count; g++) {
      if (!kind.holds(g)) {
        *args.refused = b + g;
        return;
      }
      kind.write(g, x + g * kBlock, out + g * Kind::kBytes);
    }
  }
}

// Below this magnitude a block counts as all zero.
constexpr float kLeastExtreme = 1e-15f;

// Lane j of vector i becomes lane i of vector j: every step brings together what is half of the vectors apart.
inline void transpose_lanes(F* v) {
  constexpr int w = Lanes::kWidth;
  for (int step = 1; step < w; step *= 2) {
    F next[w];
    for (int i = 0; i < w / 2; i++) {
      next[2 * i] = Lanes::zip_low(v[i], v[i + w / 2]);
      next[2 * i + 1] = Lanes::zip_high(v[i], v[i + w / 2]);
    }
    for (int i = 0; i < w; i++) v[i] = next[i];
  }
}

// The sums of a block are made in the order of its elements: those of all blocks of a group at a time.
inline void sums_in_order(const float (*rows)[kBlock], float* sums) {
  constexpr int w = Lanes::kWidth;
  for (int b = 0; b < kGroup; b += w) {
    F sum = Lanes::of(0.0f);
    for (int c = 0; c < kBlock; c += w) {
      F columns[w];
      for (int i = 0; i < w; i++) columns[i] = Lanes::load(rows[b + i] + c, AllLanes{});
      transpose_lanes(columns);
      for (int i = 0; i < w; i++) sum = Lanes::add(sum, columns[i]);
    }
    Lanes::store(sums + b, sum, AllLanes{});
  }
}

// Codes by d = the extreme / the first level, then the scale that fits them best.
struct HalfLevels {
  static constexpr int64_t kBytes = 18;
  const LevelSearch search;
  const Lanes::Sixteen levels;
  const float first_level;
  float products[kGroup][kBlock], squares[kGroup][kBlock];
  float extreme[kGroup];
  HalfScales scales;

  inline void read(const float* x, int count, const ElementSteps& half, uint8_t* out) {
    extremes_of(x, count, extreme);
    LOWBIT_OVER_VECTORS
    for (int i = 0; i < kGroup; i += Lanes::kWidth) {
      scales.set(i, Lanes::div(Lanes::load(extreme + i, AllLanes{}), Lanes::of(first_level)), half);
    }
    for (int g = 0; g < count; g++, x += kBlock, out += kBytes) {
      const F inverse = Lanes::of(scales.inverse[g]);
      I codes[kVectors];
      LOWBIT_OVER_VECTORS
      for (int v = 0; v < kVectors; v++) {
        const F value = Lanes::load(x + v * Lanes::kWidth, AllLanes{});
        codes[v] = search.place_of(Lanes::mul(inverse, value));
        const F level = Lanes::look_up(levels, codes[v]), weighted = Lanes::mul(Lanes::mul(value, value), level);
        Lanes::store(products[g] + v * Lanes::kWidth, Lanes::mul(weighted, value), AllLanes{});
        Lanes::store(squares[g] + v * Lanes::kWidth, Lanes::mul(weighted, level), AllLanes{});
      }
      store_halves(out + 2, codes);
    }
    float product[kGroup], square[kGroup];
    sums_in_order(products, product);
    sums_in_order(squares, square);
    LOWBIT_OVER_VECTORS
    for (int i = 0; i < kGroup; i += Lanes::kWidth) {
      scales.set(i, Lanes::div(Lanes::load(product + i, AllLanes{}), Lanes::load(square + i, AllLanes{})), half);
    }
  }
  inline bool is_zero(int g) const { return (extreme[g] < 0.0f ? -extreme[g] : extreme[g]) < kLeastExtreme; }
};

void encode_half_levels(const EncodeBlocksArgs& args) {
  const ElementSteps half(kHalf);
  HalfLevels kind{
      LevelSearch(args.format.thresholds), Lanes::sixteen(args.format.levels), args.format.levels[0], {}, {}, {}, {}};
  for (int64_t b = 0; b < args.count; b += kGroup) {
    const int count = static_cast<int>(least(kGroup, args.count - b));
    uint8_t* const out = args.blocks + b * HalfLevels::kBytes;
    kind.read(args.x + b * kBlock, count, half, out);
    for (int g = 0; g < count; g++) {
      if (kind.is_zero(g)) {
        memset(out + g * HalfLevels::kBytes, 0, HalfLevels::kBytes);
        continue;
      }
      if (!is_half(kind.scales.d[g]) || !(kind.extreme[g] - kind.extreme[g] == 0.0f)) {
        *args.refused = b + g;
        return;
      }
      store_half(out + g * HalfLevels::kBytes, kind.scales.code[g]);
    }
  }
}

}  // namespace
}  // namespace lowbit
