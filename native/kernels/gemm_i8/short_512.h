// Products of few codes per row that end in codes: the weights stay in registers, rows pass by. Included inside the
// region of an ISA file, behind codes_512.h.
#pragma once

#include <cstring>

#include "native/isa/unroll.h"
#include "native/kernels/gemm_i8/codes_512.h"

namespace lowbit {

namespace {

// A tile of long rows reads Panels registers of weights per group of k, begins with an accumulator for every row and
// panel and ends with them: for k = 16 the beginning and the end are more instructions than the product. Here a step is
// one vector of 64 codes, small enough that the next ones run in its shadow.
template <bool Signed, int Segments, int Groups, int Panels>
struct ShortColumns {
  __m512i weight[Segments * Groups][Panels];
  Columns512<Panels> columns;
  const GemmI8CodesArgs& args;

  ShortColumns(const Finish512& finish, int64_t panel) : args(*finish.codes) {
    columns.template prepare<Signed>(finish, panel);
    const GemmI8Product& product = args.product;
    const int8_t* b = product.b + panel * product.panel_bytes;
    LOWBIT_UNROLL
    for (int g = 0; g < Segments * Groups; ++g) {
      LOWBIT_UNROLL
      for (int p = 0; p < Panels; ++p) weight[g][p] = _mm512_loadu_si512(b + p * product.panel_bytes + 64 * g);
    }
  }

  template <int Rows>
  inline __attribute__((always_inline)) void step(int64_t row) const {
    const GemmI8Product& product = args.product;
    const uint8_t* a = static_cast<const uint8_t*>(product.a) + row * product.a_stride;
    const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
    __m512i sum[Rows][Panels];
    LOWBIT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      LOWBIT_UNROLL
      for (int p = 0; p < Panels; ++p) sum[r][p] = columns.start[p];
    }
    LOWBIT_UNROLL
    for (int g = 0; g < Segments * Groups; ++g) {
      LOWBIT_UNROLL
      for (int r = 0; r < Rows; ++r) {
        int32_t word;
        memcpy(&word, a + r * product.a_stride + g / Groups * product.segment_stride + g % Groups * 4, 4);
        __m512i codes = _mm512_set1_epi32(word);
        if (Signed) codes = _mm512_xor_si512(codes, flip);
        LOWBIT_UNROLL
        for (int p = 0; p < Panels; ++p) sum[r][p] = _mm512_dpbusd_epi32(sum[r][p], codes, weight[g][p]);
      }
    }
    finish_tile_512<Rows, Panels>(args, columns, row, sum);
  }

  void run() const {
    constexpr int kShare = 4 / Panels;
    const int64_t m = args.product.m;
    int64_t row = 0;
    for (; row + kShare <= m; row += kShare) step<kShare>(row);
    for (; row < m; ++row) step<1>(row);
  }
};

template <bool Signed, int Segments, int Groups>
void short_rows(const Finish512& finish) {
  constexpr int kMost = Segments * Groups <= 6 ? 4 : 2;  // panels, so that at most 24 registers hold weights
  const int64_t panels = finish.product->panels;
  int64_t panel = 0;
  if constexpr (kMost == 4) {
    for (; panels - panel >= 4; panel += 4) ShortColumns<Signed, Segments, Groups, 4>(finish, panel).run();
  }
  for (; panels - panel >= 2; panel += 2) ShortColumns<Signed, Segments, Groups, 2>(finish, panel).run();
  if (panels - panel == 1) ShortColumns<Signed, Segments, Groups, 1>(finish, panel).run();
}

constexpr int64_t kShortRows = 32;  // rows that are worth loading the weights

// Does the product if it is one of those, of lengths that networks have.
template <bool Signed>
bool run_short(const Finish512& finish) {
  const GemmI8Product& product = *finish.product;
  if (finish.codes == nullptr || finish.corrected || finish.add != nullptr || product.m < kShortRows) return false;
  if (product.segments == 1) {
    switch (product.k) {
      case 16:
        short_rows<Signed, 1, 4>(finish);
        return true;
      case 24:
        short_rows<Signed, 1, 6>(finish);
        return true;
      case 32:
        short_rows<Signed, 1, 8>(finish);
        return true;
      case 48:
        short_rows<Signed, 1, 12>(finish);
        return true;
      default:
        return false;
    }
  }
  if (product.segments != 3 || product.k != 12) return false;  // 3 x 3 over 3 channels, widened
  short_rows<Signed, 3, 3>(finish);
  return true;
}

}  // namespace

}  // namespace lowbit
