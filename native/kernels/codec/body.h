// The loops of the codec kernels, compiled once per instruction set. Steps are plain integer arithmetic on the bits of
// floats, which compilers vectorize.
#pragma once

#include "native/kernels/codec/codec.h"
#include "native/kernels/loop.h"

namespace lowbit {
namespace {

// How the scale of a run is found: there is none (it is 1), one for all, or one per column.
enum ScaleKind { kUnit, kOne, kPerColumn };

// 2^exponent, also below the normal numbers.
inline float power_of_two(int32_t exponent) {
  return float_of(exponent >= -126 ? static_cast<uint32_t>(exponent + 127) << 23 : 1u << (exponent + 149));
}

constexpr uint32_t kMagnitude = 0x7FFFFFFFu;
constexpr int32_t kInfinityBits = 0x7F800000;
constexpr int32_t kNanBits = 0x7FC00000;

template <ScaleKind kScale>
inline float divided(float x, const float* scale, float one, int64_t i) {
  return kScale == kUnit ? x : x / (kScale == kOne ? one : scale[i]);
}

template <ScaleKind kScale>
inline float multiplied(float x, const float* scale, float one, int64_t i) {
  return kScale == kUnit ? x : x * (kScale == kOne ? one : scale[i]);
}

template <typename Code, ScaleKind kScale>
void encode_float_run(const float* x, Code* codes, int64_t n, const float* scale, const FloatFormat& f) {
  const float one = *scale;
  const int32_t shift = 23 - f.mantissa;
  const uint32_t rebias = static_cast<uint32_t>(127 - f.bias) << 23;
  const int32_t least_normal = (128 - f.bias) << 23;
  // A sum with this has its unit in the last place at the step between the smallest codes.
  const uint32_t round_bits = static_cast<uint32_t>(128 - f.bias + shift) << 23;
  const float round = float_of(round_bits);
  const uint32_t half = (1u << (shift - 1)) - 1;
  const int32_t sign_bit = 1 << (f.exponent + f.mantissa);
  const int32_t zero_sign = f.negative_zero ? sign_bit : 0;
  const int32_t max = f.max, overflow = f.overflow, nan = f.nan;
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < n; i++) {
    const uint32_t bits = bits_of(divided<kScale>(x[i], scale, one, i));
    const uint32_t magnitude = bits & kMagnitude;
    const uint32_t moved = magnitude - rebias;
    const int32_t normal = static_cast<int32_t>((moved + half + ((moved >> shift) & 1)) >> shift);
    const int32_t small = static_cast<int32_t>(bits_of(float_of(magnitude) + round) - round_bits);
    int32_t code = static_cast<int32_t>(magnitude) < least_normal ? small : normal;
    code = code > max ? overflow : code;
    const int32_t sign = static_cast<int32_t>(bits) >> 31;
    code |= sign & (code == 0 ? zero_sign : sign_bit);
    code = static_cast<int32_t>(magnitude) > kInfinityBits ? nan : code;
    codes[i] = static_cast<Code>(code);
  }
}

template <typename Code, ScaleKind kScale>
void decode_float_run(const Code* codes, float* x, int64_t n, const float* scale, const FloatFormat& f) {
  const float one = *scale;
  const int32_t shift = 23 - f.mantissa;
  const int32_t rebias = (127 - f.bias) << 23;
  // With the exponents of float32 the codes are the upper bits of floats, small ones too; a product with those would be
  // slow on many processors.
  const bool same = f.bias == 127;
  const int32_t least_normal = same ? 0 : 1 << f.mantissa;
  const float unit = same ? 0.0f : power_of_two(1 - f.bias - f.mantissa);
  const int32_t sign_bit = 1 << (f.exponent + f.mantissa);
  const int32_t sign_shift = 31 - f.exponent - f.mantissa;
  const int32_t no_number = f.negative_zero ? -1 : sign_bit;
  const int32_t max = f.max, infinity = f.infinity;
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < n; i++) {
    const int32_t code = codes[i];
    const int32_t rest = code & (sign_bit - 1);
    const int32_t small = static_cast<int32_t>(bits_of(static_cast<float>(rest) * unit));
    int32_t bits = rest < least_normal ? small : (rest << shift) + rebias;
    bits = rest > max ? (rest == infinity ? kInfinityBits : kNanBits) : bits;
    bits |= static_cast<int32_t>(static_cast<uint32_t>(code & sign_bit) << sign_shift);
    bits = code == no_number ? kNanBits : bits;
    x[i] = multiplied<kScale>(float_of(static_cast<uint32_t>(bits)), scale, one, i);
  }
}

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

template <int kCount>
inline int32_t thresholds_below(float v, const float* thresholds) {
  return thresholds_below<kCount - 1>(v, thresholds) + (v > thresholds[kCount - 1] ? 1 : 0);
}
template <>
inline int32_t thresholds_below<0>(float, const float*) {
  return 0;
}

template <ScaleKind kScale>
void encode_level_run(const float* x, uint8_t* codes, int64_t n, const float* scale, const float* given) {
  const float one = *scale;
  float thresholds[kLevels - 1];
  memcpy(thresholds, given, sizeof thresholds);
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < n; i++) {
    float v = divided<kScale>(x[i], scale, one, i);
    v = v == v ? v : 0.0f;
    codes[i] = static_cast<uint8_t>(thresholds_below<kLevels - 1>(v, thresholds));
  }
}

template <ScaleKind kScale>
void decode_level_run(const uint8_t* codes, float* x, int64_t n, const float* scale, const float* given) {
  const float one = *scale;
  float levels[kLevels];
  memcpy(levels, given, sizeof levels);
  LOWBIT_INDEPENDENT
  for (int64_t i = 0; i < n; i++) x[i] = multiplied<kScale>(levels[codes[i] & (kLevels - 1)], scale, one, i);
}

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

template <typename Code>
void encode_float(const EncodeFloatArgs& args) {
  Code* const codes = static_cast<Code*>(args.codes);
  const int64_t n = args.columns;
  LOWBIT_CODEC_ROWS((encode_float_run<Code, kUnit>(args.x + at, codes + at, n, scale, args.format)),
                    (encode_float_run<Code, kOne>(args.x + at, codes + at, n, scale, args.format)),
                    (encode_float_run<Code, kPerColumn>(args.x + at, codes + at, n, scale, args.format)))
}

template <typename Code>
void decode_float(const DecodeFloatArgs& args) {
  const Code* const codes = static_cast<const Code*>(args.codes);
  const int64_t n = args.columns;
  LOWBIT_CODEC_ROWS((decode_float_run<Code, kUnit>(codes + at, args.x + at, n, scale, args.format)),
                    (decode_float_run<Code, kOne>(codes + at, args.x + at, n, scale, args.format)),
                    (decode_float_run<Code, kPerColumn>(codes + at, args.x + at, n, scale, args.format)))
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
  const int64_t n = args.columns;
  LOWBIT_CODEC_ROWS((encode_level_run<kUnit>(args.x + at, args.codes + at, n, scale, args.thresholds)),
                    (encode_level_run<kOne>(args.x + at, args.codes + at, n, scale, args.thresholds)),
                    (encode_level_run<kPerColumn>(args.x + at, args.codes + at, n, scale, args.thresholds)))
}

void decode_level(const DecodeLevelArgs& args) {
  const int64_t n = args.columns;
  LOWBIT_CODEC_ROWS((decode_level_run<kUnit>(args.codes + at, args.x + at, n, scale, args.levels)),
                    (decode_level_run<kOne>(args.codes + at, args.x + at, n, scale, args.levels)),
                    (decode_level_run<kPerColumn>(args.codes + at, args.x + at, n, scale, args.levels)))
}
#undef LOWBIT_CODEC_ROWS

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
  void encode_f32_f8_##isa(const EncodeFloatArgs& args) { encode_float<uint8_t>(args); }              \
  void encode_f32_f16_##isa(const EncodeFloatArgs& args) { encode_float<uint16_t>(args); }            \
  void decode_f8_f32_##isa(const DecodeFloatArgs& args) { decode_float<uint8_t>(args); }              \
  void decode_f16_f32_##isa(const DecodeFloatArgs& args) { decode_float<uint16_t>(args); }            \
  void encode_f32_i8_##isa(const EncodeIntegerArgs& args) { encode_bytes(args); }                     \
  void encode_f32_i16_##isa(const EncodeIntegerArgs& args) { encode_integer<uint16_t, false>(args); } \
  void decode_i16_f32_##isa(const DecodeIntegerArgs& args) { decode_integer<int16_t>(args); }         \
  void decode_u16_f32_##isa(const DecodeIntegerArgs& args) { decode_integer<uint16_t>(args); }        \
  void encode_f32_u4_##isa(const EncodeLevelArgs& args) { encode_level(args); }                       \
  void decode_u4_f32_##isa(const DecodeLevelArgs& args) { decode_level(args); }                       \
  void pack_codes_u8_u4_##isa(const PackCodesArgs& args) { pack_codes(args); }                        \
  void unpack_codes_u4_u8_##isa(const UnpackCodesArgs& args) { unpack_codes(args); }                  \
  }
