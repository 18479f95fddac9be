// The kernels of weights by group in plain C++: what the other instruction sets must agree with.
#include "native/kernels/gemm_i4/unpack_body.h"
#include "native/kernels/kernels.h"

namespace lowbit {

namespace {

// Sums lie as a line does, 4 values of k for each of 16 columns: compilers vectorize a product of 64 neighbours, and
// only the end of a group adds four apart.
template <int Bits>
void gemm(const GemmGroupsArgs& args) {
  for (int64_t p = 0; p < args.panels; ++p) {
    for (int64_t r = 0; r < args.m; ++r) {
      const int8_t* a = args.a + r * args.a_stride;
      const uint8_t* b = args.b + p * args.panel_bytes;
      float* c = args.c + r * args.c_stride + p * 16;
      float sum[16] = {};
      for (int64_t g = 0; g < args.groups; ++g) {
        const int64_t lines = g + 1 == args.groups ? args.last_lines : args.lines;
        const uint8_t* scale = b;
        int32_t part[64] = {};
        b += 64;
        for (int64_t line = 0; line < lines; ++line, b += 64) {
          for (int step = 0; step < (Bits == 4 ? 2 : 1); ++step, a += 4) {
            int16_t codes[8];
            for (int i = 0; i < 8; ++i) codes[i] = a[i % 4];
            for (int u = 0; u < 64; u += 8) {
              for (int v = 0; v < 8; ++v) {
                const int code = Bits == 4 ? b[u + v] >> (4 * step) & 15 : b[u + v];
                part[u + v] += int32_t{codes[v]} * code;
              }
            }
          }
        }
        const int64_t at = g * args.group_stride + r;
        for (int j = 0; j < 16; ++j) {
          const int32_t zero = args.zero == nullptr ? 1 << (Bits - 1) : args.zero[p * args.zero_stride + g * 16 + j];
          const int32_t total =
              part[4 * j] + part[4 * j + 1] + part[4 * j + 2] + part[4 * j + 3] - zero * args.a_sum[at];
          float column_scale;
          memcpy(&column_scale, scale + 4 * j, 4);
          const float product = static_cast<float>(total) * (args.a_scale[at] * column_scale);
          sum[j] += product;
        }
      }
      for (int j = 0; j < 16; ++j) c[j] = sum[j];
    }
  }
}

// Codes of one group, and their sum.
int32_t encode_group(const float* x, int64_t n, float scale, int8_t* codes) {
  int32_t sum = 0;
  for (int64_t i = 0; i < n; i++) {
    codes[i] = static_cast<int8_t>(round_to_code(x[i] / scale, -128.0f, 127.0f, 0u - kRoundBits));
    sum += codes[i];
  }
  return sum;
}

}  // namespace

void gemm_i8u4_f32_portable(const GemmGroupsArgs& args) { gemm<4>(args); }
void gemm_i8u8_f32_portable(const GemmGroupsArgs& args) { gemm<8>(args); }

void quantize_groups_f32_i8_portable(const QuantizeGroupsArgs& args) {
  for (int64_t r = 0; r < args.rows; r++) {
    const float* x = args.x + r * args.x_stride;
    int8_t* codes = args.codes + r * args.codes_stride;
    int64_t at = r;
    for (int64_t c = 0; c < args.columns; c += args.group_size, at += args.group_stride) {
      const int64_t n = least(args.group_size, args.columns - c);
      float most = 0.0f;
      for (int64_t i = 0; i < n; i++) {
        const float magnitude = x[c + i] < 0.0f ? -x[c + i] : x[c + i];
        most = magnitude > most ? magnitude : most;
      }
      args.scale[at] = (most == 0.0f ? 1.0f : most) / 127.0f;
      args.sum[at] = encode_group(x + c, n, args.scale[at], codes + c);
    }
    for (int64_t c = args.columns; c < args.codes_stride; c++) codes[c] = 0;
  }
}

}  // namespace lowbit

LOWBIT_UNPACK_KERNELS(portable)
