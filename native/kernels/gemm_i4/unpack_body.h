// The loops of unpack_u4_f32 and unpack_u8_f32, compiled once per instruction set.
#pragma once

#include "native/kernels/gemm_i4/gemm_i4.h"
#include "native/kernels/loop.h"

namespace lowbit {
namespace {

// A line is 16 words, one per column: every k of it is a shift and a mask of all of them.
template <int Bits>
void unpack_panel(const UnpackGroupsArgs& args) {
  constexpr int kPerLine = Bits == 4 ? 8 : 4;
  const uint8_t* b = args.b;
  const uint8_t* zero = args.zero;
  float* w = args.w;
  int64_t skip = args.skip;
  for (int64_t done = 0, depth; done < args.k; done += depth, skip = 0) {
    depth = least(args.group_size - skip, args.k - done);
    float scale[16];
    int32_t zeros[16];
    memcpy(scale, b, sizeof(scale));
    for (int j = 0; j < 16; ++j) zeros[j] = zero == nullptr ? 1 << (Bits - 1) : zero[j];
    b += 64 + skip / kPerLine * 64;
    for (int64_t k = 0; k < depth; k += kPerLine, b += 64) {
      uint32_t words[16];
      memcpy(words, b, sizeof(words));
      const int64_t rows = least(kPerLine, depth - k);
      for (int64_t i = 0; i < rows; ++i, w += 16) {
        const int shift = static_cast<int>(i % 4 * 8 + i / 4 * 4);
        for (int j = 0; j < 16; ++j) {
          const int32_t code = static_cast<int32_t>(words[j] >> shift & ((1u << Bits) - 1));
          w[j] = static_cast<float>(code - zeros[j]) * scale[j];
        }
      }
    }
    if (zero != nullptr) zero += 16;
  }
}

}  // namespace
}  // namespace lowbit

#define LOWBIT_UNPACK_KERNELS(isa)                                                  \
  namespace lowbit {                                                                \
  void unpack_u4_f32_##isa(const UnpackGroupsArgs& args) { unpack_panel<4>(args); } \
  void unpack_u8_f32_##isa(const UnpackGroupsArgs& args) { unpack_panel<8>(args); } \
  }
