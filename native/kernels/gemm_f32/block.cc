// One block of a float product.
#include "native/kernels/gemm_f32/block.h"

#include <cstring>

#include "native/kernels/pack/blocks.h"
#include "native/plan/op.h"

namespace lowbit {

size_t gemm_f32_block_scratch() { return kAccumulatorBytes; }

void gemm_f32_block(const GemmF32Job& job, const float* a, int64_t a_stride, int64_t rows, int64_t first_panel,
                    int64_t panels, float* y, int64_t y_stride, uint8_t* scratch) {
  const PackedHeader& packed = *job.packed;
  const uint8_t* data = reinterpret_cast<const uint8_t*>(job.packed) + packed.data_offset;
  const int64_t left = packed.n - first_panel * 16;
  const int64_t columns = left < panels * 16 ? left : panels * 16;
  const int64_t whole = columns / 16;
  float* to = y + first_panel * 16;
  const auto product = job.exact ? job.kernels->gemm_unfused_f32 : job.kernels->gemm_f32;

  GemmF32Args args;
  args.a = a;
  args.a_stride = a_stride;
  args.panel_bytes = packed.panel_bytes;
  args.m = rows;
  args.k = packed.k;
  if (whole > 0) {
    args.b = reinterpret_cast<const float*>(data + first_panel * packed.panel_bytes);
    args.panels = whole;
    args.c = to;
    args.c_stride = y_stride;
    product(args);
  }
  if (whole * 16 < columns) {
    float* last = reinterpret_cast<float*>(scratch);
    args.b = reinterpret_cast<const float*>(data + (first_panel + whole) * packed.panel_bytes);
    args.panels = 1;
    args.c = last;
    args.c_stride = 16;
    product(args);
    const size_t bytes = static_cast<size_t>(columns - whole * 16) * 4;
    for (int64_t r = 0; r < rows; ++r) memcpy(to + r * y_stride + whole * 16, last + r * 16, bytes);
  }

  BiasClampArgs epilogue;
  epilogue.y = to;
  epilogue.y_stride = y_stride;
  epilogue.rows = rows;
  epilogue.columns = columns;
  epilogue.bias = job.bias == nullptr ? nullptr : job.bias + first_panel * 16;
  epilogue.lo = job.lo;
  epilogue.hi = job.hi;
  job.kernels->bias_clamp_f32(epilogue);
}

}  // namespace lowbit
