// Int8 products with AMX, exact: tiles of 16 x 16 int32 take 64 bytes of k per instruction. Blocks of 2 x 2 tiles use
// every tile of A and of B twice; while one block multiplies, the one before it is finished with AVX-512.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstring>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_amx.h"

#if defined(LOWBIT_AMX_EMULATION)
#include "native/isa/amx_emulation.h"
#endif

#include "native/isa/amx_blocks.h"
#include "native/kernels/gemm_i8/finish_512.h"

namespace lowbit {

namespace {

constexpr int64_t kTileDepth = 64;  // bytes of k in a row of A
constexpr int64_t kDepth = 1024;    // of k at a time: 32 rows of it, 32 KiB, stay in the L1 cache
constexpr int64_t kPanels = 8;      // at a time

template <bool Signed>
struct Product;
template <>
struct Product<false> {
  static void upper_first() { _tile_dpbusd(0, 4, 6); }
  static void upper_second() { _tile_dpbusd(1, 4, 7); }
  static void lower_first() { _tile_dpbusd(2, 5, 6); }
  static void lower_second() { _tile_dpbusd(3, 5, 7); }
};
template <>
struct Product<true> {
  static void upper_first() { _tile_dpbssd(0, 4, 6); }
  static void upper_second() { _tile_dpbssd(1, 4, 7); }
  static void lower_first() { _tile_dpbssd(2, 5, 6); }
  static void lower_second() { _tile_dpbssd(3, 5, 7); }
};

// Sums of a block that wait in memory for their epilogue.
struct Pending {
  const Finish512* finish;
  int64_t row, rows, panel, panels;
  int32_t* sums;

  void take(int64_t most) {
    if (rows == 0) return;
    const int64_t count = most < rows ? most : rows;
    finish_stored_512(*finish, row, count, panel, panels, sums);
    row += count;
    rows -= count;
    sums += count * 16 * panels;
  }
};

// A chunk of k of the rows of a block: `steps` tiles of 64 bytes, step_bytes apart in each row.
struct Rows {
  const uint8_t* a;
  int64_t stride, step_bytes, steps;
};

// A chunk of k of one or two panels. The last step may be a copy of what the panels have left.
struct Columns {
  const int8_t* b;
  const int8_t* b_second;
  const int8_t* last;
  const int8_t* last_second;
};

// Where a block's sums lie between chunks and in the end.
struct Sums {
  int32_t* c;
  int64_t stride;  // elements
};

template <bool Two, bool Lower>
void load_sums(const Sums& sums) {
  const int64_t bytes = sums.stride * 4;
  int32_t* lower = sums.c + kTileRows * sums.stride;
  _tile_loadd(0, sums.c, bytes);
  if (Two) _tile_loadd(1, sums.c + 16, bytes);
  if (Lower) _tile_loadd(2, lower, bytes);
  if (Lower && Two) _tile_loadd(3, lower + 16, bytes);
}

template <bool Two, bool Lower>
void store_sums(const Sums& sums) {
  const int64_t bytes = sums.stride * 4;
  int32_t* lower = sums.c + kTileRows * sums.stride;
  _tile_stored(0, sums.c, bytes);
  if (Two) _tile_stored(1, sums.c + 16, bytes);
  if (Lower) _tile_stored(2, lower, bytes);
  if (Lower && Two) _tile_stored(3, lower + 16, bytes);
}

// `start`: 16 values per panel that every row begins with, or null to go on from what `sums` holds.
template <bool Signed, bool Two, bool Lower>
void multiply(const Rows& rows, const Columns& columns, const int32_t* start, const Sums& sums, Pending* pending) {
  settle_memory();
  if (start == nullptr) {
    load_sums<Two, Lower>(sums);
  } else {
    _tile_loadd(0, start, 0);  // a stride of 0 repeats the row
    if (Two) _tile_loadd(1, start + 16, 0);
    if (Lower) _tile_loadd(2, start, 0);
    if (Lower && Two) _tile_loadd(3, start + 16, 0);
  }
  const uint8_t* a = rows.a;
  const uint8_t* a_lower = rows.a + kTileRows * rows.stride;
  const int64_t share = (pending->rows + rows.steps - 1) / rows.steps;
  for (int64_t s = 0; s < rows.steps; ++s, a += rows.step_bytes, a_lower += rows.step_bytes) {
    const bool copied = s == rows.steps - 1 && columns.last != nullptr;
    _tile_loadd(6, copied ? columns.last : columns.b + s * kTileBytes, 64);
    _tile_loadd(4, a, rows.stride);
    Product<Signed>::upper_first();
    if (Lower) {
      _tile_loadd(5, a_lower, rows.stride);
      Product<Signed>::lower_first();
    }
    if (Two) {
      _tile_loadd(7, copied ? columns.last_second : columns.b_second + s * kTileBytes, 64);
      Product<Signed>::upper_second();
      if (Lower) Product<Signed>::lower_second();
    }
    // The tile unit is busy for 64 cycles with this step: room for rows of the block before.
    pending->take(share);
  }
  store_sums<Two, Lower>(sums);
  settle_memory();
}

template <bool Signed>
void multiply_block(const Rows& rows, const Columns& columns, bool lower, const int32_t* start, const Sums& sums,
                    Pending* pending) {
  const bool two = columns.b_second != nullptr;
  if (two) {
    lower ? multiply<Signed, true, true>(rows, columns, start, sums, pending)
          : multiply<Signed, true, false>(rows, columns, start, sums, pending);
  } else {
    lower ? multiply<Signed, false, true>(rows, columns, start, sums, pending)
          : multiply<Signed, false, false>(rows, columns, start, sums, pending);
  }
}

// Everything that one call keeps in memory.
struct Workspace {
  alignas(64) uint8_t rows[kBlockRows * kDepth];               // [step][row][64]
  alignas(64) int32_t sums[kPanels / 2][kBlockRows * 2 * 16];  // [pair][row][panel][16]
  alignas(64) int32_t start[kPanels * 16];
  alignas(64) int8_t last[2][kTileBytes];
};

// depth bytes of the rows from `first` on, counted through their segments, as tiles; what lies behind them is zero, so
// that it does not matter what B holds there.
void arrange_rows(const GemmI8Product& product, int64_t row, int64_t rows, int64_t first, int64_t depth, uint8_t* to) {
  const int64_t steps = (depth + kTileDepth - 1) / kTileDepth;
  for (int64_t r = 0; r < rows; ++r) {
    const uint8_t* a = static_cast<const uint8_t*>(product.a) + (row + r) * product.a_stride;
    int64_t segment = first / product.k, offset = first % product.k;
    for (int64_t s = 0; s < steps; ++s) {
      uint8_t* tile_row = to + (s * kBlockRows + r) * kTileDepth;
      const int64_t wanted = depth - s * kTileDepth < kTileDepth ? depth - s * kTileDepth : kTileDepth;
      _mm512_store_si512(tile_row, _mm512_setzero_si512());
      for (int64_t done = 0; done < wanted;) {
        const int64_t left = product.k - offset;
        const int64_t bytes = left < wanted - done ? left : wanted - done;
        const __mmask64 mask = ~__mmask64{0} >> (64 - bytes);
        const uint8_t* from = a + segment * product.segment_stride + offset;
        _mm512_mask_storeu_epi8(tile_row + done, mask, _mm512_maskz_loadu_epi8(mask, from));
        done += bytes;
        offset += bytes;
        if (offset == product.k) {
          offset = 0;
          ++segment;
        }
      }
    }
  }
}

// Whether the rows can be loaded as they lie: whole tiles, and no row of a tile in two cache lines.
bool lies_as_tiles(const GemmI8Product& product) {
  const uintptr_t lines = reinterpret_cast<uintptr_t>(product.a) | static_cast<uintptr_t>(product.a_stride);
  return product.segments == 1 && product.k % kTileDepth == 0 && lines % 64 == 0;
}

// What the rows of the panels [panel, panel + panels) begin with.
void set_start(const Finish512& finish, int64_t panel, int64_t panels, int32_t* start) {
  for (int64_t p = 0; p < panels; ++p) {
    __m512i sum[1][1] = {{_mm512_setzero_si512()}};
    if (finish.sums == nullptr) start_512<false, 1, 1>(finish, 0, panel + p, sum);
    _mm512_store_si512(start + 16 * p, sum[0][0]);
  }
}

// The configuration belongs to the thread, like other registers: it is loaded here and released before this returns, so
// nothing else on the thread meets it and the kernel has no tiles to save.
template <bool Signed>
void gemm(const Finish512& finish) {
  const GemmI8Product& product = *finish.product;
  Workspace work;
  const int64_t k = product.segments * product.k;
  const bool direct = lies_as_tiles(product);
  const bool accumulate = finish.sums != nullptr && finish.sums->accumulate;
  Pending pending = {&finish, 0, 0, 0, 0, nullptr};
  int64_t configured = 0;
  for (int64_t panel = 0; panel < product.panels; panel += kPanels) {
    const int64_t panels = product.panels - panel < kPanels ? product.panels - panel : kPanels;
    set_start(finish, panel, panels, work.start);
    for (int64_t row = 0; row < product.m; row += kBlockRows) {
      const int64_t count = product.m - row < kBlockRows ? product.m - row : kBlockRows;
      if (count != configured) {
        configure_blocks(count < kTileRows ? count : kTileRows, count > kTileRows ? count - kTileRows : 0);
        configured = count;
      }
      for (int64_t first = 0; first < k; first += kDepth) {
        const int64_t depth = k - first < kDepth ? k - first : kDepth;
        Rows rows = {work.rows, kTileDepth, kBlockRows * kTileDepth, (depth + kTileDepth - 1) / kTileDepth};
        if (direct) {
          rows.a = static_cast<const uint8_t*>(product.a) + row * product.a_stride + first;
          rows.stride = product.a_stride;
          rows.step_bytes = kTileDepth;
        } else {
          arrange_rows(product, row, count, first, depth, work.rows);
        }
        for (int64_t p = 0; p < panels; p += 2) {
          const int64_t together = panels - p < 2 ? 1 : 2;
          Columns columns = {product.b + (panel + p) * product.panel_bytes + first * 16, nullptr, nullptr, nullptr};
          if (together == 2) columns.b_second = columns.b + product.panel_bytes;
          const int64_t before = (rows.steps - 1) * kTileBytes;
          const int64_t bytes = (depth + 3) / 4 * 64 - before;
          if (bytes + (product.panels - panel - p - together) * product.panel_bytes < kTileBytes) {
            // Behind the last panel there may be nothing: what is left of these is copied.
            memset(work.last, 0, sizeof(work.last));
            memcpy(work.last[0], columns.b + before, static_cast<size_t>(bytes));
            if (together == 2) memcpy(work.last[1], columns.b_second + before, static_cast<size_t>(bytes));
            columns.last = work.last[0];
            columns.last_second = work.last[1];
          }
          Sums sums = {work.sums[p / 2], 16 * together};
          if (finish.sums != nullptr) {
            sums = {finish.sums->c + row * finish.sums->c_stride + 16 * (panel + p), finish.sums->c_stride};
          }
          const bool begins = first == 0 && !accumulate;
          multiply_block<Signed>(rows, columns, count > kTileRows, begins ? work.start + 16 * p : nullptr, sums,
                                 &pending);
          if (finish.sums == nullptr && first + depth == k) {
            pending.row = row;
            pending.rows = count;
            pending.panel = panel + p;
            pending.panels = together;
            pending.sums = sums.c;
          }
        }
      }
    }
  }
  if (configured != 0) _tile_release();
  pending.take(kBlockRows);
}

// Of so few rows a tile is nearly empty, and the weights come from memory: the kernels of VNNI ask for them ahead.
constexpr int64_t kFewRows = 4;

}  // namespace

void gemm_u8i8_i32_x86_amx(const GemmI8Args& args) {
  args.m <= kFewRows ? gemm_u8i8_i32_x86_avx512vnni(args) : gemm<false>(Sums512(args));
}
void gemm_u8i8_u8_x86_amx(const GemmI8CodesArgs& args) {
  args.product.m <= kFewRows ? gemm_u8i8_u8_x86_avx512vnni(args) : gemm<false>(Finish512::codes_of(args, 0x80));
}
void gemm_u8i8_i8_x86_amx(const GemmI8CodesArgs& args) {
  args.product.m <= kFewRows ? gemm_u8i8_i8_x86_avx512vnni(args) : gemm<false>(Finish512::codes_of(args, 0));
}
void gemm_u8i8_f32_x86_amx(const GemmI8FloatsArgs& args) {
  args.product.m <= kFewRows ? gemm_u8i8_f32_x86_avx512vnni(args) : gemm<false>(Finish512::floats_of(args));
}
void gemm_i8i8_i32_x86_amx(const GemmI8Args& args) {
  args.m <= kFewRows ? gemm_i8i8_i32_x86_avx512vnni(args) : gemm<true>(Sums512(args));
}
void gemm_i8i8_u8_x86_amx(const GemmI8CodesArgs& args) {
  args.product.m <= kFewRows ? gemm_i8i8_u8_x86_avx512vnni(args) : gemm<true>(Finish512::codes_of(args, 0x80));
}
void gemm_i8i8_i8_x86_amx(const GemmI8CodesArgs& args) {
  args.product.m <= kFewRows ? gemm_i8i8_i8_x86_avx512vnni(args) : gemm<true>(Finish512::codes_of(args, 0));
}
void gemm_i8i8_f32_x86_amx(const GemmI8FloatsArgs& args) {
  args.product.m <= kFewRows ? gemm_i8i8_f32_x86_avx512vnni(args) : gemm<true>(Finish512::floats_of(args));
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
