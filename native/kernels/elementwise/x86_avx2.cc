// The elementwise kernels for x86_avx2.
#if defined(__x86_64__)
#include <cstdint>
#include <cstring>
#include <limits>

#include "native/kernels/kernels.h"

#include "native/isa/target/begin_x86_avx2.h"

#include "native/isa/lanes/x86_avx2.h"
#include "native/kernels/elementwise/binary_i8.h"
#include "native/kernels/elementwise/body.h"

LOWBIT_ELEMENTWISE_KERNELS(x86_avx2)
LOWBIT_BINARY_I8_KERNELS(x86_avx2)

namespace lowbit {
// A byte shuffle looks up 16 entries, so 16 shuffles cover the table. For row r, x - 16r (mod 256) + 112 (saturating)
// has bit 7 clear and x's low nibble in place exactly when x belongs to the row; where bit 7 is set, vpshufb gives 0.
void lookup_8_x86_avx2(const LookupArgs& args) {
  int64_t i = 0;
  if (args.n >= 128) {
    __m256i rows[16];
    for (int r = 0; r < 16; r++) {
      rows[r] = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(args.table + 16 * r)));
    }
    const __m256i bias = _mm256_set1_epi8(112), sixteen = _mm256_set1_epi8(16);
    for (; i + 32 <= args.n; i += 32) {
      __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(args.x + i));
      __m256i y = _mm256_setzero_si256();
      for (int r = 0; r < 16; r++) {
        y = _mm256_or_si256(y, _mm256_shuffle_epi8(rows[r], _mm256_adds_epu8(x, bias)));
        x = _mm256_sub_epi8(x, sixteen);
      }
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(args.y + i), y);
    }
  }
  lookup_run(args.x + i, args.table, args.y + i, args.n - i);
}
}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
