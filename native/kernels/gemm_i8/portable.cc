// The int8 products in portable C++: the definition that the other files are compared with.
#include "native/kernels/kernels.h"
#include "native/kernels/loop.h"

namespace lowbit {

namespace {

// Partial sums lie as the panel does, 4 values of k for each of 16 columns: compilers vectorize a product of 64
// neighbours, and only the end adds four apart.
template <typename Code>
void gemm(const GemmI8Args& args) {
  for (int64_t r = 0; r < args.m; ++r) {
    const Code* a = static_cast<const Code*>(args.a) + r * args.a_stride;
    for (int64_t p = 0; p < args.panels; ++p) {
      const int8_t* b = args.b + p * args.panel_bytes;
      uint32_t part[64] = {};  // unsigned: wraps
      for (int64_t k = 0; k < args.k; k += 4, b += 64) {
        int16_t codes[8] = {};  // what lies behind k meets zero weights
        const int64_t depth = args.k - k < 4 ? args.k - k : 4;
        for (int64_t i = 0; i < depth; ++i) codes[i] = codes[i + 4] = a[k + i];
        for (int u = 0; u < 64; u += 8) {
          for (int v = 0; v < 8; ++v) part[u + v] += static_cast<uint32_t>(int32_t{codes[v]} * int16_t{b[u + v]});
        }
      }
      int32_t* c = args.c + r * args.c_stride + p * 16;
      for (int j = 0; j < 16; ++j) {
        const uint32_t before = args.accumulate ? static_cast<uint32_t>(c[j]) : 0;
        c[j] = static_cast<int32_t>(before + part[4 * j] + part[4 * j + 1] + part[4 * j + 2] + part[4 * j + 3]);
      }
    }
  }
}

// acc of the contract for one row and the 16 columns of a panel.
template <typename Code>
void accumulate(const GemmI8Product& product, int64_t row, int64_t panel, int32_t* acc) {
  const Code* a = static_cast<const Code*>(product.a) + row * product.a_stride;
  const int8_t* b = product.b + panel * product.panel_bytes;
  const int32_t* column_sum = product.column_sum + 16 * panel;
  GemmI8Args args = {a, 0, b, 0, column_sum, 1, 1, product.k, acc, 16, false};
  for (int64_t s = 0; s < product.segments; ++s) {
    gemm<Code>(args);
    args.a = a += product.segment_stride;
    args.b += product.k * 16;
    args.accumulate = true;
  }
  const uint32_t zero =
      product.row_zero == nullptr ? 0 : static_cast<uint32_t>(product.row_zero[row * product.row_zero_step]);
  const uint32_t term = product.column_zero == nullptr ? 0 : static_cast<uint32_t>(product.row_term[row]);
  const int64_t columns = least(16, product.columns - 16 * panel);
  for (int64_t j = 0; j < columns; ++j) {
    const int64_t column = 16 * panel + j;
    uint32_t sum = static_cast<uint32_t>(acc[j]) - zero * static_cast<uint32_t>(column_sum[j]);
    if (product.offset != nullptr) sum += static_cast<uint32_t>(product.offset[column]);
    if (product.column_zero != nullptr) sum += term * static_cast<uint32_t>(product.column_zero[column]);
    acc[j] = static_cast<int32_t>(sum);
  }
}

template <typename Code>
void gemm_codes(const GemmI8CodesArgs& args) {
  const float lo = static_cast<float>(static_cast<int64_t>(args.qlo) - args.zero_point);
  const float hi = static_cast<float>(static_cast<int64_t>(args.qhi) - args.zero_point);
  const uint32_t add = static_cast<uint32_t>(args.zero_point) - kRoundBits;
  for (int64_t r = 0; r < args.product.m; ++r) {
    uint8_t* y = static_cast<uint8_t*>(args.y) + r * args.y_stride;
    for (int64_t c = 0; c < args.product.columns; c += 16) {
      int32_t acc[16];
      accumulate<Code>(args.product, r, c / 16, acc);
      for (int64_t j = 0; j < least(16, args.product.columns - c); ++j) {
        const float multiplier = args.multiplier[(c + j) * args.multiplier_step];
        y[c + j] = round_to_code(static_cast<float>(acc[j]) * multiplier, lo, hi, add);
      }
    }
  }
}

template <typename Code>
void gemm_add(const GemmI8AddArgs& args) {
  const GemmI8CodesArgs& codes = args.codes;
  const float code_lo = static_cast<float>(codes.qlo - codes.zero_point);
  const float code_hi = static_cast<float>(codes.qhi - codes.zero_point);
  const float lo = static_cast<float>(args.qlo - args.zero_point), hi = static_cast<float>(args.qhi - args.zero_point);
  const int32_t flip = args.added_signed ? 0x80 : 0;  // added codes as unsigned ones, 128 more
  for (int64_t r = 0; r < codes.product.m; ++r) {
    const uint8_t* added = static_cast<const uint8_t*>(args.added) + r * args.added_stride;
    uint8_t* y = static_cast<uint8_t*>(args.y) + r * args.y_stride;
    for (int64_t c = 0; c < codes.product.columns; c += 16) {
      int32_t acc[16];
      accumulate<Code>(codes.product, r, c / 16, acc);
      for (int64_t j = 0; j < least(16, codes.product.columns - c); ++j) {
        const float product = static_cast<float>(acc[j]) * codes.multiplier[(c + j) * codes.multiplier_step];
        float code = product > code_lo ? product : code_lo;
        code = code < code_hi ? code : code_hi;
        code = (code + kRound) - kRound;  // rounded
        const int32_t other = (added[c + j] ^ flip) - flip - args.added_zero;
        const float v = code * args.ratio + static_cast<float>(other) * args.added_ratio;
        y[c + j] = round_to_code(v, lo, hi, static_cast<uint32_t>(args.zero_point) - kRoundBits);
      }
    }
  }
}

template <typename Code>
void gemm_floats(const GemmI8FloatsArgs& args) {
  for (int64_t r = 0; r < args.product.m; ++r) {
    float* y = args.y + r * args.y_stride;
    const float row_scale = args.row_scale == nullptr ? 1.0f : args.row_scale[r * args.row_scale_step];
    for (int64_t c = 0; c < args.product.columns; c += 16) {
      int32_t acc[16];
      accumulate<Code>(args.product, r, c / 16, acc);
      for (int64_t j = 0; j < least(16, args.product.columns - c); ++j) {
        float v = static_cast<float>(acc[j]) * (row_scale * args.column_scale[(c + j) * args.column_scale_step]);
        if (args.bias != nullptr) v = v + args.bias[c + j];
        v = v < args.lo ? args.lo : v;
        y[c + j] = v > args.hi ? args.hi : v;
      }
    }
  }
}

}  // namespace

void gemm_u8i8_i32_portable(const GemmI8Args& args) { gemm<uint8_t>(args); }
void gemm_i8i8_i32_portable(const GemmI8Args& args) { gemm<int8_t>(args); }
void gemm_u8i8_u8_portable(const GemmI8CodesArgs& args) { gemm_codes<uint8_t>(args); }
void gemm_u8i8_i8_portable(const GemmI8CodesArgs& args) { gemm_codes<uint8_t>(args); }
void gemm_i8i8_u8_portable(const GemmI8CodesArgs& args) { gemm_codes<int8_t>(args); }
void gemm_i8i8_i8_portable(const GemmI8CodesArgs& args) { gemm_codes<int8_t>(args); }
void gemm_add_u8i8_u8_portable(const GemmI8AddArgs& args) { gemm_add<uint8_t>(args); }
void gemm_add_u8i8_i8_portable(const GemmI8AddArgs& args) { gemm_add<uint8_t>(args); }
void gemm_add_i8i8_u8_portable(const GemmI8AddArgs& args) { gemm_add<int8_t>(args); }
void gemm_add_i8i8_i8_portable(const GemmI8AddArgs& args) { gemm_add<int8_t>(args); }
void gemm_u8i8_f32_portable(const GemmI8FloatsArgs& args) { gemm_floats<uint8_t>(args); }
void gemm_i8i8_f32_portable(const GemmI8FloatsArgs& args) { gemm_floats<int8_t>(args); }

}  // namespace lowbit
