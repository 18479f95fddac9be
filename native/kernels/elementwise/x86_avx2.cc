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

namespace {
// Which of 16 bytes of plane j lie where in the 16 bytes o of the pixels: byte t of them belongs to pixel t / 3.
struct InterleaveMasks {
  uint8_t of[3][3][16];
};
constexpr InterleaveMasks interleave_masks() {
  InterleaveMasks masks = {};
  for (int o = 0; o < 3; o++) {
    for (int j = 0; j < 3; j++) {
      for (int t = 0; t < 16; t++) {
        masks.of[o][j][t] = (16 * o + t) % 3 == j ? static_cast<uint8_t>((16 * o + t) / 3) : uint8_t{0x80};
      }
    }
  }
  return masks;
}
alignas(16) constexpr InterleaveMasks kInterleave = interleave_masks();
}  // namespace

void interleave_8_x86_avx2(const InterleaveArgs& args) {
  __m128i masks[3][3];
  for (int o = 0; o < 3; o++) {
    for (int j = 0; j < 3; j++) masks[o][j] = _mm_load_si128(reinterpret_cast<const __m128i*>(kInterleave.of[o][j]));
  }
  int64_t i = 0;
  for (; i + 16 <= args.n; i += 16) {
    __m128i plane[3];
    for (int j = 0; j < 3; j++) {
      plane[j] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(args.x + i + j * args.plane));
    }
    for (int o = 0; o < 3; o++) {
      const __m128i pixels =
          _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(plane[0], masks[o][0]), _mm_shuffle_epi8(plane[1], masks[o][1])),
                       _mm_shuffle_epi8(plane[2], masks[o][2]));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(args.y + 3 * i + 16 * o), pixels);
    }
  }
  interleave_run(args.x + i, args.plane, args.y + 3 * i, args.n - i);
}
}  // namespace lowbit

#include "native/isa/target/end.h"
#endif
