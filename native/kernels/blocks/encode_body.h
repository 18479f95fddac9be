// encode_blocks_f32_u8 over the lanes of an instruction set.
#pragma once

#include "native/kernels/blocks/encode_half.h"
#include "native/kernels/blocks/encode_scaled.h"

namespace lowbit {
namespace {

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
    case nvfp4: {
      const Nvfp4Groups groups{args, ElementSteps(format.element), ElementSteps(kE4m3), ElementValues(kE4m3)};
      return for_groups(args.count, groups);
    }
    case half_bytes:
      return encode_half_blocks<HalfBytes>(args);
    case half_centred:
      if (format.bits == 4) return encode_half_blocks<HalfCentred<4>>(args);
      return encode_half_blocks<HalfCentred<5>>(args);
    case half_offset:
      if (format.bits == 4) return encode_half_blocks<HalfOffset<4>>(args);
      return encode_half_blocks<HalfOffset<5>>(args);
    default:
      return encode_half_levels(args);
  }
}

}  // namespace
}  // namespace lowbit
