// The product by groups over any vector unit: an ISA file defines its units in its region and includes this file there.
// A unit, for weights of 4 or 8 bits:
//   kLanes of a vector; kSteps per line, each of 4 k; kParts of a panel that are computed one after the other;
//   kRun: lines whose products `Partial` sums hold, 0 where these are the int32 sums themselves;
//   ahead(p): asks for memory that will be read after p, or does nothing;
//   Line line(p): the 4 * kLanes bytes of kLanes columns; Bytes step(line, s): the codes of step s; Codes four(p): 4
//   codes of a row for all columns;
//   Partial start(total); dot(partial, weights, codes); Ints finish(total, partial);
//   Ints of(0), load4(p) of one int32 for all columns, columns(p) of zero points, sub, mul, middle(v): v times the
//   middle of the codes. A unit that lowers the codes in step() lowers the last two by as much; Floats zeros(),
//   load(p), store(p, v), broadcast(p), to_float(ints), add, mul.
// No include guard and no system header: it belongs to the region of the file that includes it.

namespace lowbit {

namespace {

// A tile of Rows x (16 * Panels). Rows are reached from every third one (base, base + stride, base + 2 * stride are
// addressing modes of x86).
template <typename Unit, int Rows, int Panels, bool HasZero>
void tile(const GemmGroupsArgs& args, int64_t row, int64_t panel, int part) {
  constexpr int kPerPanel = 16 / Unit::kLanes / Unit::kParts;
  constexpr int kVectors = kPerPanel * Panels;
  constexpr int kFirst = 16 / Unit::kParts;  // columns of a part
  constexpr int kBases = (Rows + 2) / 3;
  const int64_t a_stride = args.a_stride, panel_bytes = args.panel_bytes, zero_stride = args.zero_stride;
  const uint8_t* b = args.b + panel * panel_bytes + part * kFirst * 4;
  const uint8_t* zero = HasZero ? args.zero + panel * zero_stride + part * kFirst : nullptr;
  const float* a_scale = args.a_scale + row;
  const int32_t* a_sum = args.a_sum + row;
  float* c = args.c + row * args.c_stride + 16 * panel + part * kFirst;
  const int8_t* base[kBases];
  LOWBIT_UNROLL
  for (int i = 0; i < kBases; ++i) base[i] = args.a + (row + 3 * i) * a_stride;

  typename Unit::Floats sum[Rows][kVectors];
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      sum[r][v] = Unit::zeros();
    }
  }
  for (int64_t g = 0; g < args.groups; ++g) {
    const int64_t lines = g + 1 == args.groups ? args.last_lines : args.lines;
    const uint8_t* line = b + 64;
    typename Unit::Ints total[Rows][kVectors];
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const typename Unit::Ints row_sum = Unit::load4(a_sum + r);
      const typename Unit::Ints middle = Unit::sub(Unit::of(0), Unit::middle(row_sum));
      LOWBIT_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        if (HasZero) {
          const uint8_t* columns = zero + v / kPerPanel * zero_stride + v % kPerPanel * Unit::kLanes;
          total[r][v] = Unit::sub(Unit::of(0), Unit::mul(row_sum, Unit::columns(columns)));
        } else {
          total[r][v] = middle;
        }
      }
    }
    for (int64_t left = lines; left > 0;) {
      const int64_t run = Unit::kRun == 0 || left < Unit::kRun ? left : Unit::kRun;
      left -= run;
      typename Unit::Partial partial[Rows][kVectors];
      LOWBIT_UNROLL
      for (int r = 0; r < Rows; ++r) {
        LOWBIT_UNROLL
        for (int v = 0; v < kVectors; ++v) partial[r][v] = Unit::start(total[r][v]);
      }
      for (int64_t i = 0; i < run; ++i) {
        typename Unit::Line weights[kVectors];
        LOWBIT_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          const uint8_t* from = line + v / kPerPanel * panel_bytes + v % kPerPanel * Unit::kLanes * 4;
          Unit::ahead(from);
          weights[v] = Unit::line(from);
        }
        LOWBIT_UNROLL
        for (int s = 0; s < Unit::kSteps; ++s) {
          typename Unit::Bytes codes[kVectors];
          LOWBIT_UNROLL
          for (int v = 0; v < kVectors; ++v) codes[v] = Unit::step(weights[v], s);
          LOWBIT_UNROLL
          for (int r = 0; r < Rows; ++r) {
            const typename Unit::Codes four = Unit::four(base[r / 3] + r % 3 * a_stride + 4 * s);
            LOWBIT_UNROLL
            for (int v = 0; v < kVectors; ++v) partial[r][v] = Unit::dot(partial[r][v], codes[v], four);
          }
        }
        LOWBIT_UNROLL
        for (int j = 0; j < kBases; ++j) base[j] += 4 * Unit::kSteps;
        line += 64;
      }
      LOWBIT_UNROLL
      for (int r = 0; r < Rows; ++r) {
        LOWBIT_UNROLL
        for (int v = 0; v < kVectors; ++v) total[r][v] = Unit::finish(total[r][v], partial[r][v]);
      }
    }
    typename Unit::Floats scale[kVectors];
    LOWBIT_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const uint8_t* from = b + v / kPerPanel * panel_bytes + v % kPerPanel * Unit::kLanes * 4;
      Unit::ahead(from);
      scale[v] = Unit::load(reinterpret_cast<const float*>(from));
    }
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      const typename Unit::Floats row_scale = Unit::broadcast(a_scale + r);
      LOWBIT_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        sum[r][v] = Unit::add(sum[r][v], Unit::mul(Unit::to_float(total[r][v]), Unit::mul(row_scale, scale[v])));
      }
    }
    b = line;
    if (HasZero) zero += 16;
    a_scale += args.group_stride;
    a_sum += args.group_stride;
  }
  LOWBIT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    LOWBIT_UNROLL
    for (int v = 0; v < kVectors; ++v) Unit::store(c + r * args.c_stride + v * Unit::kLanes, sum[r][v]);
  }
}

template <typename Unit, int Rows, int Panels, bool HasZero>
void tile_of(int64_t rows, const GemmGroupsArgs& args, int64_t row, int64_t panel) {
  if (rows == Rows) {
    for (int part = 0; part < Unit::kParts; ++part) tile<Unit, Rows, Panels, HasZero>(args, row, panel, part);
  } else if constexpr (Rows > 1) {
    tile_of<Unit, Rows - 1, Panels, HasZero>(rows, args, row, panel);
  }
}

// All rows by the panels from `panel` on, `Panels` at a time, as long as that many are left; gives the first one left.
// Tiles of at most MaxRows rows of nearly equal height: a last tile of one row would wait for its few sums.
template <typename Unit, int MaxRows, int Panels>
int64_t columns_of(const GemmGroupsArgs& args, int64_t panel) {
  const int64_t tiles = (args.m + MaxRows - 1) / MaxRows;
  for (; args.panels - panel >= Panels; panel += Panels) {
    for (int64_t t = 0; t < tiles; ++t) {
      const int64_t row = args.m * t / tiles;
      const int64_t rows = args.m * (t + 1) / tiles - row;
      if (args.zero != nullptr) {
        tile_of<Unit, MaxRows, Panels, true>(rows, args, row, panel);
      } else {
        tile_of<Unit, MaxRows, Panels, false>(rows, args, row, panel);
      }
    }
  }
  return panel;
}

}  // namespace

}  // namespace lowbit
