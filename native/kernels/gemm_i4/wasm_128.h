// What the units of WebAssembly have in common (tile.h says what it means). Included by the files of its variants.

namespace lowbit {

namespace {

struct Vectors {
  static constexpr int kLanes = 4;
  using Line = v128_t;
  using Codes = v128_t;
  using Ints = v128_t;
  // Another type than the integers, so that mul can tell them apart.
  struct Floats {
    v128_t v;
  };

  static inline void ahead(const uint8_t*) {}
  static inline Line line(const uint8_t* p) { return wasm_v128_load(p); }

  static inline Ints of(int32_t v) { return wasm_i32x4_splat(v); }
  static inline Ints load4(const int32_t* p) { return wasm_v128_load32_splat(p); }
  static inline Ints sub(Ints a, Ints b) { return wasm_i32x4_sub(a, b); }
  static inline Ints mul(Ints a, Ints b) { return wasm_i32x4_mul(a, b); }
  static inline Ints columns(const uint8_t* p) {
    return wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(p)));
  }

  static inline Floats zeros() { return {wasm_f32x4_const_splat(0.0f)}; }
  static inline Floats load(const float* p) { return {wasm_v128_load(p)}; }
  static inline void store(float* p, Floats v) { wasm_v128_store(p, v.v); }
  static inline Floats broadcast(const float* p) { return {wasm_v128_load32_splat(p)}; }
  static inline Floats to_float(Ints v) { return {wasm_f32x4_convert_i32x4(v)}; }
  static inline Floats add(Floats a, Floats b) { return {wasm_f32x4_add(a.v, b.v)}; }
  static inline Floats mul(Floats a, Floats b) { return {wasm_f32x4_mul(a.v, b.v)}; }

  static inline v128_t half(Line line, int s) {
    return s == 0 ? wasm_v128_and(line, wasm_u8x16_const_splat(15)) : wasm_u8x16_shr(line, 4);
  }
};

}  // namespace

}  // namespace lowbit
