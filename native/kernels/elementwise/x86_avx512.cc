// The elementwise kernels for x86_avx512.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx512.h"

#include "native/isa/lanes/x86_avx512.h"
#include "native/kernels/elementwise/binary_i8.h"
#include "native/kernels/elementwise/body.h"

LOWBIT_ELEMENTWISE_KERNELS(x86_avx512)
LOWBIT_BINARY_I8_KERNELS(x86_avx512)

namespace lowbit {
namespace {
// The table as 128 words in four registers. A word of indices holds a byte x: bits 1..6 choose a word among 64, bit 7
// the half of the table, bit 0 the byte of the word.
inline __m512i lookup_words(const __m512i* table, __m512i x) {
  const __m512i word = _mm512_srli_epi16(x, 1);
  const __m512i low = _mm512_permutex2var_epi16(table[0], word, table[1]);
  const __m512i high = _mm512_permutex2var_epi16(table[2], word, table[3]);
  const __m512i pair = _mm512_mask_blend_epi16(_mm512_test_epi16_mask(x, _mm512_set1_epi16(0x80)), low, high);
  const __m512i shift = _mm512_slli_epi16(_mm512_and_si512(x, _mm512_set1_epi16(1)), 3);
  return _mm512_and_si512(_mm512_srlv_epi16(pair, shift), _mm512_set1_epi16(0xff));
}
}  // namespace

void lookup_8_x86_avx512(const LookupArgs& args) {
  int64_t i = 0;
  if (args.n >= 64) {
    __m512i table[4];
    for (int r = 0; r < 4; r++) table[r] = _mm512_loadu_si512(args.table + 64 * r);
    const __m512i low_bytes = _mm512_set1_epi16(0xff);
    for (; i + 64 <= args.n; i += 64) {
      const __m512i x = _mm512_loadu_si512(args.x + i);
      const __m512i even = lookup_words(table, _mm512_and_si512(x, low_bytes));
      const __m512i odd = lookup_words(table, _mm512_srli_epi16(x, 8));
      _mm512_storeu_si512(args.y + i, _mm512_or_si512(even, _mm512_slli_epi16(odd, 8)));
    }
  }
  lookup_run(args.x + i, args.table, args.y + i, args.n - i);
}
}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
