// gemm_bf16bf16_f32 with AMX: tiles of 16 x 16 sums take 16 pairs of bf16 per instruction, blocks of 2 x 2 tiles use
// every tile of A and of B twice. Few rows take the same way: whatever the block, an element is the same sum.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_amx.h"

#if defined(LOWBIT_AMX_EMULATION)
#include "native/isa/amx_emulation.h"
#endif

#include "native/isa/amx_blocks.h"

namespace lowbit {

namespace {

constexpr int64_t kTilePairs = 16;  // pairs of k in a row of A
constexpr int64_t kPanels = 8;      // at a time: with 384 pairs 192 KiB, which stay in the L2 cache

// Whole tiles of k, and behind them one that is filled up with zeros (null: nothing is left).
struct Rows {
  const float* a;
  int64_t stride, tiles;
  const float* last;  // kTilePairs apart
};

struct Columns {
  const uint8_t* b[2];
  const uint8_t* last[2];
};

template <bool Two, bool Lower>
inline void step(const float* a, int64_t stride, const uint8_t* first, const uint8_t* second) {
  _tile_loadd(6, first, 64);
  _tile_loadd(4, a, stride * 4);
  _tile_dpbf16ps(0, 4, 6);
  if (Lower) {
    _tile_loadd(5, a + kTileRows * stride, stride * 4);
    _tile_dpbf16ps(2, 5, 6);
  }
  if (Two) {
    _tile_loadd(7, second, 64);
    _tile_dpbf16ps(1, 4, 7);
    if (Lower) _tile_dpbf16ps(3, 5, 7);
  }
}

// sums [kBlockRows][2][16]: goes on from them, or from 0.
template <bool Two, bool Lower>
void multiply(const Rows& rows, const Columns& columns, bool accumulate, float* sums) {
  constexpr int64_t kStride = 2 * 16 * 4;
  float* const lower = sums + kTileRows * 32;
  settle_memory();
  if (accumulate) {
    _tile_loadd(0, sums, kStride);
    if (Two) _tile_loadd(1, sums + 16, kStride);
    if (Lower) _tile_loadd(2, lower, kStride);
    if (Two && Lower) _tile_loadd(3, lower + 16, kStride);
  } else {
    _tile_zero(0);
    if (Two) _tile_zero(1);
    if (Lower) _tile_zero(2);
    if (Two && Lower) _tile_zero(3);
  }
  for (int64_t t = 0; t < rows.tiles; ++t) {
    const int64_t at = t * kTileBytes;
    step<Two, Lower>(rows.a + t * kTilePairs, rows.stride, columns.b[0] + at, Two ? columns.b[1] + at : nullptr);
  }
  if (rows.last != nullptr) step<Two, Lower>(rows.last, kTilePairs, columns.last[0], columns.last[1]);
  _tile_stored(0, sums, kStride);
  if (Two) _tile_stored(1, sums + 16, kStride);
  if (Lower) _tile_stored(2, lower, kStride);
  if (Two && Lower) _tile_stored(3, lower + 16, kStride);
  settle_memory();
}

// Columns of the panel that exist.
inline __mmask16 columns_mask(const GemmF32Args& args, int64_t panel) {
  const int64_t left = args.n - 16 * panel;
  return static_cast<__mmask16>(left >= 16 ? 0xffff : (1u << left) - 1);
}

// What the rows of c hold, as `multiply` takes it.
void load_sums(const GemmF32Args& args, int64_t row, int64_t rows, int64_t panel, int64_t panels, float* sums) {
  for (int64_t p = 0; p < panels; ++p) {
    const __mmask16 mask = columns_mask(args, panel + p);
    const float* c = args.c + row * args.c_stride + 16 * (panel + p);
    for (int64_t r = 0; r < rows; ++r) {
      _mm512_store_ps(sums + r * 32 + p * 16, _mm512_maskz_loadu_ps(mask, c + r * args.c_stride));
    }
  }
}

void store_sums(const GemmF32Args& args, int64_t row, int64_t rows, int64_t panel, int64_t panels, const float* sums) {
  const __m512 lo = _mm512_set1_ps(args.lo), hi = _mm512_set1_ps(args.hi);
  for (int64_t p = 0; p < panels; ++p) {
    const __mmask16 mask = columns_mask(args, panel + p);
    const bool biased = args.last && args.bias != nullptr;
    const __m512 bias = biased ? _mm512_maskz_loadu_ps(mask, args.bias + 16 * (panel + p)) : _mm512_setzero_ps();
    float* c = args.c + row * args.c_stride + 16 * (panel + p);
    for (int64_t r = 0; r < rows; ++r) {
      __m512 v = _mm512_load_ps(sums + r * 32 + p * 16);
      if (biased) v = _mm512_add_ps(v, bias);
      // vmaxps and vminps give their second operand unless the first is the greater (the less).
      if (args.last) v = _mm512_min_ps(hi, _mm512_max_ps(lo, v));
      _mm512_mask_storeu_ps(c + r * args.c_stride, mask, v);
    }
  }
}

// Everything that one call keeps in memory.
struct Workspace {
  alignas(64) float sums[kBlockRows * 32];
  alignas(64) float last_rows[kBlockRows * kTilePairs];
  alignas(64) uint8_t last_columns[kPanels][kTileBytes];
};

}  // namespace

// The configuration belongs to the thread, like other registers: it is loaded here and released before this returns, so
// nothing else on the thread meets it.
void gemm_bf16bf16_f32_x86_amx(const GemmF32Args& args) {
  Workspace work;
  const int64_t all_panels = (args.n + 15) / 16, m = args.rows.rows(), pairs = args.rows.run;
  const int64_t tiles = pairs / kTilePairs, left = pairs % kTilePairs;
  int64_t configured = 0;
  for (int64_t panel = 0; panel < all_panels; panel += kPanels) {
    const int64_t panels = all_panels - panel < kPanels ? all_panels - panel : kPanels;
    const uint8_t* b = args.b + panel * args.panel_bytes;
    if (left != 0) memset(work.last_columns, 0, sizeof(work.last_columns));
    for (int64_t p = 0; p < panels && left != 0; ++p) {
      memcpy(work.last_columns[p], b + p * args.panel_bytes + tiles * kTileBytes, static_cast<size_t>(left) * 64);
    }
    for (int64_t row = 0; row < m; row += kBlockRows) {
      const int64_t count = m - row < kBlockRows ? m - row : kBlockRows;
      if (count != configured) {
        configure_blocks(count < kTileRows ? count : kTileRows, count > kTileRows ? count - kTileRows : 0);
        configured = count;
      }
      Rows rows = {args.rows.a + row * args.rows.row_stride, args.rows.row_stride, tiles, nullptr};
      if (left != 0) {
        memset(work.last_rows, 0, sizeof(work.last_rows));
        for (int64_t r = 0; r < count; ++r) {
          const float* from = rows.a + r * rows.stride + tiles * kTilePairs;
          memcpy(work.last_rows + r * kTilePairs, from, static_cast<size_t>(left) * 4);
        }
        rows.last = work.last_rows;
      }
      for (int64_t p = 0; p < panels; p += 2) {
        const bool two = panels - p >= 2, lower = count > kTileRows;
        const uint8_t* from = b + p * args.panel_bytes;
        const Columns columns = {{from, two ? from + args.panel_bytes : nullptr},
                                 {work.last_columns[p], two ? work.last_columns[p + 1] : nullptr}};
        if (args.accumulate) load_sums(args, row, count, panel + p, two ? 2 : 1, work.sums);
        const auto product = two ? (lower ? multiply<true, true> : multiply<true, false>)
                                 : (lower ? multiply<false, true> : multiply<false, false>);
        product(rows, columns, args.accumulate, work.sums);
        store_sums(args, row, count, panel + p, two ? 2 : 1, work.sums);
      }
    }
  }
  if (configured != 0) _tile_release();
}

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
