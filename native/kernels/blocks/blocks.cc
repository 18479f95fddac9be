// The operations encode_blocks and decode_blocks of a plan.
#include "native/kernels/blocks/blocks.h"

#include <atomic>

#include "native/kernels/chunks.h"
#include "native/kernels/codec/float_format.h"

namespace lowbit {
namespace {

int32_t floats_of_block(int32_t kind) { return kind == nvfp4 ? 16 : 32; }

// The bytes of a block; 0 for bits that the kind does not have.
int32_t bytes_of_block(int32_t kind, int32_t bits) {
  const bool nibbles = bits == 4 || bits == 5;
  const int32_t halves = bits == 5 ? 4 + 16 : 16;
  switch (kind) {
    case mx_float:
      return bits == 4 || bits == 6 || bits == 8 ? 1 + 4 * bits : 0;
    case mx_integer:
      return bits == 8 ? 33 : 0;
    case nvfp4:
      return bits == 4 ? 9 : 0;
    case half_bytes:
      return bits == 8 ? 34 : 0;
    case half_centred:
      return nibbles ? 2 + halves : 0;
    case half_offset:
      return nibbles ? 4 + halves : 0;
    default:
      return bits == 4 ? 18 : 0;
  }
}

bool has_element(int32_t kind) { return kind == mx_float || kind == nvfp4; }

template <typename Fields>
void check_blocks(const Fields& op, PlanCheck& check) {
  check.range(op.kind, mx_float, half_levels);
  check.range(op.count, 0, INT32_MAX);
  const int32_t bytes = bytes_of_block(op.kind, op.bits);
  if (!check.ok() || !check.that(bytes > 0)) return;
  check.buffer(op.x, checked_product(op.count, floats_of_block(op.kind)), 4);
  check.buffer(op.codes, checked_product(op.count, bytes), 1);
  if (op.kind == nvfp4) check.buffer(op.scale, 1, 4);
  // No infinity has a code that elements are bounded by.
  if (has_element(op.kind)) check.that(checked_float_bits(op, check) == op.bits && op.negative_zero == 1);
}

template <typename Fields>
BlockFormat format_of(const Fields& op, const RunContext& run) {
  BlockFormat format = {op.kind, op.bits, bytes_of_block(op.kind, op.bits), {}, 1.0f, nullptr, nullptr};
  if (has_element(op.kind)) format.element = float_format_of(op);
  if (op.kind == nvfp4) format.tensor_scale = *run.buffer<float>(op.scale);
  format.levels = run.buffer<float>(op.levels);
  return format;
}

// Calls step(first block, blocks) for all of them, spread over the threads.
template <typename Fields, typename Step>
void for_each_part(const Fields& op, const RunContext& run, const Step& step) {
  const int64_t bytes = 4 * floats_of_block(op.kind) + bytes_of_block(op.kind, op.bits);
  const Chunks chunks = cut(op.count, bytes, 4);
  auto task = [&](int64_t t, int) { step(chunks.begin(t), chunks.end(t, op.count) - chunks.begin(t)); };
  run.parallel(chunks.count, task);
}

}  // namespace

void check_encode_blocks(const encode_blocks_fields& op, PlanCheck& check) {
  check_blocks(op, check);
  check.buffer(op.refused, 1, 4);
  if (op.kind != half_levels) return;
  check.buffer(op.levels, kLevels, 4);
  check.buffer(op.thresholds, kLevels - 1, 4);
}
size_t scratch_encode_blocks(const encode_blocks_fields&, const Dispatch&) { return 0; }

Status run_encode_blocks(const encode_blocks_fields& op, const RunContext& run) {
  BlockFormat format = format_of(op, run);
  format.thresholds = run.buffer<float>(op.thresholds);
  const float* const x = run.buffer<float>(op.x);
  uint8_t* const blocks = run.buffer<uint8_t>(op.codes);
  const int64_t floats = floats_of_block(op.kind);
  std::atomic<int64_t> first(INT64_MAX);
  auto step = [&](int64_t begin, int64_t count) {
    int64_t refused = -1;
    run.kernels->encode_blocks_f32_u8(
        {x + begin * floats, blocks + begin * format.block_bytes, count, format, &refused});
    if (refused < 0) return;
    int64_t known = first.load(std::memory_order_relaxed);
    while (begin + refused < known && !first.compare_exchange_weak(known, begin + refused)) {
    }
  };
  for_each_part(op, run, step);
  const int64_t found = first.load();
  *run.buffer<int32_t>(op.refused) = found == INT64_MAX ? -1 : static_cast<int32_t>(found);
  return Status::ok;
}

void check_decode_blocks(const decode_blocks_fields& op, PlanCheck& check) {
  check_blocks(op, check);
  if (op.kind == half_levels || (has_element(op.kind) && op.bits == 4)) check.buffer(op.levels, kLevels, 4);
}
size_t scratch_decode_blocks(const decode_blocks_fields&, const Dispatch&) { return 0; }

Status run_decode_blocks(const decode_blocks_fields& op, const RunContext& run) {
  const BlockFormat format = format_of(op, run);
  const uint8_t* const blocks = run.buffer<uint8_t>(op.codes);
  float* const x = run.buffer<float>(op.x);
  const int64_t floats = floats_of_block(op.kind);
  auto step = [&](int64_t begin, int64_t count) {
    run.kernels->decode_blocks_u8_f32({blocks + begin * format.block_bytes, x + begin * floats, count, format});
  };
  for_each_part(op, run, step);
  return Status::ok;
}

}  // namespace lowbit
