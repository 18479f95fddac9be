// The operations of a plan that encode and decode elements: floats, integers, levels and exponents.
#include "native/kernels/codec/float_format.h"
#include "native/kernels/codec/stretches.h"

namespace lowbit {
namespace {

template <typename Fields>
void check_elements(const Fields& op, int32_t floats, int32_t bits, PlanCheck& check) {
  const int64_t parameters = checked_parameters(op, check);
  const int64_t n = checked_product(op.outer, op.axis, op.inner);
  if (!check.that(n >= 0 && n <= INT64_MAX / 16)) return;
  check.buffer(floats, n, 4);
  check.buffer(op.codes, (n * bits + 7) / 8, 1);
  check.buffer(op.scale, parameters, 4);
}

// step(stretch, address of its codes) for all; codes of fewer than 8 bits are packed behind it.
template <typename Fields, typename Step>
void encode_all(const Fields& op, const RunContext& run, int32_t bits, bool high_first, const Step& step) {
  uint8_t* const codes = run.buffer<uint8_t>(op.codes);
  auto encode = [&](const Stretch& s, uint8_t* bytes) {
    step(s, bytes != nullptr ? bytes : codes + s.begin * (bits / 8));
  };
  auto nothing = [](int64_t, int64_t, uint8_t*) {};
  auto pack = [&](int64_t begin, int64_t n, const uint8_t* bytes) {
    run.kernels->pack_codes_u8_u4({bytes, codes + begin * bits / 8, n, bits, high_first});
  };
  for_each_stretch(op, run, bits, encode, nothing, pack);
}

// The same for decoding: packed codes are unpacked before it.
template <typename Fields, typename Step>
void decode_all(const Fields& op, const RunContext& run, int32_t bits, bool high_first, bool sign, const Step& step) {
  const uint8_t* const codes = run.buffer<uint8_t>(op.codes);
  auto decode = [&](const Stretch& s, const uint8_t* bytes) {
    step(s, bytes != nullptr ? bytes : codes + s.begin * (bits / 8));
  };
  auto unpack = [&](int64_t begin, int64_t n, uint8_t* bytes) {
    run.kernels->unpack_codes_u4_u8({codes + begin * bits / 8, bytes, n, bits, high_first, sign});
  };
  auto nothing = [](int64_t, int64_t, uint8_t*) {};
  for_each_stretch(op, run, bits, decode, unpack, nothing);
}

template <typename Fields>
void check_element_float(const Fields& op, PlanCheck& check) {
  const int32_t bits = checked_float_bits(op, check);
  if (check.that(bits == 4 || bits == 8 || bits == 16)) check_elements(op, op.x, bits, check);
}

template <typename Fields>
void check_element_integer(const Fields& op, PlanCheck& check) {
  check.range(op.sign, 0, 1);
  if (!check.that(op.bits == 2 || op.bits == 4 || op.bits == 16)) return;
  check_elements(op, op.x, op.bits, check);
  check.buffer(op.zero_point, checked_parameters(op, check), 4);
}

}  // namespace

void check_encode_float(const encode_float_fields& op, PlanCheck& check) { check_element_float(op, check); }
size_t scratch_encode_float(const encode_float_fields&, const Dispatch&) { return 0; }

Status run_encode_float(const encode_float_fields& op, const RunContext& run) {
  const FloatFormat format = float_format_of(op);
  const int32_t bits = 1 + op.exponent + op.mantissa;
  auto kernel = bits == 16 ? run.kernels->encode_f32_f16 : run.kernels->encode_f32_f8;
  const float* const x = run.buffer<float>(op.x);
  const float* const scale = run.buffer<float>(op.scale);
  auto step = [&](const Stretch& s, uint8_t* codes) {
    kernel({x + s.begin, codes, s.rows, s.columns, scale + s.parameter, s.row_step, s.column_step, format});
  };
  encode_all(op, run, bits, false, step);
  return Status::ok;
}

void check_decode_float(const decode_float_fields& op, PlanCheck& check) { check_element_float(op, check); }
size_t scratch_decode_float(const decode_float_fields&, const Dispatch&) { return 0; }

Status run_decode_float(const decode_float_fields& op, const RunContext& run) {
  const FloatFormat format = float_format_of(op);
  const int32_t bits = 1 + op.exponent + op.mantissa;
  auto kernel = bits == 16 ? run.kernels->decode_f16_f32 : run.kernels->decode_f8_f32;
  float* const x = run.buffer<float>(op.x);
  const float* const scale = run.buffer<float>(op.scale);
  auto step = [&](const Stretch& s, const uint8_t* codes) {
    kernel({codes, x + s.begin, s.rows, s.columns, scale + s.parameter, s.row_step, s.column_step, format});
  };
  decode_all(op, run, bits, false, false, step);
  return Status::ok;
}

void check_encode_integer(const encode_integer_fields& op, PlanCheck& check) {
  check_element_integer(op, check);
  check.range(op.wraps, 0, op.bits < 8 ? 1 : 0);
}
size_t scratch_encode_integer(const encode_integer_fields&, const Dispatch&) { return 0; }

Status run_encode_integer(const encode_integer_fields& op, const RunContext& run) {
  auto kernel = op.bits == 16 ? run.kernels->encode_f32_i16 : run.kernels->encode_f32_i8;
  const int32_t qmin = op.sign != 0 ? -(1 << (op.bits - 1)) : 0, qmax = qmin + (1 << op.bits) - 1;
  const float* const x = run.buffer<float>(op.x);
  const float* const scale = run.buffer<float>(op.scale);
  const int32_t* const zero = run.buffer<int32_t>(op.zero_point);
  auto step = [&](const Stretch& s, uint8_t* codes) {
    kernel({x + s.begin, codes, s.rows, s.columns, scale + s.parameter, zero + s.parameter, s.row_step, s.column_step,
            op.bits, qmin, qmax, op.wraps != 0});
  };
  encode_all(op, run, op.bits, false, step);
  return Status::ok;
}

void check_decode_integer(const decode_integer_fields& op, PlanCheck& check) { check_element_integer(op, check); }
size_t scratch_decode_integer(const decode_integer_fields&, const Dispatch&) { return 0; }

Status run_decode_integer(const decode_integer_fields& op, const RunContext& run) {
  const Dispatch& kernels = *run.kernels;
  const bool sign = op.sign != 0;
  float* const x = run.buffer<float>(op.x);
  const float* const scale = run.buffer<float>(op.scale);
  const int32_t* const zero = run.buffer<int32_t>(op.zero_point);
  if (op.bits == 16) {
    auto kernel = sign ? kernels.decode_i16_f32 : kernels.decode_u16_f32;
    auto step = [&](const Stretch& s, const uint8_t* codes) {
      kernel(
          {codes, x + s.begin, s.rows, s.columns, scale + s.parameter, zero + s.parameter, s.row_step, s.column_step});
    };
    decode_all(op, run, op.bits, false, sign, step);
    return Status::ok;
  }
  // Unpacked codes are bytes like any others.
  auto kernel = sign ? kernels.dequantize_i8_f32 : kernels.dequantize_u8_f32;
  auto step = [&](const Stretch& s, const uint8_t* codes) {
    kernel({codes, s.columns, x + s.begin, s.columns, s.rows, s.columns, scale + s.parameter, zero + s.parameter,
            s.row_step, s.column_step, false});
  };
  decode_all(op, run, op.bits, false, sign, step);
  return Status::ok;
}

void check_encode_levels(const encode_levels_fields& op, PlanCheck& check) {
  check_elements(op, op.x, 4, check);
  check.buffer(op.thresholds, kLevels - 1, 4);
}
size_t scratch_encode_levels(const encode_levels_fields&, const Dispatch&) { return 0; }

Status run_encode_levels(const encode_levels_fields& op, const RunContext& run) {
  const float* const x = run.buffer<float>(op.x);
  const float* const scale = run.buffer<float>(op.scale);
  const float* const thresholds = run.buffer<float>(op.thresholds);
  auto step = [&](const Stretch& s, uint8_t* codes) {
    run.kernels->encode_f32_u4(
        {x + s.begin, codes, s.rows, s.columns, scale + s.parameter, s.row_step, s.column_step, thresholds});
  };
  encode_all(op, run, 4, true, step);
  return Status::ok;
}

void check_decode_levels(const decode_levels_fields& op, PlanCheck& check) {
  check_elements(op, op.x, 4, check);
  check.buffer(op.levels, kLevels, 4);
}
size_t scratch_decode_levels(const decode_levels_fields&, const Dispatch&) { return 0; }

Status run_decode_levels(const decode_levels_fields& op, const RunContext& run) {
  float* const x = run.buffer<float>(op.x);
  const float* const scale = run.buffer<float>(op.scale);
  const float* const levels = run.buffer<float>(op.levels);
  auto step = [&](const Stretch& s, const uint8_t* codes) {
    run.kernels->decode_u4_f32(
        {codes, x + s.begin, s.rows, s.columns, scale + s.parameter, s.row_step, s.column_step, levels});
  };
  decode_all(op, run, 4, true, false, step);
  return Status::ok;
}

void check_encode_exponents(const encode_exponents_fields& op, PlanCheck& check) {
  check.buffer(op.x, op.n, 4);
  check.buffer(op.codes, op.n, 1);
  check.range(op.rounding, 0, 2);
  check.range(op.saturate, 0, 1);
}
size_t scratch_encode_exponents(const encode_exponents_fields&, const Dispatch&) { return 0; }

Status run_encode_exponents(const encode_exponents_fields& op, const RunContext& run) {
  const float* const x = run.buffer<float>(op.x);
  uint8_t* const codes = run.buffer<uint8_t>(op.codes);
  const Chunks chunks = cut(op.n, 5, 64);
  auto task = [&](int64_t t, int) {
    const int64_t begin = chunks.begin(t), n = chunks.end(t, op.n) - begin;
    run.kernels->encode_exponents_f32_u8({x + begin, codes + begin, n, op.rounding, op.saturate != 0});
  };
  run.parallel(chunks.count, task);
  return Status::ok;
}

void check_decode_exponents(const decode_exponents_fields& op, PlanCheck& check) {
  check.buffer(op.x, op.n, 4);
  check.buffer(op.codes, op.n, 1);
}
size_t scratch_decode_exponents(const decode_exponents_fields&, const Dispatch&) { return 0; }

Status run_decode_exponents(const decode_exponents_fields& op, const RunContext& run) {
  const uint8_t* const codes = run.buffer<uint8_t>(op.codes);
  float* const x = run.buffer<float>(op.x);
  const Chunks chunks = cut(op.n, 5, 64);
  auto task = [&](int64_t t, int) {
    const int64_t begin = chunks.begin(t), n = chunks.end(t, op.n) - begin;
    run.kernels->decode_exponents_u8_f32({codes + begin, x + begin, n});
  };
  run.parallel(chunks.count, task);
  return Status::ok;
}

}  // namespace lowbit
