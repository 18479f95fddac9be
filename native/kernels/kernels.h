// Declares every kernel of kernels.inc, and numbers the slots.
#pragma once

#include "native/kernels/blocks/blocks.h"
#include "native/kernels/codec/codec.h"
#include "native/kernels/depthwise/depthwise.h"
#include "native/kernels/depthwise_f32/depthwise_f32.h"
#include "native/kernels/dequantize/dequantize.h"
#include "native/kernels/elementwise/elementwise.h"
#include "native/kernels/gemm_f32/gemm_f32.h"
#include "native/kernels/gemm_half/gemm_half.h"
#include "native/kernels/gemm_i4/gemm_i4.h"
#include "native/kernels/gemm_i8/gemm_i8.h"
#include "native/kernels/normalize/normalize.h"
#include "native/kernels/peak/peak.h"
#include "native/kernels/pool/pool.h"
#include "native/kernels/quantize/quantize.h"
#include "native/kernels/reduce/reduce.h"
#include "native/kernels/requantize/requantize.h"
#include "native/kernels/softmax/softmax.h"
#include "native/kernels/statistics/statistics.h"
#include "native/kernels/transform/transform.h"
#include "native/kernels/unary/unary.h"

namespace lowbit {

// Symbols: <slot>_<isa>. A row whose file is not compiled on this architecture is declared all the same and never used.
#define LOWBIT_KERNEL(slot, arguments, isa, exactness, rows, columns, depth) void slot##_##isa(const arguments& args);
#include "native/kernels/kernels.inc"
#undef LOWBIT_KERNEL

// enum class Slot lists the portable rows, which every slot has.
enum class Slot : int32_t {
#define LOWBIT_KERNEL_portable(slot, arguments) slot,
#define LOWBIT_KERNEL_OTHER(slot, arguments)
#include "native/kernels/slots.h"
  kCount
};
constexpr int32_t kSlots = static_cast<int32_t>(Slot::kCount);

}  // namespace lowbit
