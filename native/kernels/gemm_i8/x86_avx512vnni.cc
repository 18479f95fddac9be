// The int8 products with AVX-512 VNNI: vpdpbusd adds four u8 * i8 products to each of 16 int32, exactly.
#if defined(__x86_64__) || defined(_M_X64)
#include <cstring>
#include <limits>

#include "native/isa/unroll.h"
#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512vnni.h"

#include "native/kernels/gemm_i8/codes_512.h"
#include "native/kernels/gemm_i8/finish_512.h"
#include "native/kernels/gemm_i8/short_512.h"

namespace lowbit {

namespace {

// Rows are reached from every third one (base, base + stride, base + 2 * stride are addressing modes), so that a tile
// of 12 rows needs 4 pointers instead of 12.
template <int Rows>
struct RowBases {
  static constexpr int kCount = (Rows + 2) / 3;
  const uint8_t* base[kCount];
};

constexpr int kThinRows = 8;      // with so many rows or fewer the weights come slower than they are multiplied
constexpr int64_t kAhead = 8192;  // bytes; two pages, of which the processor's own prefetch knows nothing yet

inline __m512i broadcast4(const uint8_t* from) {
  int32_t word;
  memcpy(&word, from, 4);
  return _mm512_set1_epi32(word);
}

// What a tile asks for while it multiplies: a line in every group of k, `step` bytes after the one before. What lies
// behind the weights does no harm.
struct Ahead {
  const int8_t* line;
  int64_t step;
};

// A tile of Rows x (16 * Panels). Two vpdpbusd start per cycle and each takes 4 to 5, so 10 or more accumulators keep
// both ports busy; 24 of the 32 registers accumulate, the rest hold Panels columns of B and one broadcast of A.
// Signed codes: a = (a ^ 0x80) - 128 with a ^ 0x80 unsigned, so accumulation starts from -128 * column_sum.
template <bool Signed, int Rows, int Panels>
void tile(const Finish512& finish, const Columns512<Panels>& prepared, int64_t row, Ahead ahead) {
  const GemmI8Product& product = *finish.product;
  const int64_t a_stride = product.a_stride;
  const int64_t panel = prepared.panel;
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
  __m512i sum[Rows][Panels];
  if (finish.sums != nullptr && finish.sums->accumulate) {
    start_512<Signed, Rows, Panels>(finish, row, panel, sum);
  } else {
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      LOWBIT_UNROLL
      for (int p = 0; p < Panels; ++p) sum[r][p] = prepared.start[p];
    }
  }
  RowBases<Rows> rows;
  LOWBIT_UNROLL
  for (int i = 0; i < RowBases<Rows>::kCount; ++i) {
    rows.base[i] = static_cast<const uint8_t*>(product.a) + (row + 3 * i) * a_stride;
  }
  const int8_t* b = product.b + panel * product.panel_bytes;

  for (int64_t segment = product.segments;;) {
    for (int64_t g = product.k / 4; g > 0; --g) {
      _mm_prefetch(reinterpret_cast<const char*>(ahead.line), _MM_HINT_T0);
      ahead.line += ahead.step;
      __m512i columns[Panels];
      LOWBIT_UNROLL
      for (int p = 0; p < Panels; ++p) columns[p] = _mm512_loadu_si512(b + p * product.panel_bytes);
      LOWBIT_UNROLL
      for (int r = 0; r < Rows; ++r) {
        __m512i codes = broadcast4(rows.base[r / 3] + r % 3 * a_stride);
        if (Signed) codes = _mm512_xor_si512(codes, flip);
        LOWBIT_UNROLL
        for (int p = 0; p < Panels; ++p) sum[r][p] = _mm512_dpbusd_epi32(sum[r][p], codes, columns[p]);
      }
      LOWBIT_UNROLL
      for (int i = 0; i < RowBases<Rows>::kCount; ++i) rows.base[i] += 4;
      b += 64;
    }
    if (--segment == 0) break;
    LOWBIT_UNROLL
    for (int i = 0; i < RowBases<Rows>::kCount; ++i) rows.base[i] += product.segment_stride - product.k;
  }
  const int64_t rest = product.k % 4;
  if (rest != 0) {
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      uint8_t tail[4] = {};  // what lies behind k meets zero weights
      const uint8_t* from = rows.base[r / 3] + r % 3 * a_stride;
      for (int64_t i = 0; i < rest; ++i) tail[i] = from[i];
      __m512i codes = broadcast4(tail);
      if (Signed) codes = _mm512_xor_si512(codes, flip);
      LOWBIT_UNROLL
      for (int p = 0; p < Panels; ++p) {
        sum[r][p] = _mm512_dpbusd_epi32(sum[r][p], codes, _mm512_loadu_si512(b + p * product.panel_bytes));
      }
    }
  }
  if (prepared.codes) {
    finish_tile_512<Rows, Panels>(*finish.codes, prepared, row, sum);
  } else {
    finish_512<Rows, Panels>(finish, row, panel, sum);
  }
}

template <bool Signed, int Rows, int Panels>
void tile_of(int64_t rows, const Finish512& finish, const Columns512<Panels>& prepared, int64_t row, Ahead ahead) {
  if (rows == Rows) {
    tile<Signed, Rows, Panels>(finish, prepared, row, ahead);
  } else if constexpr (Rows > 1) {
    tile_of<Signed, Rows - 1, Panels>(rows, finish, prepared, row, ahead);
  }
}

// All rows by `Panels` panels, in tiles of at most MaxRows rows of nearly equal height: a last tile of one row would
// leave the ports idle while its few accumulators wait for themselves. The first tiles ask for the panels behind these,
// one each, which the first tile over them would wait for, line after line.
template <bool Signed, int MaxRows, int Panels>
void columns(const Finish512& finish, int64_t panel) {
  const GemmI8Product& product = *finish.product;
  const int64_t m = product.m;
  const int64_t tiles = (m + MaxRows - 1) / MaxRows;
  Columns512<Panels> prepared;
  prepared.template prepare<Signed>(finish, panel);
  const int8_t* next = product.b + (panel + Panels) * product.panel_bytes;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t row = m * t / tiles;
    const Ahead ahead = t < Panels ? Ahead{next + t * product.panel_bytes, 64} : Ahead{product.b, 0};
    tile_of<Signed, MaxRows, Panels>(m * (t + 1) / tiles - row, finish, prepared, row, ahead);
  }
}

// Few rows read every weight for little work, at the speed of the memory: one panel at a time is one stream from the
// first byte to the last, asked for kAhead bytes early, across pages too. Into all caches: asked for past them it comes
// no faster, and weights that would fit into the last one would come from memory at every call. Splits
// neighbouring groups of k have sums of their own, so that no vpdpbusd waits for the one before.
template <bool Signed, int Rows, int Splits>
void thin_panel(const Finish512& finish, int64_t panel) {
  const GemmI8Product& product = *finish.product;
  const int64_t a_stride = product.a_stride;
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
  __m512i sum[Rows][1];
  start_512<Signed, Rows, 1>(finish, 0, panel, sum);
  __m512i part[Rows][Splits];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int s = 0; s < Splits; ++s) part[r][s] = _mm512_setzero_si512();
  }
  RowBases<Rows> rows;
  LOWBIT_UNROLL
  for (int i = 0; i < RowBases<Rows>::kCount; ++i) {
    rows.base[i] = static_cast<const uint8_t*>(product.a) + 3 * i * a_stride;
  }
  const int8_t* b = product.b + panel * product.panel_bytes;
  const int64_t groups = product.k / 4;
  int64_t g = 0;
  for (; g + Splits <= groups; g += Splits) {
    LOWBIT_UNROLL
    for (int s = 0; s < Splits; ++s) {
      _mm_prefetch(reinterpret_cast<const char*>(b + kAhead + 64 * s), _MM_HINT_T0);
      const __m512i column = _mm512_loadu_si512(b + 64 * s);
      LOWBIT_UNROLL
      for (int r = 0; r < Rows; ++r) {
        __m512i codes = broadcast4(rows.base[r / 3] + r % 3 * a_stride + 4 * s);
        if (Signed) codes = _mm512_xor_si512(codes, flip);
        part[r][s] = _mm512_dpbusd_epi32(part[r][s], codes, column);
        LOWBIT_OPAQUE(part[r][s]);
      }
    }
    LOWBIT_UNROLL
    for (int i = 0; i < RowBases<Rows>::kCount; ++i) rows.base[i] += 4 * Splits;
    b += 64 * Splits;
  }
  for (int64_t left = product.k - 4 * g; left > 0; left -= 4, b += 64) {
    const __m512i column = _mm512_loadu_si512(b);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      uint8_t word[4] = {};  // what lies behind k meets zero weights
      const uint8_t* from = rows.base[r / 3] + r % 3 * a_stride;
      for (int64_t i = 0; i < (left < 4 ? left : 4); ++i) word[i] = from[i];
      __m512i codes = broadcast4(word);
      if (Signed) codes = _mm512_xor_si512(codes, flip);
      part[r][0] = _mm512_dpbusd_epi32(part[r][0], codes, column);
    }
    LOWBIT_UNROLL
    for (int i = 0; i < RowBases<Rows>::kCount; ++i) rows.base[i] += 4;
  }
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int s = 0; s < Splits; ++s) sum[r][0] = _mm512_add_epi32(sum[r][0], part[r][s]);
  }
  finish_512<Rows, 1>(finish, 0, panel, sum);
}

template <bool Signed, int Rows>
void thin(const Finish512& finish) {
  if (finish.product->m == Rows) {
    for (int64_t p = 0; p < finish.product->panels; ++p)
      thin_panel<Signed, Rows, Rows == 1 ? 8 : Rows <= 4 ? 4 : 2>(finish, p);
  } else if constexpr (Rows > 1) {
    thin<Signed, Rows - 1>(finish);
  }
}

template <bool Signed>
void gemm(const Finish512& finish) {
  const int64_t panels = finish.product->panels;
  int64_t panel = 0;
  if (finish.product->m <= kThinRows && finish.product->segments == 1) return thin<Signed, kThinRows>(finish);
  if (run_short<Signed>(finish)) return;
  while (panels - panel >= 7 || panels - panel == 4 || panels - panel == 6) {
    columns<Signed, 6, 4>(finish, panel);
    panel += 4;
  }
  for (; panels - panel >= 3; panel += 3) columns<Signed, 8, 3>(finish, panel);
  if (panels - panel == 2) columns<Signed, 12, 2>(finish, panel);
  if (panels - panel == 1) columns<Signed, 12, 1>(finish, panel);
}

}  // namespace

void gemm_u8i8_i32_x86_avx512vnni(const GemmI8Args& args) { gemm<false>(Sums512(args)); }
void gemm_i8i8_i32_x86_avx512vnni(const GemmI8Args& args) { gemm<true>(Sums512(args)); }
void gemm_u8i8_u8_x86_avx512vnni(const GemmI8CodesArgs& args) { gemm<false>(Finish512::codes_of(args, 0x80)); }
void gemm_u8i8_i8_x86_avx512vnni(const GemmI8CodesArgs& args) { gemm<false>(Finish512::codes_of(args, 0)); }
void gemm_i8i8_u8_x86_avx512vnni(const GemmI8CodesArgs& args) { gemm<true>(Finish512::codes_of(args, 0x80)); }
void gemm_i8i8_i8_x86_avx512vnni(const GemmI8CodesArgs& args) { gemm<true>(Finish512::codes_of(args, 0)); }
void gemm_add_u8i8_u8_x86_avx512vnni(const GemmI8AddArgs& args) { gemm<false>(Finish512::add_of(args, 0x80)); }
void gemm_add_u8i8_i8_x86_avx512vnni(const GemmI8AddArgs& args) { gemm<false>(Finish512::add_of(args, 0)); }
void gemm_add_i8i8_u8_x86_avx512vnni(const GemmI8AddArgs& args) { gemm<true>(Finish512::add_of(args, 0x80)); }
void gemm_add_i8i8_i8_x86_avx512vnni(const GemmI8AddArgs& args) { gemm<true>(Finish512::add_of(args, 0)); }
void gemm_u8i8_f32_x86_avx512vnni(const GemmI8FloatsArgs& args) { gemm<false>(Finish512::floats_of(args)); }
void gemm_i8i8_f32_x86_avx512vnni(const GemmI8FloatsArgs& args) { gemm<true>(Finish512::floats_of(args)); }

}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
