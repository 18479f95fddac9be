// The operation dequantize of a plan.
#include "native/kernels/quantize/geometry.h"
#include "native/plan/op.h"

namespace lowbit {

void check_dequantize(const dequantize_fields& op, PlanCheck& check) {
  check.that(op.format == kU8 || op.format == kI8 || op.format == kI32);
  check_geometry(op, op.codes, op.format == kI32 ? 4 : 1, op.x, 4, check);
}

size_t scratch_dequantize(const dequantize_fields&, const Dispatch&) { return 0; }

Status run_dequantize(const dequantize_fields& op, const RunContext& run) {
  const Dispatch& kernels = *run.kernels;
  void (*kernel)(const DequantizeArgs&) = op.format == kU8   ? kernels.dequantize_u8_f32
                                          : op.format == kI8 ? kernels.dequantize_i8_f32
                                                             : kernels.dequantize_i32_f32;
  const int64_t code_bytes = op.format == kI32 ? 4 : 1;
  const uint8_t* codes = run.buffer<uint8_t>(op.codes);
  float* x = run.buffer<float>(op.x);
  const float* scale = run.buffer<float>(op.scale);
  const int32_t* zero = run.buffer<int32_t>(op.zero_point);
  const bool streams = streams_past_caches(op, code_bytes + 4);
  auto body = [&](const Piece& piece) {
    kernel({codes + piece.offset * code_bytes, piece.stride, x + piece.offset, piece.stride, piece.rows, piece.columns,
            scale + piece.parameter, zero == nullptr ? nullptr : zero + piece.parameter, piece.row_step,
            piece.column_step, streams});
  };
  for_each_piece(op, run, code_bytes + 4, body);
  return Status::ok;
}

}  // namespace lowbit
