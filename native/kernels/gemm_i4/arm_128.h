// What the units of Advanced SIMD have in common (tile.h says what it means). Included inside the region of an ISA
// file.

namespace lowbit {

namespace {

struct Vectors {
  static constexpr int kLanes = 4;
  static constexpr int kParts = 1;
  using Line = uint8x16_t;
  using Codes = int8x16_t;
  using Bytes = int8x16_t;
  using Ints = int32x4_t;
  using Floats = float32x4_t;

  static inline void ahead(const uint8_t*) {}
  static inline Line line(const uint8_t* p) { return vld1q_u8(p); }
  static inline Codes four(const int8_t* p) {
    int32_t word;
    memcpy(&word, p, 4);
    return vreinterpretq_s8_s32(vdupq_n_s32(word));
  }

  static inline Ints of(int32_t v) { return vdupq_n_s32(v); }
  static inline Ints load4(const int32_t* p) { return vld1q_dup_s32(p); }
  static inline Ints sub(Ints a, Ints b) { return vsubq_s32(a, b); }
  static inline Ints mul(Ints a, Ints b) { return vmulq_s32(a, b); }
  static inline Ints four_columns(const uint8_t* p) {
    uint32_t word;
    memcpy(&word, p, 4);
    const uint16x8_t wide = vmovl_u8(vcreate_u8(word));
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(wide)));
  }

  static inline Floats zeros() { return vdupq_n_f32(0.0f); }
  static inline Floats load(const float* p) { return vld1q_f32(p); }
  static inline void store(float* p, Floats v) { vst1q_f32(p, v); }
  static inline Floats broadcast(const float* p) { return vld1q_dup_f32(p); }
  static inline Floats to_float(Ints v) { return vcvtq_f32_s32(v); }
  static inline Floats add(Floats a, Floats b) { return vaddq_f32(a, b); }
  static inline Floats mul(Floats a, Floats b) { return vmulq_f32(a, b); }
};

// Codes of 4 bits are signed bytes as they are.
struct Halves : Vectors {
  static constexpr int kSteps = 2;
  static inline Ints middle(Ints v) { return vshlq_n_s32(v, 3); }
  static inline Ints columns(const uint8_t* p) { return four_columns(p); }
  static inline Bytes step(Line line, int s) {
    return vreinterpretq_s8_u8(s == 0 ? vandq_u8(line, vdupq_n_u8(15)) : vshrq_n_u8(line, 4));
  }
};

// Codes of 8 bits become signed ones, 128 lower, and so do their zero points: the middle is 0.
struct Lowered : Vectors {
  static constexpr int kSteps = 1;
  static inline Ints middle(Ints) { return vdupq_n_s32(0); }
  static inline Ints columns(const uint8_t* p) { return vsubq_s32(four_columns(p), vdupq_n_s32(128)); }
  static inline Bytes step(Line line, int) { return vreinterpretq_s8_u8(veorq_u8(line, vdupq_n_u8(0x80))); }
};

}  // namespace

}  // namespace lowbit
