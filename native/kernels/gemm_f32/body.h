// The float product over any vector unit: an ISA file defines its units in its region and includes this file there.
// A unit, Simd: Vector, kLanes, zero(), load(p), store(p, v), broadcast(p), multiply_add(a, b, c) = a * b + c.
// No include guard and no system header: it belongs to the region of the file that includes it.

namespace lowbit {

namespace {

// A tile of Rows x (16 * Panels). Every element is one chain of multiply-adds in the order of k, whatever the tile: how
// a matrix is cut never changes a result. Rows are reached from every third one (base, base + stride, base + 2 * stride
// are addressing modes of x86), so that a tile of 12 rows needs 4 pointers instead of 12.
template <typename Simd, int Rows, int Panels>
void tile(const float* a, const float* b, const GemmF32Args& args, float* c) {
  constexpr int kPerPanel = 16 / Simd::kLanes;
  constexpr int kVectors = kPerPanel * Panels;
  constexpr int kBases = (Rows + 2) / 3;
  const int64_t a_stride = args.a_stride;
  const int64_t panel_floats = args.panel_bytes / 4;
  typename Simd::Vector sum[Rows][kVectors];
  const float* base[kBases];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int v = 0; v < kVectors; ++v) sum[r][v] = Simd::zero();
  }
  LOWBIT_UNROLL
  for (int i = 0; i < kBases; ++i) base[i] = a + 3 * i * a_stride;
  for (int64_t k = args.k; k > 0; --k) {
    typename Simd::Vector columns[kVectors];
    LOWBIT_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      columns[v] = Simd::load(b + v / kPerPanel * panel_floats + v % kPerPanel * Simd::kLanes);
    }
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const typename Simd::Vector value = Simd::broadcast(base[r / 3] + r % 3 * a_stride);
      LOWBIT_UNROLL
      for (int v = 0; v < kVectors; ++v) sum[r][v] = Simd::multiply_add(value, columns[v], sum[r][v]);
    }
    LOWBIT_UNROLL
    for (int i = 0; i < kBases; ++i) base[i] += 1;
    b += 16;
  }
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int v = 0; v < kVectors; ++v) Simd::store(c + r * args.c_stride + v * Simd::kLanes, sum[r][v]);
  }
}

template <typename Simd, int Rows, int Panels>
void tile_of(int64_t rows, const float* a, const float* b, const GemmF32Args& args, float* c) {
  if (rows == Rows) {
    tile<Simd, Rows, Panels>(a, b, args, c);
  } else if constexpr (Rows > 1) {
    tile_of<Simd, Rows - 1, Panels>(rows, a, b, args, c);
  }
}

// All rows by the panels [panel, panel + Panels), in tiles of at most MaxRows rows of nearly equal height: a last tile
// of one row would leave the ports idle while its few accumulators wait for themselves.
template <typename Simd, int MaxRows, int Panels>
void columns(const GemmF32Args& args, int64_t panel) {
  const int64_t tiles = (args.m + MaxRows - 1) / MaxRows;
  const float* b = args.b + panel * (args.panel_bytes / 4);
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t first = args.m * t / tiles;
    const int64_t rows = args.m * (t + 1) / tiles - first;
    tile_of<Simd, MaxRows, Panels>(rows, args.a + first * args.a_stride, b, args,
                                   args.c + first * args.c_stride + 16 * panel);
  }
}

}  // namespace

}  // namespace lowbit
