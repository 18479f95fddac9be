// The block kernels over the lanes of an instruction set.
#pragma once

#include "native/kernels/blocks/decode_body.h"
#include "native/kernels/blocks/encode_body.h"

#define LOWBIT_BLOCKS_KERNELS(isa)                                                       \
  namespace lowbit {                                                                     \
  void encode_blocks_f32_u8_##isa(const EncodeBlocksArgs& args) { encode_blocks(args); } \
  void decode_blocks_u8_f32_##isa(const DecodeBlocksArgs& args) { decode_blocks(args); } \
  }
