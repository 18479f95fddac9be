// The AMX intrinsics that the files x86_amx.cc use, in plain C++ over tiles that belong to the thread: for tests on
// machines without AMX. Included in the place of the compiler's when LOWBIT_AMX_EMULATION is defined; never part of the
// library.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace lowbit {
namespace amx_emulation {

// Intel SDM, volume 1, chapter 18: palette 1 has 8 tiles of at most 16 rows of 64 bytes.
struct Tile {
  uint8_t bytes[16][64];
};

struct State {
  bool configured = false;
  uint8_t rows[8];
  uint16_t row_bytes[8];
  Tile tiles[8];
};

inline State& state() {
  static thread_local State current;
  return current;
}

// What the processor answers with a fault ends the test program.
inline void require(bool condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "AMX emulation: %s\n", what);
  exit(3);
}

inline void load_config(const void* memory) {
  const uint8_t* config = static_cast<const uint8_t*>(memory);
  State& s = state();
  require(config[0] == 1 && config[1] == 0, "palette 1 from row 0 is expected");
  for (int i = 2; i < 16; ++i) require(config[i] == 0, "reserved bytes 2 to 15 must be 0");
  for (int i = 32; i < 48; ++i) require(config[i] == 0, "reserved bytes 32 to 47 must be 0");
  for (int t = 0; t < 8; ++t) {
    memcpy(&s.row_bytes[t], config + 16 + 2 * t, 2);
    s.rows[t] = config[48 + t];
    require(s.rows[t] <= 16 && s.row_bytes[t] <= 64, "a tile has at most 16 rows of 64 bytes");
    require((s.rows[t] == 0) == (s.row_bytes[t] == 0), "a tile has rows and bytes, or neither");
  }
  for (int i = 56; i < 64; ++i) require(config[i] == 0, "palette 1 has no tile 8 to 15");
  memset(s.tiles, 0, sizeof(s.tiles));
  s.configured = true;
}

inline void release() {
  require(state().configured, "tilerelease without a configuration");
  state().configured = false;
}

inline void use(int tile) { require(state().configured && state().rows[tile] > 0, "the tile is not configured"); }

inline void zero(int tile) {
  use(tile);
  memset(&state().tiles[tile], 0, sizeof(Tile));
}

inline void load(int tile, const void* base, int64_t stride) {
  use(tile);
  State& s = state();
  memset(&s.tiles[tile], 0, sizeof(Tile));
  for (int r = 0; r < s.rows[tile]; ++r) {
    memcpy(s.tiles[tile].bytes[r], static_cast<const uint8_t*>(base) + r * stride, s.row_bytes[tile]);
  }
}

inline void store(int tile, void* base, int64_t stride) {
  use(tile);
  State& s = state();
  for (int r = 0; r < s.rows[tile]; ++r) {
    memcpy(static_cast<uint8_t*>(base) + r * stride, s.tiles[tile].bytes[r], s.row_bytes[tile]);
  }
}

// c[m][n] += sum over k and i < 4 of a[m][4k + i] * b[k][4n + i], in int32 that wraps.
template <typename A>
inline void multiply(int c, int a, int b) {
  use(c);
  use(a);
  use(b);
  State& s = state();
  require(s.rows[c] == s.rows[a] && s.row_bytes[c] == s.row_bytes[b] && s.row_bytes[a] == 4 * s.rows[b],
          "the shapes of the three tiles do not fit");
  for (int m = 0; m < s.rows[c]; ++m) {
    for (int n = 0; n < s.row_bytes[c] / 4; ++n) {
      uint32_t sum;
      memcpy(&sum, &s.tiles[c].bytes[m][4 * n], 4);
      for (int k = 0; k < s.row_bytes[a]; ++k) {
        const int32_t left = static_cast<A>(s.tiles[a].bytes[m][k]);
        const int32_t right = static_cast<int8_t>(s.tiles[b].bytes[k / 4][4 * n + k % 4]);
        sum += static_cast<uint32_t>(left * right);
      }
      memcpy(&s.tiles[c].bytes[m][4 * n], &sum, 4);
    }
  }
}

// What counts as 0 does: subnormal operands and results.
inline float flushed(float value) {
  return fabsf(value) < std::numeric_limits<float>::min() ? copysignf(0.0f, value) : value;
}

inline float bf16_at(const uint8_t* p) {
  const uint32_t bits = static_cast<uint32_t>(p[0]) << 16 | static_cast<uint32_t>(p[1]) << 24;
  float value;
  memcpy(&value, &bits, 4);
  return flushed(value);
}

// c[m][n] += (sum over k of a[m][2k] * b[k][2n]) + (sum over k of a[m][2k + 1] * b[k][2n + 1]) of bf16, the two sums by
// fused multiply-adds in the order of k.
inline void multiply_bf16(int c, int a, int b) {
  use(c);
  use(a);
  use(b);
  State& s = state();
  require(s.rows[c] == s.rows[a] && s.row_bytes[c] == s.row_bytes[b] && s.row_bytes[a] == 4 * s.rows[b],
          "the shapes of the three tiles do not fit");
  for (int m = 0; m < s.rows[c]; ++m) {
    for (int n = 0; n < s.row_bytes[c] / 4; ++n) {
      float sums[2] = {0.0f, 0.0f};
      for (int k = 0; k < s.row_bytes[a] / 2; ++k) {
        float& sum = sums[k % 2];
        const float right = bf16_at(&s.tiles[b].bytes[k / 2][4 * n + k % 2 * 2]);
        sum = flushed(fmaf(bf16_at(&s.tiles[a].bytes[m][2 * k]), right, sum));
      }
      float sum;
      memcpy(&sum, &s.tiles[c].bytes[m][4 * n], 4);
      sum = flushed(flushed(sum) + flushed(sums[0] + sums[1]));
      memcpy(&s.tiles[c].bytes[m][4 * n], &sum, 4);
    }
  }
}

}  // namespace amx_emulation
}  // namespace lowbit

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbusd
#undef _tile_dpbssd
#undef _tile_dpbf16ps
#define _tile_loadconfig(config) ::lowbit::amx_emulation::load_config(config)
#define _tile_release() ::lowbit::amx_emulation::release()
#define _tile_zero(tile) ::lowbit::amx_emulation::zero(tile)
#define _tile_loadd(tile, base, stride) ::lowbit::amx_emulation::load(tile, base, stride)
#define _tile_stored(tile, base, stride) ::lowbit::amx_emulation::store(tile, base, stride)
#define _tile_dpbusd(c, a, b) ::lowbit::amx_emulation::multiply<uint8_t>(c, a, b)
#define _tile_dpbssd(c, a, b) ::lowbit::amx_emulation::multiply<int8_t>(c, a, b)
#define _tile_dpbf16ps(c, a, b) ::lowbit::amx_emulation::multiply_bf16(c, a, b)
