// The codec kernels, compiled once per instruction set behind its lanes. Steps of floats and integers are plain integer
// arithmetic on the bits of floats, which compilers vectorize; levels are looked up in lanes.
#pragma once

#include "native/kernels/codec/codec.h"
#include "native/kernels/codec/float_runs.h"
#include "native/kernels/codec/float_step.h"
#include "native/kernels/codec/level_search.h"
#include "native/kernels/lanes.h"

namespace lowbit {
namespace {

template <ScaleKind kScale>
inline float divided(float x, const float* scale, float one, int64_t i) {
  return kScale == kUnit ? x : x / (kScale == kOne ? one : scale[i]);
}

template <ScaleKind kScale>
inline float multiplied(float x, const float* scale, float one, int64_t i) {
  return kScale == kUnit ? x : x * (kScale == kOne ? one : scale[i]);
}

template <typename Step, ScaleKind kScale, typename Code>
void encode_float_run(const float* x, Code* codes, int64_t n, const float* scale, const FloatFormat& format) {
  const float one = *scale;
  const Step step(format);
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < n; i++) codes[i] = static_cast<Code>(step.code_of(divided<kScale>(x[i], scale, one, i)));
}

template <typename Step, ScaleKind kScale, typename Code>
void decode_float_run(const Code* codes, float* x, int64_t n, const float* scale, const FloatFormat& format) {
  const float one = *scale;
  const Step step(format);
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < n; i++) x[i] = multiplied<kScale>(step.value_of(codes[i]), scale, one, i);
}

inline bool is_half(const FloatFormat& f) { return f.exponent == 5 && f.mantissa == 10 && f.bias == 15; }

// rint of any float as the low bits of an integer; 0 for NaN, infinities and all whose low bits are 0 anyway.
inline int32_t rounded_low_bits(float v) {
  constexpr float kWhole = 8388608.0f;  // 2^23: from here on floats are integers
  const float size = v < 0.0f ? -v : v;
  const float whole = size < kWhole ? (size + kWhole) - kWhole : size;
  const int32_t integer = static_cast<int32_t>(whole < 2147483648.0f ? whole : 0.0f);
  return v < 0.0f ? -integer : integer;
}

template <typename Code, ScaleKind kScale, bool kWraps>
void encode_integer_run(const float* x, Code* codes, int64_t n, const float* scale, const int32_t* zero,
                        const EncodeIntegerArgs& args) {
  const float one = *scale;
  const int32_t mask = (1 << args.bits) - 1, zero_one = *zero, qmin = args.qmin, qmax = args.qmax;
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < n; i++) {
    const int32_t z = kScale == kPerColumn ? zero[i] : zero_one;
    float v = divided<kScale>(x[i], scale, one, i);
    int32_t rounded;
    if (kWraps) {
      rounded = rounded_low_bits(v);
    } else {
      const float lo = static_cast<float>(qmin - z), hi = static_cast<float>(qmax - z);
      v = v > lo ? v : lo;
      v = v < hi ? v : hi;
      rounded = static_cast<int32_t>(bits_of(v + kRound) - kRoundBits);
    }
    codes[i] = static_cast<Code>((rounded + z) & mask);
  }
}

template <typename Code, ScaleKind kScale>
void decode_integer_run(const Code* codes, float* x, int64_t n, const float* scale, const int32_t* zero) {
  const float one = *scale;
  const int32_t zero_one = *zero;
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < n; i++) {
    const int32_t z = kScale == kPerColumn ? zero[i] : zero_one;
    x[i] = multiplied<kScale>(static_cast<float>(codes[i] - z), scale, one, i);
  }
}

template <ScaleKind kScale>
struct EncodeLevels {
  const float* x;
  uint8_t* codes;
  const float* scale;
  F one;
  const LevelSearch& search;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    const F v = divided_lanes<kScale>(x, scale, one, i, e);
    Lanes::store_bytes(codes + i, search.place_of(Lanes::where_number(v, v, Lanes::of(0.0f))), e);
  }
};

template <ScaleKind kScale>
struct DecodeLevels {
  const uint8_t* codes;
  float* x;
  const float* scale;
  F one;
  Lanes::Sixteen levels;
  template <typename Extent>
  inline void operator()(int64_t i, Extent e) const {
    const I code = Lanes::bit_and(Lanes::load(codes + i, e), Lanes::of(int32_t{kLevels - 1}));
    Lanes::store(x + i, multiplied_lanes<kScale>(Lanes::look_up(levels, code), scale, one, i, e), e);
  }
};

// Calls run<kind>(row's arrays) for every row, by the kind of its scale.
#define LOWBIT_CODEC_ROWS(call_unit, call_one, call_per_column) \
  for (int64_t r = 0; r < args.rows; r++) {                     \
    const int64_t at = r * args.columns;                        \
    const float* const scale = args.scale + r * args.row_step;  \
    if (args.column_step != 0) {                                \
      call_per_column;                                          \
    } else if (*scale == 1.0f) {                                \
      call_unit;                                                \
    } else {                                                    \
      call_one;                                                 \
    }                                                           \
  }

template <typename Step, typename Code>
void encode_float(const EncodeFloatArgs& args) {
  Code* const codes = static_cast<Code*>(args.codes);
  const int64_t n = args.columns;
  LOWBIT_CODEC_ROWS((encode_float_run<Step, kUnit>(args.x + at, codes + at, n, scale, args.format)),
                    (encode_float_run<Step, kOne>(args.x + at, codes + at, n, scale, args.format)),
                    (encode_float_run<Step, kPerColumn>(args.x + at, codes + at, n, scale, args.format)))
}

template <typename Step, typename Code>
void decode_float(const DecodeFloatArgs& args) {
  const Code* const codes = static_cast<const Code*>(args.codes);
  const int64_t n = args.columns;
  LOWBIT_CODEC_ROWS((decode_float_run<Step, kUnit>(codes + at, args.x + at, n, scale, args.format)),
                    (decode_float_run<Step, kOne>(codes + at, args.x + at, n, scale, args.format)),
                    (decode_float_run<Step, kPerColumn>(codes + at, args.x + at, n, scale, args.format)))
}

template <typename L>
void encode_halves(const EncodeFloatArgs& args) {
  uint16_t* const codes = static_cast<uint16_t*>(args.codes);
  const int64_t n = args.columns;
  // Infinity is the overflow of the conversion itself.
  const F limit = Lanes::of(args.format.overflow == args.format.max ? 65504.0f : kInfinity);
  LOWBIT_CODEC_ROWS(
      (for_lanes(n, EncodeHalves<kUnit, L>{args.x + at, codes + at, scale, Lanes::of(*scale), limit})),
      (for_lanes(n, EncodeHalves<kOne, L>{args.x + at, codes + at, scale, Lanes::of(*scale), limit})),
      (for_lanes(n, EncodeHalves<kPerColumn, L>{args.x + at, codes + at, scale, Lanes::of(*scale), limit})))
}

template <typename L>
void decode_halves(const DecodeFloatArgs& args) {
  const uint16_t* const codes = static_cast<const uint16_t*>(args.codes);
  const int64_t n = args.columns;
  LOWBIT_CODEC_ROWS((for_lanes(n, DecodeHalves<kUnit, L>{codes + at, args.x + at, scale, Lanes::of(*scale)})),
                    (for_lanes(n, DecodeHalves<kOne, L>{codes + at, args.x + at, scale, Lanes::of(*scale)})),
                    (for_lanes(n, DecodeHalves<kPerColumn, L>{codes + at, args.x + at, scale, Lanes::of(*scale)})))
}

void encode_eight_bits(const EncodeFloatArgs& args) {
  uint8_t* const codes = static_cast<uint8_t*>(args.codes);
  const int64_t n = args.columns;
  const FloatFormat& format = args.format;
  if (!format.negative_zero || format.overflow != format.max) return encode_float<EncodeFloatStep, uint8_t>(args);
  const ElementSteps steps(format);
  const I nan = Lanes::of(format.nan);
  LOWBIT_CODEC_ROWS(
      (encode_small_run(EncodeSmall<kUnit>{args.x + at, codes + at, scale, Lanes::of(*scale), nan, steps}, n)),
      (encode_small_run(EncodeSmall<kOne>{args.x + at, codes + at, scale, Lanes::of(*scale), nan, steps}, n)),
      (encode_small_run(EncodeSmall<kPerColumn>{args.x + at, codes + at, scale, Lanes::of(*scale), nan, steps}, n)))
}

void decode_eight_bits(const DecodeFloatArgs& args) {
  const uint8_t* const codes = static_cast<const uint8_t*>(args.codes);
  const int64_t n = args.columns;
  if (!args.format.negative_zero) return decode_float<DecodeFloatStep, uint8_t>(args);
  const ElementValues values(args.format);
  LOWBIT_CODEC_ROWS((for_lanes(n, DecodeSmall<kUnit>{codes + at, args.x + at, scale, Lanes::of(*scale), values})),
                    (for_lanes(n, DecodeSmall<kOne>{codes + at, args.x + at, scale, Lanes::of(*scale), values})),
                    (for_lanes(n, DecodeSmall<kPerColumn>{codes + at, args.x + at, scale, Lanes::of(*scale), values})))
}

template <typename L>
void encode_sixteen_bits(const EncodeFloatArgs& args) {
  if (is_upper_half(args.format)) return encode_float<EncodeUpperHalfStep, uint16_t>(args);
  if constexpr (L::kHalves) {
    if (is_half(args.format)) return encode_halves<L>(args);
  }
  encode_float<EncodeFloatStep, uint16_t>(args);
}

template <typename L>
void decode_sixteen_bits(const DecodeFloatArgs& args) {
  if (is_upper_half(args.format)) return decode_float<DecodeUpperHalfStep, uint16_t>(args);
  if constexpr (L::kHalves) {
    if (is_half(args.format)) return decode_halves<L>(args);
  }
  decode_float<DecodeFloatStep, uint16_t>(args);
}

template <typename Code, bool kWraps>
void encode_integer(const EncodeIntegerArgs& args) {
  Code* const codes = static_cast<Code*>(args.codes);
  const int64_t n = args.columns;
  for (int64_t r = 0; r < args.rows; r++) {
    const float* const x = args.x + r * n;
    const float* const scale = args.scale + r * args.row_step;
    const int32_t* const zero = args.zero_point + r * args.row_step;
    if (args.column_step != 0) {
      encode_integer_run<Code, kPerColumn, kWraps>(x, codes + r * n, n, scale, zero, args);
    } else {
      encode_integer_run<Code, kOne, kWraps>(x, codes + r * n, n, scale, zero, args);
    }
  }
}

void encode_bytes(const EncodeIntegerArgs& args) {
  if (args.wraps) return encode_integer<uint8_t, true>(args);
  encode_integer<uint8_t, false>(args);
}

template <typename Code>
void decode_integer(const DecodeIntegerArgs& args) {
  const Code* const codes = static_cast<const Code*>(args.codes);
  const int64_t n = args.columns;
  for (int64_t r = 0; r < args.rows; r++) {
    float* const x = args.x + r * n;
    const float* const scale = args.scale + r * args.row_step;
    const int32_t* const zero = args.zero_point + r * args.row_step;
    if (args.column_step != 0) {
      decode_integer_run<Code, kPerColumn>(codes + r * n, x, n, scale, zero);
    } else {
      decode_integer_run<Code, kOne>(codes + r * n, x, n, scale, zero);
    }
  }
}

void encode_level(const EncodeLevelArgs& args) {
  const LevelSearch search(args.thresholds);
  const int64_t n = args.columns;
  LOWBIT_CODEC_ROWS(
      (for_lanes(n, EncodeLevels<kUnit>{args.x + at, args.codes + at, scale, Lanes::of(*scale), search})),
      (for_lanes(n, EncodeLevels<kOne>{args.x + at, args.codes + at, scale, Lanes::of(*scale), search})),
      (for_lanes(n, EncodeLevels<kPerColumn>{args.x + at, args.codes + at, scale, Lanes::of(*scale), search})))
}

void decode_level(const DecodeLevelArgs& args) {
  const Lanes::Sixteen levels = Lanes::sixteen(args.levels);
  const int64_t n = args.columns;
  LOWBIT_CODEC_ROWS(
      (for_lanes(n, DecodeLevels<kUnit>{args.codes + at, args.x + at, scale, Lanes::of(*scale), levels})),
      (for_lanes(n, DecodeLevels<kOne>{args.codes + at, args.x + at, scale, Lanes::of(*scale), levels})),
      (for_lanes(n, DecodeLevels<kPerColumn>{args.codes + at, args.x + at, scale, Lanes::of(*scale), levels})))
}
#undef LOWBIT_CODEC_ROWS

void encode_exponents(const EncodeExponentsArgs& args) {
  const float* const x = args.x;
  uint8_t* const codes = args.codes;
  const int64_t n = args.n;
  // What is added carries into the exponent where the code goes up; 2^-127 is half of the least normal number.
  const int32_t normal = args.rounding == 0 ? 0 : args.rounding == 1 ? 0x400000 : 0x7FFFFF;
  const int32_t subnormal = args.rounding == 0 ? 0 : args.rounding == 1 ? 0x200000 : 0x3FFFFF;
  const int32_t most = args.saturate ? 254 : 255;
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < n; i++) {
    const int32_t magnitude = static_cast<int32_t>(bits_of(x[i])) & kMagnitude;
    // The sum of the largest finite magnitudes leaves int32.
    const uint32_t added = static_cast<uint32_t>(magnitude < 1 << 23 ? subnormal : normal);
    int32_t code = static_cast<int32_t>((static_cast<uint32_t>(magnitude) + added) >> 23);
    code = code > most ? most : code;
    codes[i] = static_cast<uint8_t>(magnitude >= kInfinityBits ? 255 : code);
  }
}

void decode_exponents(const DecodeExponentsArgs& args) {
  const uint8_t* const codes = args.codes;
  float* const x = args.x;
  const int64_t n = args.n;
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < n; i++) {
    const uint32_t code = codes[i];
    const uint32_t bits = code == 0 ? 0x400000u : code << 23;
    x[i] = float_of(code == 255 ? static_cast<uint32_t>(kNanBits) : bits);
  }
}

// Place p of a byte is at p * bits, or counted from the top.
template <int kBits, bool kHighFirst>
void pack_bytes(const uint8_t* codes, uint8_t* packed, int64_t n) {
  constexpr int kPlaces = 8 / kBits;
  const int64_t whole = n / kPlaces;
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < whole; i++) {
    int byte = 0;
    for (int p = 0; p < kPlaces; p++) byte |= codes[kPlaces * i + p] << kBits * (kHighFirst ? kPlaces - 1 - p : p);
    packed[i] = static_cast<uint8_t>(byte);
  }
  if (n == whole * kPlaces) return;
  int byte = 0;
  for (int p = 0; p < n - whole * kPlaces; p++) {
    byte |= codes[kPlaces * whole + p] << kBits * (kHighFirst ? kPlaces - 1 - p : p);
  }
  packed[whole] = static_cast<uint8_t>(byte);
}

void pack_codes(const PackCodesArgs& args) {
  if (args.bits == 2) return pack_bytes<2, false>(args.codes, args.packed, args.n);
  if (args.high_first) return pack_bytes<4, true>(args.codes, args.packed, args.n);
  pack_bytes<4, false>(args.codes, args.packed, args.n);
}

template <int kBits, bool kHighFirst, bool kSign>
void unpack_bytes(const uint8_t* packed, uint8_t* codes, int64_t n) {
  constexpr int kPlaces = 8 / kBits;
  constexpr int kTop = 1 << (kBits - 1);
  const int64_t whole = n / kPlaces;
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < whole; i++) {
    for (int p = 0; p < kPlaces; p++) {
      const int code = packed[i] >> kBits * (kHighFirst ? kPlaces - 1 - p : p) & (2 * kTop - 1);
      codes[kPlaces * i + p] = static_cast<uint8_t>(kSign ? (code ^ kTop) - kTop : code);
    }
  }
  for (int64_t p = 0; p < n - whole * kPlaces; p++) {
    const int code = packed[whole] >> kBits * (kHighFirst ? kPlaces - 1 - p : p) & (2 * kTop - 1);
    codes[kPlaces * whole + p] = static_cast<uint8_t>(kSign ? (code ^ kTop) - kTop : code);
  }
}

void unpack_codes(const UnpackCodesArgs& args) {
  if (args.bits == 2 && args.sign) return unpack_bytes<2, false, true>(args.packed, args.codes, args.n);
  if (args.bits == 2) return unpack_bytes<2, false, false>(args.packed, args.codes, args.n);
  if (args.high_first) return unpack_bytes<4, true, false>(args.packed, args.codes, args.n);
  if (args.sign) return unpack_bytes<4, false, true>(args.packed, args.codes, args.n);
  unpack_bytes<4, false, false>(args.packed, args.codes, args.n);
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_CODEC_KERNELS(isa)                                                                     \
  namespace lowbit {                                                                                  \
  void encode_f32_f8_##isa(const EncodeFloatArgs& args) { encode_eight_bits(args); }                  \
  void encode_f32_f16_##isa(const EncodeFloatArgs& args) { encode_sixteen_bits<Lanes>(args); }        \
  void decode_f8_f32_##isa(const DecodeFloatArgs& args) { decode_eight_bits(args); }                  \
  void decode_f16_f32_##isa(const DecodeFloatArgs& args) { decode_sixteen_bits<Lanes>(args); }        \
  void encode_f32_i8_##isa(const EncodeIntegerArgs& args) { encode_bytes(args); }                     \
  void encode_f32_i16_##isa(const EncodeIntegerArgs& args) { encode_integer<uint16_t, false>(args); } \
  void decode_i16_f32_##isa(const DecodeIntegerArgs& args) { decode_integer<int16_t>(args); }         \
  void decode_u16_f32_##isa(const DecodeIntegerArgs& args) { decode_integer<uint16_t>(args); }        \
  void encode_f32_u4_##isa(const EncodeLevelArgs& args) { encode_level(args); }                       \
  void decode_u4_f32_##isa(const DecodeLevelArgs& args) { decode_level(args); }                       \
  void encode_exponents_f32_u8_##isa(const EncodeExponentsArgs& args) { encode_exponents(args); }     \
  void decode_exponents_u8_f32_##isa(const DecodeExponentsArgs& args) { decode_exponents(args); }     \
  void pack_codes_u8_u4_##isa(const PackCodesArgs& args) { pack_codes(args); }                        \
  void unpack_codes_u4_u8_##isa(const UnpackCodesArgs& args) { unpack_codes(args); }                  \
  }
