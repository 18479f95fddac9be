// Small float formats over the lanes of an instruction set: floats to codes and back. Include behind the lanes.
#pragma once

#include "native/kernels/codec/float_step.h"
#include "native/kernels/lanes.h"

namespace lowbit {
namespace {

// What elements are bounded by, far beyond all formats of at most 8 bits, and before the sums of ElementSteps overflow.
constexpr float kBeyondElements = 1e20f;

// Codes of a small float format, saturated; |v| <= kBeyondElements.
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

// The values of small floats; as DecodeFloatStep.
struct ElementValues {
  int32_t shift, sign_shift;
  I rest_of, sign, rebias, infinity_bits, nan_bits;
  F unit, least_normal, max, infinity;

  explicit ElementValues(const FloatFormat& f)
      : shift(23 - f.mantissa),
        sign_shift(31 - f.exponent - f.mantissa),
        rest_of(Lanes::of((1 << (f.exponent + f.mantissa)) - 1)),
        sign(Lanes::of(1 << (f.exponent + f.mantissa))),
        rebias(Lanes::of((127 - f.bias) << 23)),
        infinity_bits(Lanes::of(kInfinityBits)),
        nan_bits(Lanes::of(kNanBits)),
        unit(Lanes::of(power_of_two(1 - f.bias - f.mantissa))),
        least_normal(Lanes::of(static_cast<float>(1 << f.mantissa))),
        max(Lanes::of(static_cast<float>(f.max))),
        infinity(Lanes::of(static_cast<float>(f.infinity + 1))) {}

  // A code as a number decides: subnormal, normal, infinite (the one below `infinity`, where there is one), NaN.
  inline F values(I code) const {
    const I rest = Lanes::bit_and(code, rest_of);
    const F number = Lanes::to_float(rest), small = Lanes::mul(number, unit);
    const F normal = Lanes::floats(Lanes::add(Lanes::shift_left(rest, shift), rebias));
    const F none = Lanes::where_less(number, infinity, Lanes::floats(infinity_bits), Lanes::floats(nan_bits));
    const F finite = Lanes::where_less(number, least_normal, small, normal);
    const I bits = Lanes::bits(Lanes::where_less(max, number, none, finite));
    return Lanes::floats(Lanes::bit_or(bits, Lanes::shift_left(Lanes::bit_and(code, sign), sign_shift)));
  }
};

}  // namespace
}  // namespace lowbit
