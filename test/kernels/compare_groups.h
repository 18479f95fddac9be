// The comparisons of compare_kernels.cc for weights by group: -DGROUPED for the products, with -DFLOATS also for the
// rows.

namespace {

#if defined(GROUPED)
// Weights of 4 or 8 bits in groups of `lines` lines, the last of `last` lines.
void compare_groups(int bits, int64_t m, int64_t panels, int64_t groups, int64_t lines, int64_t last, bool zeros,
                    Codes a_kind, Codes w_kind) {
  const int64_t all_lines = (groups - 1) * lines + last;
  const int64_t line_k = bits == 4 ? 8 : 4;
  const int64_t a_stride = all_lines * line_k;
  const int64_t panel_bytes = (all_lines + groups) * 64;
  const int64_t c_stride = 16 * panels + 1;
  int8_t* a = array<int8_t>(m * a_stride);
  float* a_scale = array<float>(groups * m);
  int32_t* a_sum = array<int32_t>(groups * m);
  uint8_t* b = array<uint8_t>(panels * panel_bytes);
  uint8_t* zero = array<uint8_t>(panels * groups * 16);
  float* wanted = array<float>(m * c_stride);
  float* found = array<float>(m * c_stride);
  for (int64_t i = 0; i < m * a_stride; ++i) a[i] = static_cast<int8_t>(code(a_kind, true));
  for (int64_t i = 0; i < groups * m; ++i) {
    a_scale[i] = static_cast<float>(random_word() % 1000 + 1) * 1e-4f;
    const int64_t g = i / m;
    const int8_t* row = a + i % m * a_stride + g * lines * line_k;
    a_sum[i] = 0;
    for (int64_t j = 0; j < (g + 1 == groups ? last : lines) * line_k; ++j) a_sum[i] += row[j];
  }
  for (int64_t i = 0; i < panels * panel_bytes; ++i) b[i] = code(w_kind, false);
  for (int64_t p = 0; p < panels; ++p) {
    for (int64_t g = 0; g < groups; ++g) {
      float scale[16];
      for (float& value : scale) value = static_cast<float>(static_cast<int32_t>(random_word() % 2001) - 1000) * 1e-3f;
      memcpy(b + p * panel_bytes + g * (lines + 1) * 64, scale, sizeof(scale));
    }
  }
  for (int64_t i = 0; i < panels * groups * 16; ++i) zero[i] = code(Codes::kRandom, false) & (bits == 4 ? 15 : 255);
  for (int64_t i = 0; i < m * c_stride; ++i) wanted[i] = found[i] = 7.0f;
  lowbit::GemmGroupsArgs args = {
      a,           a_stride, a_scale, a_sum,  m,     b,    panel_bytes, zeros ? zero : nullptr,
      groups * 16, m,        panels,  groups, lines, last, wanted,      c_stride};
  (bits == 4 ? lowbit::gemm_i8u4_f32_portable : lowbit::gemm_i8u8_f32_portable)(args);
  args.c = found;
  (bits == 4 ? OF(gemm_i8u4_f32) : OF(gemm_i8u8_f32))(args);
  if (memcmp(wanted, found, static_cast<size_t>(m * c_stride) * 4) != 0) {
    differ(bits == 4 ? "gemm_i8u4_f32" : "gemm_i8u8_f32", m, panels, groups);
  }
  free(a);
  free(a_scale);
  free(a_sum);
  free(b);
  free(zero);
  free(wanted);
  free(found);
}
#endif

#if defined(GROUPED) && defined(FLOATS)
void compare_quantized_groups(int64_t rows, int64_t columns, int64_t group_size) {
  const int64_t stride = (columns + 7) / 8 * 8;
  const int64_t groups = (columns + group_size - 1) / group_size;
  float* x = random_floats(rows * columns);
  int8_t* codes[2];
  float* scale[2];
  int32_t* sum[2];
  for (int i = 0; i < 2; ++i) {
    codes[i] = array<int8_t>(rows * stride);
    scale[i] = array<float>(groups * rows);
    sum[i] = array<int32_t>(groups * rows);
    const lowbit::QuantizeGroupsArgs args = {x,       columns,    codes[i], stride, rows,
                                             columns, group_size, scale[i], sum[i], rows};
    (i == 0 ? lowbit::quantize_groups_f32_i8_portable : OF(quantize_groups_f32_i8))(args);
  }
  const size_t words = static_cast<size_t>(groups * rows) * 4;
  if (memcmp(codes[0], codes[1], static_cast<size_t>(rows * stride)) != 0 || memcmp(scale[0], scale[1], words) != 0 ||
      memcmp(sum[0], sum[1], words) != 0) {
    differ("quantize_groups_f32_i8", rows, columns, group_size);
  }
  free(x);
  for (int i = 0; i < 2; ++i) {
    free(codes[i]);
    free(scale[i]);
    free(sum[i]);
  }
}
#endif

}  // namespace
