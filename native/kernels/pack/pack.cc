// pack_i8, pack_f32 and pack_half: weights into panels of 16 columns, with a header that names the tile.
#include "native/kernels/pack/pack.h"

#include <cstring>

#include "native/kernels/gemm_half/widen.h"
#include "native/plan/op.h"

namespace lowbit {

namespace {

constexpr int64_t kColumns = 16;     // of a panel
constexpr int64_t kGroupBytes = 64;  // of the i8 tile: 4 values of k for 16 columns; of the f32 tile: 1 value of k

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The header of a k x n matrix, or false when a size overflows or is not positive.
bool make_header(PackedTile tile, int64_t k, int64_t n, int64_t group_size, PackedHeader* header) {
  constexpr int64_t kLimit = INT32_MAX - 64;  // the header stores sizes as int32
  if (k < 1 || n < 1 || k > kLimit || n > kLimit || group_size < 1 || group_size > k) return false;
  const int64_t groups = ceil_div(k, group_size);
  const int64_t panels = ceil_div(n, kColumns);
  const bool i8 = tile == kTileI8N16K4;
  const int64_t panel_bytes = (i8 ? ceil_div(k, 4) : tile == kTileF32N16K1 ? k : ceil_div(k, 2)) * kGroupBytes;
  const int64_t sum_bytes = i8 ? checked_product(groups, panels, kColumns * 4) : 0;
  const int64_t data_bytes = checked_product(panels, panel_bytes);
  if (sum_bytes < 0 || data_bytes < 0 || sum_bytes > INT64_MAX / 4 || data_bytes > INT64_MAX / 4) return false;
  memset(header, 0, sizeof(*header));
  memcpy(header->magic, "LBPK", 4);
  header->tile = tile;
  header->k = static_cast<int32_t>(k);
  header->n = static_cast<int32_t>(n);
  header->group_size = static_cast<int32_t>(group_size);
  header->groups = static_cast<int32_t>(groups);
  header->panels = static_cast<int32_t>(panels);
  header->panel_bytes = panel_bytes;
  header->data_offset = static_cast<int64_t>(sizeof(PackedHeader)) + sum_bytes;
  header->total_bytes = header->data_offset + data_bytes;
  return true;
}

// Where w[k, n] lies: k = (k0, k1, k2) row-major, one stride each.
struct Source {
  int64_t batch_stride;
  int64_t k1, k2;
  int64_t k0_stride, k1_stride, k2_stride, n_stride;

  int64_t row(int64_t k) const { return k / (k1 * k2) * k0_stride + k / k2 % k1 * k1_stride + k % k2 * k2_stride; }
};

// The offsets of w[0, n], w[1, n], … one after the other, without dividing.
class RowWalk {
 public:
  explicit RowWalk(const Source& source) : source_(source) {}
  int64_t next() {
    const int64_t found = offset_;
    offset_ += source_.k2_stride;
    if (++i2_ < source_.k2) return found;
    i2_ = 0;
    offset_ += source_.k1_stride - source_.k2 * source_.k2_stride;
    if (++i1_ < source_.k1) return found;
    i1_ = 0;
    offset_ += source_.k0_stride - source_.k1 * source_.k1_stride;
    return found;
  }

 private:
  const Source& source_;
  int64_t i1_ = 0, i2_ = 0, offset_ = 0;
};

// words[j] = four codes of column j, k ascending from the low byte, as they are stored; 0 beyond `rows` and `columns`.
void gather_group(const uint8_t* w, const int64_t* offsets, int64_t rows, int64_t n_stride, int64_t columns,
                  uint32_t flip, uint32_t* words) {
  const bool whole = rows == 4 && columns == kColumns;
  const bool run = offsets[1] - offsets[0] == 1 && offsets[2] - offsets[1] == 1 && offsets[3] - offsets[2] == 1;
  if (whole && n_stride == 1) {
    const uint8_t *a = w + offsets[0], *b = w + offsets[1], *c = w + offsets[2], *d = w + offsets[3];
    for (int64_t j = 0; j < kColumns; ++j) {
      words[j] = (uint32_t{a[j]} | uint32_t{b[j]} << 8 | uint32_t{c[j]} << 16 | uint32_t{d[j]} << 24) ^ flip;
    }
  } else if (whole && run) {
    const uint8_t* from = w + offsets[0];
    for (int64_t j = 0; j < kColumns; ++j, from += n_stride) {
      memcpy(words + j, from, 4);
      words[j] ^= flip;
    }
  } else {
    for (int64_t j = 0; j < kColumns; ++j) {
      words[j] = 0;
      for (int64_t i = 0; i < rows && j < columns; ++i) {
        words[j] |= (uint32_t{w[offsets[i] + j * n_stride]} ^ (flip & 255)) << (8 * i);
      }
    }
  }
}

// sum[j] += the four signed bytes of words[j].
void add_bytes(const uint32_t* words, int32_t* sum) {
  for (int64_t j = 0; j < kColumns; ++j) {
    const uint32_t word = words[j];
    sum[j] += (static_cast<int32_t>(word << 24) >> 24) + (static_cast<int32_t>(word << 16) >> 24) +
              (static_cast<int32_t>(word << 8) >> 24) + (static_cast<int32_t>(word) >> 24);
  }
}

template <typename Fields>
Source source_of(const Fields& f) {
  return {f.batch_stride, f.k1, f.k2, f.k0_stride, f.k1_stride, f.k2_stride, f.n_stride};
}

template <typename Fields>
void check_source(const Fields& f, PlanCheck& check, int64_t element_bytes) {
  const bool sizes = check.that(f.batch >= 1) && check.that(f.k0 >= 1) && check.that(f.k1 >= 1) &&
                     check.that(f.k2 >= 1) && check.that(f.n >= 1);
  const bool strides = check.that(f.batch_stride >= 0) && check.that(f.k0_stride >= 0) &&
                       check.that(f.k1_stride >= 0) && check.that(f.k2_stride >= 0) && check.that(f.n_stride >= 0);
  if (!sizes || !strides) return;
  // The element that lies farthest: five products of two int32, each kept under 2^60 so that the sum fits.
  const int64_t farthest[] = {int64_t{f.batch - 1} * f.batch_stride, int64_t{f.k0 - 1} * f.k0_stride,
                              int64_t{f.k1 - 1} * f.k1_stride, int64_t{f.k2 - 1} * f.k2_stride,
                              int64_t{f.n - 1} * f.n_stride};
  int64_t last = 0;
  for (int64_t term : farthest) {
    if (!check.that(term < int64_t{1} << 60)) return;
    last += term;
  }
  check.buffer(f.w, last + 1, element_bytes);
}

}  // namespace

int64_t packed_i8_bytes(int64_t k, int64_t n, int64_t group_size) {
  PackedHeader header;
  return make_header(kTileI8N16K4, k, n, group_size == 0 ? k : group_size, &header) ? header.total_bytes : -1;
}

int64_t packed_f32_bytes(int64_t k, int64_t n) {
  PackedHeader header;
  return make_header(kTileF32N16K1, k, n, k, &header) ? header.total_bytes : -1;
}

int64_t packed_half_bytes(int64_t k, int64_t n) {
  PackedHeader header;
  return make_header(kTileBf16N16K2, k, n, k, &header) ? header.total_bytes : -1;
}

const PackedHeader* packed_header(const void* packed, uint64_t bytes, PackedTile tile, int64_t k, int64_t n) {
  if (packed == nullptr || bytes < sizeof(PackedHeader)) return nullptr;
  const PackedHeader* found = static_cast<const PackedHeader*>(packed);
  PackedHeader wanted;
  if (!make_header(tile, k, n, found->group_size, &wanted)) return nullptr;
  wanted.w_shift = found->w_shift == 128 && tile == kTileI8N16K4 ? 128 : 0;
  if (memcmp(found, &wanted, sizeof(wanted)) != 0) return nullptr;
  if (wanted.groups > 1 && wanted.group_size % 4 != 0) return nullptr;
  return static_cast<uint64_t>(wanted.total_bytes) <= bytes ? found : nullptr;
}

void check_pack_i8(const pack_i8_fields& f, PlanCheck& check) {
  check_source(f, check, 1);
  check.that(f.format == kU8 || f.format == kI8);
  const int64_t k = checked_product(f.k0, f.k1, f.k2);
  check.that(f.group_size >= 0 && (f.group_size % 4 == 0 || f.group_size >= k));
  if (!check.that(k >= 1)) return;
  const int64_t group = f.group_size == 0 || f.group_size > k ? k : f.group_size;
  const int64_t bytes = packed_i8_bytes(k, f.n, group);
  if (check.that(bytes >= 0)) check.buffer(f.packed, bytes, f.batch);
}

size_t scratch_pack_i8(const pack_i8_fields&, const Dispatch&) { return 0; }

Status run_pack_i8(const pack_i8_fields& f, const RunContext& run) {
  const Source source = source_of(f);
  const uint8_t* w = run.buffer<const uint8_t>(f.w);
  uint8_t* packed = run.buffer<uint8_t>(f.packed);
  const int64_t k = int64_t{f.k0} * f.k1 * f.k2;
  PackedHeader header;
  if (!make_header(kTileI8N16K4, k, f.n, f.group_size == 0 || f.group_size > k ? k : f.group_size, &header)) {
    return Status::bad_plan;
  }
  header.w_shift = f.format == kU8 ? 128 : 0;
  for (int64_t b = 0; b < f.batch; ++b) memcpy(packed + b * header.total_bytes, &header, sizeof(header));
  // u8 code - 128 as i8 is the code with its high bit inverted.
  const uint32_t flip = f.format == kU8 ? 0x80808080u : 0;

  auto pack_panel = [&](int64_t task, int) {
    const int64_t batch = task / header.panels;
    const int64_t panel = task % header.panels;
    uint8_t* matrix = packed + batch * header.total_bytes;
    int32_t* sums = reinterpret_cast<int32_t*>(matrix + sizeof(PackedHeader)) + panel * kColumns;
    uint8_t* data = matrix + header.data_offset + panel * header.panel_bytes;
    const uint8_t* from = w + batch * source.batch_stride + panel * kColumns * source.n_stride;
    const int64_t columns = f.n - panel * kColumns < kColumns ? f.n - panel * kColumns : kColumns;
    RowWalk walk(source);
    for (int64_t first = 0; first < k; first += header.group_size) {
      const int64_t end = k - first < header.group_size ? k : first + header.group_size;
      int32_t sum[kColumns] = {};
      for (int64_t i = first; i < end; i += 4, data += kGroupBytes) {
        const int64_t rows = end - i < 4 ? end - i : 4;
        int64_t offsets[4] = {};
        for (int64_t r = 0; r < rows; ++r) offsets[r] = walk.next();
        uint32_t words[kColumns];
        gather_group(from, offsets, rows, source.n_stride, columns, flip, words);
        add_bytes(words, sum);
        memcpy(data, words, kGroupBytes);
      }
      memcpy(sums, sum, sizeof(sum));
      sums += header.panels * kColumns;
    }
  };
  run.parallel(f.batch * int64_t{header.panels}, pack_panel);
  return Status::ok;
}

void check_pack_f32(const pack_f32_fields& f, PlanCheck& check) {
  check_source(f, check, 4);
  const int64_t k = checked_product(f.k0, f.k1, f.k2);
  const int64_t bytes = k < 1 ? -1 : packed_f32_bytes(k, f.n);
  if (check.that(bytes >= 0)) check.buffer(f.packed, bytes, f.batch);
}

size_t scratch_pack_f32(const pack_f32_fields&, const Dispatch&) { return 0; }

Status run_pack_f32(const pack_f32_fields& f, const RunContext& run) {
  const Source source = source_of(f);
  const float* w = run.buffer<const float>(f.w);
  uint8_t* packed = run.buffer<uint8_t>(f.packed);
  const int64_t k = int64_t{f.k0} * f.k1 * f.k2;
  PackedHeader header;
  if (!make_header(kTileF32N16K1, k, f.n, k, &header)) return Status::bad_plan;
  for (int64_t b = 0; b < f.batch; ++b) memcpy(packed + b * header.total_bytes, &header, sizeof(header));

  auto pack_panel = [&](int64_t task, int) {
    const int64_t batch = task / header.panels;
    const int64_t panel = task % header.panels;
    uint8_t* matrix = packed + batch * header.total_bytes;
    float* data = reinterpret_cast<float*>(matrix + header.data_offset + panel * header.panel_bytes);
    const float* from = w + batch * source.batch_stride + panel * kColumns * source.n_stride;
    const int64_t columns = f.n - panel * kColumns < kColumns ? f.n - panel * kColumns : kColumns;
    for (int64_t i = 0; i < k; ++i) {
      const float* row = from + source.row(i);
      for (int64_t j = 0; j < kColumns; ++j) data[i * kColumns + j] = j < columns ? row[j * source.n_stride] : 0.0f;
    }
  };
  run.parallel(f.batch * int64_t{header.panels}, pack_panel);
  return Status::ok;
}

void check_pack_half(const pack_half_fields& f, PlanCheck& check) {
  check_source(f, check, 4);
  check.that(f.format == kBf16 || f.format == kF16);
  const int64_t k = checked_product(f.k0, f.k1, f.k2);
  const int64_t bytes = k < 1 ? -1 : packed_half_bytes(k, f.n);
  if (check.that(bytes >= 0)) check.buffer(f.packed, bytes, f.batch);
}

size_t scratch_pack_half(const pack_half_fields&, const Dispatch&) { return 0; }

Status run_pack_half(const pack_half_fields& f, const RunContext& run) {
  const Source source = source_of(f);
  const float* w = run.buffer<const float>(f.w);
  uint8_t* packed = run.buffer<uint8_t>(f.packed);
  const int64_t k = int64_t{f.k0} * f.k1 * f.k2;
  const bool bf16 = f.format == kBf16;
  PackedHeader header;
  if (!make_header(bf16 ? kTileBf16N16K2 : kTileF16N16K1, k, f.n, k, &header)) return Status::bad_plan;
  for (int64_t b = 0; b < f.batch; ++b) memcpy(packed + b * header.total_bytes, &header, sizeof(header));

  auto pack_panel = [&](int64_t task, int) {
    const int64_t batch = task / header.panels;
    const int64_t panel = task % header.panels;
    uint8_t* data = packed + batch * header.total_bytes + header.data_offset + panel * header.panel_bytes;
    const float* from = w + batch * source.batch_stride + panel * kColumns * source.n_stride;
    const int64_t columns = f.n - panel * kColumns < kColumns ? f.n - panel * kColumns : kColumns;
    memset(data, 0, static_cast<size_t>(header.panel_bytes));
    for (int64_t i = 0; i < k; ++i) {
      const float* row = from + source.row(i);
      uint16_t* group = reinterpret_cast<uint16_t*>(data + i / 2 * kGroupBytes);
      for (int64_t j = 0; j < columns; ++j) {
        const float value = row[j * source.n_stride];
        if (bf16) {
          group[2 * j + i % 2] = bf16_code(value);
        } else {
          group[i % 2 * kColumns + j] = f16_code(value);
        }
      }
    }
  };
  run.parallel(f.batch * int64_t{header.panels}, pack_panel);
  return Status::ok;
}

}  // namespace lowbit
