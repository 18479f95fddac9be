// pack_i4: weights by group into panels of 16 columns, with a header that names the tile.
#include <cstring>

#include "native/kernels/gemm_i4/panels.h"
#include "native/plan/op.h"

namespace lowbit {

namespace {

constexpr int64_t kColumns = 16;  // of a panel

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t round_up(int64_t a, int64_t multiple) { return ceil_div(a, multiple) * multiple; }

// Elements of 4 or 8 bits in memory, the first of a byte in its low half.
struct Elements {
  const uint8_t* bytes;
  int32_t bits;
  uint8_t flip;  // of the sign bit, for signed codes
  uint8_t at(int64_t index) const {
    if (bits == 8) return bytes[index] ^ flip;
    return static_cast<uint8_t>((bytes[index / 2] >> (index % 2 * 4) & 15) ^ flip);
  }
};

// Bytes of elements of which the last is at (a - 1) * a_stride + (b - 1) * b_stride, or -1 when that is absurd.
int64_t span(int32_t bits, int64_t a, int64_t a_stride, int64_t b, int64_t b_stride) {
  const int64_t last = (a - 1) * a_stride + (b - 1) * b_stride;  // two products of int32
  return bits == 4 ? last / 2 + 1 : last + 1;
}

int64_t group_of(const pack_i4_fields& f) { return f.group_size == 0 || f.group_size > f.k ? f.k : f.group_size; }

}  // namespace

bool make_grouped_header(int32_t bits, int64_t k, int64_t n, int64_t group_size, bool zero_points,
                         PackedHeader* header) {
  constexpr int64_t kLimit = INT32_MAX - 64;  // the header stores sizes as int32
  if (k < 1 || n < 1 || k > kLimit || n > kLimit || group_size < 1 || group_size > k) return false;
  if (group_size != k && group_size % 8 != 0) return false;
  const int64_t groups = ceil_div(k, group_size);
  const int64_t panels = ceil_div(n, kColumns);
  const int64_t last_k = k - (groups - 1) * group_size;
  const int64_t lines = (groups - 1) * ceil_div(group_size, line_k(bits)) + ceil_div(last_k, line_k(bits));
  const int64_t panel_bytes = (groups + lines) * 64;
  const int64_t zero_bytes = zero_points ? round_up(checked_product(panels, groups, kColumns), 64) : 0;
  const int64_t data_bytes = checked_product(panels, panel_bytes);
  if (data_bytes < 0 || data_bytes > INT64_MAX / 4) return false;  // more than the bytes of the zero points
  memset(header, 0, sizeof(*header));
  memcpy(header->magic, "LBPK", 4);
  header->tile = bits == 4 ? kTileU4N16K8 : kTileU8N16K4;
  header->k = static_cast<int32_t>(k);
  header->n = static_cast<int32_t>(n);
  header->group_size = static_cast<int32_t>(group_size);
  header->groups = static_cast<int32_t>(groups);
  header->panels = static_cast<int32_t>(panels);
  header->panel_bytes = panel_bytes;
  header->data_offset = static_cast<int64_t>(sizeof(PackedHeader)) + zero_bytes;
  header->total_bytes = header->data_offset + data_bytes;
  return true;
}

GroupedWeights grouped_weights(const void* packed, uint64_t bytes, int32_t bits, int64_t k, int64_t n) {
  GroupedWeights parts = {};
  if (packed == nullptr || bytes < sizeof(PackedHeader)) return parts;
  const PackedHeader* found = static_cast<const PackedHeader*>(packed);
  const bool zero_points = found->data_offset != static_cast<int64_t>(sizeof(PackedHeader));
  PackedHeader wanted;
  if (!make_grouped_header(bits, k, n, found->group_size, zero_points, &wanted)) return parts;
  if (memcmp(found, &wanted, sizeof(wanted)) != 0 || static_cast<uint64_t>(wanted.total_bytes) > bytes) return parts;
  const uint8_t* base = static_cast<const uint8_t*>(packed);
  parts.header = found;
  parts.zero = zero_points ? base + sizeof(PackedHeader) : nullptr;
  parts.zero_stride = int64_t{found->groups} * kColumns;
  parts.panels = base + found->data_offset;
  parts.lines = ceil_div(found->group_size, line_k(bits));
  parts.last_lines = ceil_div(k - int64_t{found->groups - 1} * found->group_size, line_k(bits));
  return parts;
}

void check_pack_i4(const pack_i4_fields& f, PlanCheck& check) {
  if (!check.that(f.k >= 1 && f.n >= 1 && f.group_size >= 0)) return;
  const bool strides = check.that(f.k_stride >= 0 && f.n_stride >= 0) &&
                       check.that(f.scale_group_stride >= 0 && f.scale_n_stride >= 0) &&
                       check.that(f.zero_group_stride >= 0 && f.zero_n_stride >= 0);
  check.that(f.bits == 4 || f.bits == 8);
  check.that(f.zero_bits == 4 || f.zero_bits == 8);
  check.that(f.format == kU8 || f.format == kI8);
  const int64_t group = group_of(f);
  PackedHeader header;
  if (!strides || !check.that(make_grouped_header(f.bits, f.k, f.n, group, f.zero >= 0, &header))) return;
  check.buffer(f.w, span(f.bits, f.k, f.k_stride, f.n, f.n_stride), 1);
  check.buffer(f.scale, span(8, header.groups, f.scale_group_stride, f.n, f.scale_n_stride), 4);
  check.optional(f.zero, span(f.zero_bits, header.groups, f.zero_group_stride, f.n, f.zero_n_stride), 1);
  check.buffer(f.packed, header.total_bytes, 1);
}

size_t scratch_pack_i4(const pack_i4_fields&, const Dispatch&) { return 0; }

Status run_pack_i4(const pack_i4_fields& f, const RunContext& run) {
  PackedHeader header;
  if (!make_grouped_header(f.bits, f.k, f.n, group_of(f), f.zero >= 0, &header)) return Status::bad_plan;
  const bool is_signed = f.format == kI8;
  const uint8_t flip = static_cast<uint8_t>(is_signed ? (f.bits == 4 ? 8 : 128) : 0);
  const Elements w = {run.buffer<const uint8_t>(f.w), f.bits, flip};
  // A signed zero point of 8 bits beside codes of 4 bits is its code sign-extended: the low half says all.
  const uint8_t half = f.bits == 4 ? 15 : 255;
  const Elements zero = {run.buffer<const uint8_t>(f.zero), f.zero_bits, flip};
  const float* scale = run.buffer<const float>(f.scale);
  uint8_t* packed = run.buffer<uint8_t>(f.packed);
  const int64_t k_of_line = line_k(f.bits);
  memcpy(packed, &header, sizeof(header));
  memset(packed + sizeof(header), 0, static_cast<size_t>(header.data_offset) - sizeof(header));

  auto pack_panel = [&](int64_t panel, int) {
    uint8_t* to = packed + header.data_offset + panel * header.panel_bytes;
    const int64_t first = panel * kColumns;
    const int64_t columns = f.n - first < kColumns ? f.n - first : kColumns;
    memset(to, 0, static_cast<size_t>(header.panel_bytes));
    for (int64_t g = 0; g < header.groups; ++g) {
      const int64_t begin = g * header.group_size;
      const int64_t depth = f.k - begin < header.group_size ? f.k - begin : header.group_size;
      float scales[kColumns] = {};
      for (int64_t j = 0; j < columns; ++j) {
        scales[j] = scale[g * f.scale_group_stride + (first + j) * f.scale_n_stride];
        if (f.zero >= 0) {
          const int64_t index = g * f.zero_group_stride + (first + j) * f.zero_n_stride;
          packed[sizeof(header) + static_cast<size_t>((panel * header.groups + g) * kColumns + j)] =
              zero.at(index) & half;
        }
      }
      memcpy(to, scales, sizeof(scales));
      to += 64;
      for (int64_t i = 0; i < depth; ++i) {
        uint8_t* line = to + i / k_of_line * 64 + i % 4;
        const int shift = f.bits == 4 && i % 8 >= 4 ? 4 : 0;
        const int64_t row = (begin + i) * f.k_stride;
        for (int64_t j = 0; j < columns; ++j) {
          line[4 * j] |= static_cast<uint8_t>(w.at(row + (first + j) * f.n_stride) << shift);
        }
      }
      to += ceil_div(depth, k_of_line) * 64;
    }
  };
  run.parallel(header.panels, pack_panel);
  return Status::ok;
}

}  // namespace lowbit
