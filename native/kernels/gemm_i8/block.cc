// One block of an int8 product: accumulators into scratch, then the epilogue into the output.
#include "native/kernels/gemm_i8/block.h"

#include <cstring>

#include "native/plan/op.h"

namespace lowbit {

namespace {

constexpr int64_t kMaxRows = kAccumulatorBytes / 64;  // one panel of 16 int32 per row
constexpr int64_t kMaxColumns = kMaxPanels * 16;

// The scratch of a block, in order.
struct Scratch {
  alignas(64) int32_t accumulators[kAccumulatorBytes / 4];
  int32_t offset[kMaxColumns];       // offset - a_zero * column_sum
  int32_t column_zero[kMaxColumns];  // w_zero - w_shift
  int32_t row_sum[kMaxRows];
};

uint32_t bits(int32_t value) { return static_cast<uint32_t>(value); }

// The rows, line by line and segment by segment, into the accumulators. `args` describes the first row in one segment.
void multiply(void (*gemm)(const GemmI8Args&), const GemmI8Rows& rows, const GemmI8Args& args, int32_t* accumulators) {
  const uint8_t* a = static_cast<const uint8_t*>(args.a);
  for (int64_t row = 0; row < rows.rows; row += rows.line_rows, a += rows.line_stride) {
    GemmI8Args line = args;
    line.m = rows.rows - row < rows.line_rows ? rows.rows - row : rows.line_rows;
    line.k = args.k / rows.segments;
    line.c = accumulators + row * args.c_stride;
    for (int64_t s = 0; s < rows.segments; ++s) {
      line.a = a + s * rows.segment_stride;
      line.b = args.b + s * line.k * 16;
      line.accumulate = s > 0;
      gemm(line);
    }
  }
}

}  // namespace

size_t gemm_i8_block_scratch() { return sizeof(Scratch); }

void gemm_i8_block(const GemmI8Job& job, const GemmI8Rows& rows, int64_t first_panel, int64_t panels, void* y,
                   int64_t y_stride, uint8_t* scratch_bytes) {
  Scratch& scratch = *reinterpret_cast<Scratch*>(scratch_bytes);
  const PackedHeader& packed = *job.packed;
  const uint8_t* base = reinterpret_cast<const uint8_t*>(job.packed);
  const int64_t first_column = first_panel * 16;
  const int64_t stride = panels * 16;
  const int64_t left = packed.n - first_column;
  const int64_t columns = left < stride ? left : stride;
  const int32_t* offset = job.offset == nullptr ? nullptr : job.offset + first_column;
  const bool a_signed = job.a_format == kI8;
  const bool asymmetric = job.w_zero != nullptr || packed.w_shift != 0;
  // One zero point for all rows and symmetric weights: sum (a - a_zero) w + offset = sum a*w + (offset - a_zero * sum
  // w).
  const bool folded = !asymmetric && rows.zero_step == 0;

  for (int64_t g = 0; g < packed.groups; ++g) {
    const int64_t first_k = g * packed.group_size;
    const int64_t group_k = packed.k - first_k < packed.group_size ? packed.k - first_k : packed.group_size;
    const bool last = g == packed.groups - 1;
    const int32_t* column_sum =
        reinterpret_cast<const int32_t*>(base + sizeof(PackedHeader)) + g * packed.panels * 16 + first_column;

    GemmI8Args args;
    args.a = rows.a + first_k;
    args.a_stride = rows.stride;
    args.b =
        reinterpret_cast<const int8_t*>(base + packed.data_offset + first_panel * packed.panel_bytes + first_k * 16);
    args.panel_bytes = packed.panel_bytes;
    args.column_sum = column_sum;
    args.panels = panels;
    args.k = last ? rows.k_readable - first_k : group_k;
    args.c_stride = stride;
    multiply(a_signed ? job.kernels->gemm_i8i8_i32 : job.kernels->gemm_u8i8_i32, rows, args, scratch.accumulators);

    const int32_t* epilogue_offset = nullptr;
    const int32_t a_zero = rows.zero == nullptr ? 0 : rows.zero[0];
    if (folded && a_zero == 0) {
      epilogue_offset = offset;
    } else if (folded) {
      for (int64_t j = 0; j < columns; ++j) {
        const uint32_t start = offset == nullptr ? 0 : bits(offset[j]);
        scratch.offset[j] = static_cast<int32_t>(start - bits(a_zero) * bits(column_sum[j]));
      }
      epilogue_offset = scratch.offset;
    }
    if (!folded || (job.y_format == kI32 && epilogue_offset != nullptr)) {
      CorrectArgs correct;
      correct.acc = scratch.accumulators;
      correct.acc_stride = stride;
      correct.rows = rows.rows;
      correct.columns = columns;
      correct.offset = folded ? epilogue_offset : offset;
      correct.row_zero = folded ? nullptr : rows.zero;
      correct.row_zero_step = rows.zero_step;
      correct.column_sum = column_sum;
      correct.column_zero = nullptr;
      correct.row_sum = nullptr;
      correct.k = static_cast<int32_t>(group_k);
      if (asymmetric) {
        const int32_t* w_zero = job.w_zero == nullptr ? nullptr : job.w_zero + g * packed.n + first_column;
        for (int64_t j = 0; j < columns; ++j) {
          scratch.column_zero[j] =
              static_cast<int32_t>((w_zero == nullptr ? 0u : bits(w_zero[j])) - bits(packed.w_shift));
        }
        correct.column_zero = scratch.column_zero;
        RowSumArgs sum;
        sum.codes = rows.a + first_k;
        sum.stride = rows.stride;
        sum.rows = rows.rows;
        sum.columns = group_k;
        sum.sum = scratch.row_sum;
        (a_signed ? job.kernels->row_sum_i8_i32 : job.kernels->row_sum_u8_i32)(sum);
        correct.row_sum = scratch.row_sum;
      }
      job.kernels->correct_i32(correct);
      epilogue_offset = nullptr;
    }

    if (job.y_format == kI32) {
      int32_t* to = static_cast<int32_t*>(y) + first_column;
      for (int64_t r = 0; r < rows.rows; ++r) {
        memcpy(to + r * y_stride, scratch.accumulators + r * stride, static_cast<size_t>(columns) * 4);
      }
    } else if (job.y_format == kF32) {
      DequantizeAccumulatorArgs out;
      out.acc = scratch.accumulators;
      out.acc_stride = stride;
      out.y = static_cast<float*>(y) + first_column;
      out.y_stride = y_stride;
      out.rows = rows.rows;
      out.columns = columns;
      out.offset = epilogue_offset;
      out.row_scale = rows.scale;
      out.row_scale_step = rows.scale_step;
      out.column_scale = job.multiplier + g * packed.n + first_column * job.multiplier_step;
      out.column_scale_step = job.multiplier_step;
      out.bias = job.bias == nullptr ? nullptr : job.bias + first_column;
      out.lo = job.lo;
      out.hi = job.hi;
      out.accumulate = g > 0;
      out.last = last;
      job.kernels->dequantize_accumulator_i32_f32(out);
    } else {
      RequantizeArgs out;
      out.acc = scratch.accumulators;
      out.acc_stride = stride;
      out.y = static_cast<uint8_t*>(y) + first_column;
      out.y_stride = y_stride;
      out.rows = rows.rows;
      out.columns = columns;
      out.offset = epilogue_offset;
      out.multiplier = job.multiplier + first_column * job.multiplier_step;
      out.multiplier_step = job.multiplier_step;
      out.zero_point = job.y_zero_point;
      out.qlo = job.qlo;
      out.qhi = job.qhi;
      (job.y_format == kI8 ? job.kernels->requantize_i32_i8 : job.kernels->requantize_i32_u8)(out);
    }
  }
}

}  // namespace lowbit
