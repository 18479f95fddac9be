// Depthwise convolutions that end in codes without passing through accumulators in memory.
#pragma once

#include "native/kernels/conv/conv.h"

namespace lowbit {

// Bytes of scratch of a worker.
size_t depthwise_lines_scratch(const ConvShape& shape);

// Does the operation if the chosen instruction set has kernels for it and the numbers allow them; else false.
bool run_depthwise_lines(const depthwise_i8_fields& f, const ConvShape& shape, int32_t x_zero, const RunContext& run);

}  // namespace lowbit
