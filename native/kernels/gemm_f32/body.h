// The float product over any vector unit: an ISA file defines its units in its region and includes this file there.
// A unit, Simd: Vector, kLanes, zero(), load(p), store(p, v), broadcast(p), of(value), add(a, b),
// multiply_add(a, b, c) = a * b + c, clamp(v, lo, hi); kRows rows of the matrix in a group of 64 bytes of a panel, and
// column<S>(group, first): row S of a group from its column `first` on; kPrefetches, and then prefetch(p) into the L2
// cache.
// No include guard and no system header: it belongs to the region of the file that includes it.

namespace lowbit {

namespace {

// One row of the matrix: sum[r][v] goes on by a[r] * w. Rows are reached from every third one (base, base + stride,
// base + 2 * stride are addressing modes of x86), so that a tile of 12 rows needs 4 pointers instead of 12.
template <typename Simd, int S, int Rows, int Panels, typename Vector>
inline void step(const float* const* base, int64_t row_stride, const uint8_t* b, int64_t panel_bytes,
                 Vector (&sum)[Rows][16 / Simd::kLanes * Panels]) {
  constexpr int kPerPanel = 16 / Simd::kLanes;
  constexpr int kVectors = kPerPanel * Panels;
  Vector columns[kVectors];
  LOWBIT_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    columns[v] = Simd::template column<S>(b + v / kPerPanel * panel_bytes, v % kPerPanel * Simd::kLanes);
  }
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    const Vector value = Simd::broadcast(base[r / 3] + r % 3 * row_stride + S);
    LOWBIT_UNROLL
    for (int v = 0; v < kVectors; ++v) sum[r][v] = Simd::multiply_add(value, columns[v], sum[r][v]);
  }
}

// Memory that is asked for while a tile multiplies, a line per row of the matrix: a panel that comes next would
// otherwise be waited for by the first tile that meets it. step 0: nothing, the line at p is in the L1 cache.
struct Ahead {
  const uint8_t* p;
  int64_t step;
};

// A tile of Rows x (16 * Panels) at row pointers a + r * row_stride; bias is at the tile's first column, or null. Every
// element is one chain of multiply-adds in the order of k, whatever the tile: how a matrix is cut never changes a
// result. Rows are reached from every third one (base, base + stride, base + 2 * stride are addressing modes of x86),
// so that a tile of 12 rows needs 4 pointers instead of 12.
template <typename Simd, int Rows, int Panels>
void tile(const GemmF32Args& args, const float* a, const uint8_t* b, const float* bias, float* c, int64_t c_stride,
          Ahead ahead) {
  constexpr int kPerPanel = 16 / Simd::kLanes;
  constexpr int kVectors = kPerPanel * Panels;
  constexpr int kBases = (Rows + 2) / 3;
  const int64_t row_stride = args.rows.row_stride;
  const int64_t run = args.rows.run;
  typename Simd::Vector sum[Rows][kVectors];
  const float* base[kBases];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int v = 0; v < kVectors; ++v) sum[r][v] = Simd::zero();
  }
  if (args.accumulate) {
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      LOWBIT_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[r][v] = Simd::load(c + r * c_stride + v * Simd::kLanes);
    }
  }
  LOWBIT_UNROLL
  for (int i = 0; i < kBases; ++i) base[i] = a + 3 * i * row_stride;
  for (int64_t s = args.rows.segments; s > 0; --s) {
    for (int64_t k = run / Simd::kRows; k > 0; --k) {
      if constexpr (Simd::kPrefetches && Rows > 2) {
        Simd::prefetch(ahead.p);
        ahead.p += ahead.step;
      }
      step<Simd, 0, Rows, Panels>(base, row_stride, b, args.panel_bytes, sum);
      if constexpr (Simd::kRows == 2) step<Simd, 1, Rows, Panels>(base, row_stride, b, args.panel_bytes, sum);
      LOWBIT_UNROLL
      for (int i = 0; i < kBases; ++i) base[i] += Simd::kRows;
      b += 64;
    }
    if constexpr (Simd::kRows == 2) {
      if (run % 2 != 0) {
        step<Simd, 0, Rows, Panels>(base, row_stride, b, args.panel_bytes, sum);
        b += 64;
      }
    }
    LOWBIT_UNROLL
    for (int i = 0; i < kBases; ++i) base[i] += args.rows.segment_stride - run / Simd::kRows * Simd::kRows;
  }
  if (args.last) {
    if (bias != nullptr) {
      LOWBIT_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        const typename Simd::Vector added = Simd::load(bias + v * Simd::kLanes);
        LOWBIT_UNROLL
        for (int r = 0; r < Rows; ++r) sum[r][v] = Simd::add(sum[r][v], added);
      }
    }
    const typename Simd::Vector lo = Simd::of(args.lo), hi = Simd::of(args.hi);
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      LOWBIT_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[r][v] = Simd::clamp(sum[r][v], lo, hi);
    }
  }
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int v = 0; v < kVectors; ++v) Simd::store(c + r * c_stride + v * Simd::kLanes, sum[r][v]);
  }
}

template <typename Simd, int Rows, int Panels>
void tile_of(int64_t rows, const GemmF32Args& args, const float* a, const uint8_t* b, const float* bias, float* c,
             int64_t c_stride, const Ahead& ahead) {
  if (rows == Rows) {
    tile<Simd, Rows, Panels>(args, a, b, bias, c, c_stride, ahead);
  } else if constexpr (Rows > 1) {
    tile_of<Simd, Rows - 1, Panels>(rows, args, a, b, bias, c, c_stride, ahead);
  }
}

// What tile number `number` of `all` asks for: one of the panels behind `panel` + Panels, or of those that the next
// call begins with, so that each is asked for once; most tiles ask for none.
template <int Panels>
Ahead ahead_of(const GemmF32Args& args, int64_t panel, int64_t number, int64_t all) {
  const bool inside = panel + Panels < (args.n + 15) / 16;
  const uint8_t* next = inside ? args.b + (panel + Panels) * args.panel_bytes : args.next;
  const int64_t wanted = (number * Panels + all - 1) / all;
  if (next == nullptr || wanted * all / Panels != number) return {args.b, 0};
  return {next + wanted * args.panel_bytes, 64};
}

// All rows by the panels [panel, panel + Panels), in tiles of at most MaxRows rows of nearly equal height: a last tile
// of one row would leave the ports idle while its few accumulators wait for themselves. A group with columns behind the
// matrix's last goes through a buffer. Returns the panel behind.
template <typename Simd, int MaxRows, int Panels>
int64_t columns(const GemmF32Args& args, int64_t panel) {
  const FloatRows& rows = args.rows;
  const int64_t tiles = (rows.line_rows + MaxRows - 1) / MaxRows;
  const uint8_t* b = args.b + panel * args.panel_bytes;
  const float* bias = args.bias == nullptr ? nullptr : args.bias + 16 * panel;
  const int64_t left = args.n - 16 * panel;
  const int64_t all = rows.lines * tiles;
  if (left >= 16 * Panels) {
    for (int64_t line = 0; line < rows.lines; ++line) {
      const float* a = rows.a + line * rows.line_stride;
      float* c = args.c + line * rows.line_rows * args.c_stride + 16 * panel;
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t first = rows.line_rows * t / tiles;
        const int64_t count = rows.line_rows * (t + 1) / tiles - first;
        tile_of<Simd, MaxRows, Panels>(count, args, a + first * rows.row_stride, b, bias, c + first * args.c_stride,
                                       args.c_stride, ahead_of<Panels>(args, panel, line * tiles + t, all));
      }
    }
    return panel + Panels;
  }
  constexpr int64_t kWidth = 16 * Panels;
  float edge[MaxRows * kWidth], edge_bias[kWidth];
  for (int64_t j = 0; j < kWidth; ++j) edge_bias[j] = bias != nullptr && j < left ? bias[j] : 0.0f;
  for (int64_t line = 0; line < rows.lines; ++line) {
    const float* a = rows.a + line * rows.line_stride;
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t first = rows.line_rows * t / tiles;
      const int64_t count = rows.line_rows * (t + 1) / tiles - first;
      float* c = args.c + (line * rows.line_rows + first) * args.c_stride + 16 * panel;
      if (args.accumulate) {
        for (int64_t r = 0; r < count; ++r) {
          for (int64_t j = 0; j < kWidth; ++j) edge[r * kWidth + j] = j < left ? c[r * args.c_stride + j] : 0.0f;
        }
      }
      tile_of<Simd, MaxRows, Panels>(count, args, a + first * rows.row_stride, b, bias == nullptr ? nullptr : edge_bias,
                                     edge, kWidth, {args.b, 0});
      for (int64_t r = 0; r < count; ++r) {
        for (int64_t j = 0; j < left; ++j) c[r * args.c_stride + j] = edge[r * kWidth + j];
      }
    }
  }
  return panel + Panels;
}

// The panels from `panel` on, Panels at a time, while at least that many are left. Returns the panel behind.
template <typename Simd, int MaxRows, int Panels>
int64_t groups(const GemmF32Args& args, int64_t panel) {
  const int64_t panels = (args.n + 15) / 16;
  while (panels - panel >= Panels) panel = columns<Simd, MaxRows, Panels>(args, panel);
  return panel;
}

}  // namespace

}  // namespace lowbit

// The kernels of an ISA whose file defines Fused, Unfused and `void product<Simd>(args)`.
#define LOWBIT_GEMM_F32_KERNELS(isa)                                               \
  namespace lowbit {                                                               \
  void gemm_f32_##isa(const GemmF32Args& args) { product<Fused>(args); }           \
  void gemm_unfused_f32_##isa(const GemmF32Args& args) { product<Unfused>(args); } \
  }
