// gemm_i8u4_f32 and gemm_i8u8_f32: float results of codes by weights of 4 or 8 bits that have a scale per group of k.
#pragma once

#include <cstdint>

namespace lowbit {

// The codes of the weights are unsigned: u in [0, 15] or [0, 255], of value (u - zero) * scale with a scale, and maybe
// a zero point, for each group of k and column (without one it is the middle, 8 or 128). Panels of 16 columns hold
// their groups one after the other: 16 scales f32, then the lines of the group, 64 bytes each. Byte 4*j + i of a line
// of 8-bit codes is u[4*line + i][j]; of a line of 4-bit codes its low half is u[8*line + i][j] and its high half
// u[8*line + 4 + i][j]. Lines are zero beyond the k of their group and beyond n.

// c[r][j] = sum over the groups g, in order, of f32(f32(S) * f32(a_scale[g][r] * scale[g][j])), each added with one
// rounding to a sum that starts from 0, where S = sum_k a[r][k] * u[k][j] - zero[g][j] * a_sum[g][r] is exact. No fused
// multiply-add, so exact: the same bytes on every ISA. a: codes in [-128, 127], a row has whole lines: bytes behind the
// k of the last group are 0. |S| < 2^31 for groups of up to 65,535 (255 * 128 * k with 8 bits).
struct GemmGroupsArgs {
  const int8_t* a;
  int64_t a_stride;
  const float* a_scale;  // [groups][group_stride], from the first row
  const int32_t* a_sum;  // the same; sums of the codes
  int64_t group_stride;
  const uint8_t* b;  // panels
  int64_t panel_bytes;
  const uint8_t* zero;  // [panels][zero_stride], groups of 16; null: the middle
  int64_t zero_stride;
  int64_t m, panels, groups;
  int64_t lines, last_lines;  // of a group, and of the last one
  float* c;
  int64_t c_stride;  // elements, >= 16 * panels
};

// unpack_u4_f32 and unpack_u8_f32: a part of a panel as floats, w[i][j] = f32(f32(u - zero) * scale) for `k` values of
// k, rows of 16: the tile n16k1 of pack.h. Exact.
struct UnpackGroupsArgs {
  const uint8_t* b;     // of the group that the part begins in
  const uint8_t* zero;  // the same, groups of 16; or null
  int64_t skip;         // values of k of that group before the part: whole lines
  int64_t k, group_size;
  float* w;
};

// quantize_groups_f32_i8: codes of each row by groups of columns. For a group: scale = f32(max|x| / 127), NaN left out
// and a group without anything else but zeros counting as max|x| = 1; codes = clamp(rint(f32(x / scale)), -128, 127),
// NaN giving -128; sum = the sum of the codes. Bytes of a row from `columns` up to codes_stride become 0. scale and sum
// of row r and group g are at [g * group_stride + r]. Exact. Source: the rule of quantize.h with a symmetric scale.
struct QuantizeGroupsArgs {
  const float* x;
  int64_t x_stride;
  int8_t* codes;
  int64_t codes_stride;  // >= columns
  int64_t rows, columns, group_size;
  float* scale;
  int32_t* sum;
  int64_t group_stride;
};

}  // namespace lowbit
