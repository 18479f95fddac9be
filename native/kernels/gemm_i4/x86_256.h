// What the units of 256 bits have in common (tile.h says what it means). Included inside the region of an ISA file.

namespace lowbit {

namespace {

struct Vectors {
  static constexpr int kLanes = 8;
  static constexpr int kParts = 1;
  using Line = __m256i;
  using Codes = __m256i;
  using Ints = __m256i;
  using Floats = __m256;

  static inline __m256i load_bytes(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static inline __m256i low_halves(__m256i v) { return _mm256_and_si256(v, _mm256_set1_epi8(15)); }

  static inline void ahead(const uint8_t*) {}
  static inline Line line(const uint8_t* p) { return load_bytes(p); }
  static inline Codes four(const int8_t* p) {
    int32_t word;
    memcpy(&word, p, 4);
    return _mm256_set1_epi32(word);
  }

  static inline Ints of(int32_t v) { return _mm256_set1_epi32(v); }
  static inline Ints load4(const int32_t* p) { return _mm256_set1_epi32(*p); }
  static inline Ints columns(const uint8_t* p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  }
  static inline Ints sub(Ints a, Ints b) { return _mm256_sub_epi32(a, b); }
  static inline Ints mul(Ints a, Ints b) { return _mm256_mullo_epi32(a, b); }

  static inline Floats zeros() { return _mm256_setzero_ps(); }
  static inline Floats load(const float* p) { return _mm256_loadu_ps(p); }
  static inline void store(float* p, Floats v) { _mm256_storeu_ps(p, v); }
  static inline Floats broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  static inline Floats to_float(Ints v) { return _mm256_cvtepi32_ps(v); }
  static inline Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
  static inline Floats mul(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
};

}  // namespace

}  // namespace lowbit
