// Compares the product and depthwise kernels of one instruction set with the portable ones, over awkward sizes: for
// sets that this machine can only emulate. -DCANDIDATE=<isa>; -DDEPTHWISE, -DFLOATS, -DCODES (with -DFLOATS_FINISHED also
// products that end in floats), -DGROUPED, -DBLOCKS and -DHALVES when it has such kernels.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <limits>

#include "native/kernels/kernels.h"

#define JOIN_NAMES(slot, isa) slot##_##isa
#define NAME_OF(slot, isa) JOIN_NAMES(slot, isa)
#define OF(slot) lowbit::NAME_OF(slot, CANDIDATE)

namespace {

uint32_t state = 1;
uint32_t random_word() {  // xorshift32
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

enum class Codes { kRandom, kHighest, kLowest };

uint8_t code(Codes kind, bool is_signed) {
  if (kind == Codes::kHighest) return is_signed ? 127 : 255;
  if (kind == Codes::kLowest) return is_signed ? 0x80 : 0;
  return static_cast<uint8_t>(random_word() >> 13);
}

template <typename T>
T* array(int64_t n) {
  T* memory = static_cast<T*>(malloc(static_cast<size_t>(n) * sizeof(T)));
  if (memory == nullptr) exit(2);
  return memory;
}

int failures = 0;

void differ(const char* what, int64_t a, int64_t b, int64_t c) {
  printf("%s differs from portable at %lld %lld %lld\n", what, static_cast<long long>(a), static_cast<long long>(b),
         static_cast<long long>(c));
  ++failures;
}

void compare_gemm(int64_t m, int64_t k, int64_t panels, bool is_signed, Codes a_kind, Codes w_kind) {
  const int64_t panel_bytes = (k + 3) / 4 * 64;
  const int64_t n = 16 * panels;
  const int64_t a_stride = k + (m > 1 ? static_cast<int64_t>(random_word() % 5) : 0);
  const int64_t c_stride = n + 3;
  // Exactly what may be read and written: a sanitizer sees the byte behind.
  uint8_t* a = array<uint8_t>((m - 1) * a_stride + k);
  int8_t* b = array<int8_t>(panels * panel_bytes);
  int32_t* column_sum = array<int32_t>(n);
  int32_t* wanted = array<int32_t>((m - 1) * c_stride + n);
  int32_t* found = array<int32_t>((m - 1) * c_stride + n);
  for (int64_t i = 0; i < (m - 1) * a_stride + k; ++i) a[i] = code(a_kind, is_signed);
  memset(column_sum, 0, static_cast<size_t>(n) * 4);
  for (int64_t i = 0; i < panels * panel_bytes; ++i) {
    const int64_t row = i % panel_bytes / 64 * 4 + i % 4;
    b[i] = row < k ? static_cast<int8_t>(code(w_kind, true)) : 0;
    column_sum[i / panel_bytes * 16 + i % 64 / 4] += b[i];
  }
  for (int64_t i = 0; i < (m - 1) * c_stride + n; ++i) wanted[i] = found[i] = 0x5a5a5a5a;
  lowbit::GemmI8Args args = {a, a_stride, b, panel_bytes, column_sum, m, panels, k, wanted, c_stride, false};
  (is_signed ? lowbit::gemm_i8i8_i32_portable : lowbit::gemm_u8i8_i32_portable)(args);
  args.c = found;
  (is_signed ? OF(gemm_i8i8_i32) : OF(gemm_u8i8_i32))(args);
  if (memcmp(wanted, found, static_cast<size_t>((m - 1) * c_stride + n) * 4) != 0) {
    differ(is_signed ? "gemm_i8i8_i32" : "gemm_u8i8_i32", m, k, panels);
  }
  // The second half of k on top of the first, whose column sums are those of all of k.
  const int64_t half = k / 8 * 4;
  if (half > 0) {
    lowbit::GemmI8Args part = args;
    part.k = half;
    (is_signed ? OF(gemm_i8i8_i32) : OF(gemm_u8i8_i32))(part);
    part.a = a + half;
    part.b = b + half * 16;
    part.k = k - half;
    part.accumulate = true;
    (is_signed ? OF(gemm_i8i8_i32) : OF(gemm_u8i8_i32))(part);
    if (memcmp(wanted, found, static_cast<size_t>((m - 1) * c_stride + n) * 4) != 0) {
      differ("accumulated gemm_i8", m, k, panels);
    }
  }
  free(a);
  free(b);
  free(column_sum);
  free(wanted);
  free(found);
}

void compare_peak(int64_t steps) {
  uint8_t a[4];
  int8_t b[64];
  int32_t wanted[16], found[16];
  for (auto& value : a) value = code(Codes::kRandom, false);
  for (auto& value : b) value = static_cast<int8_t>(code(Codes::kRandom, true));
  lowbit::peak_u8i8_i32_portable({a, b, wanted, steps});
  OF(peak_u8i8_i32)({a, b, found, steps});
  if (memcmp(wanted, found, sizeof(wanted)) != 0) differ("peak_u8i8_i32", steps, 0, 0);
}

#if defined(DEPTHWISE)
void compare_depthwise(int64_t pixels, int64_t tap_count, int64_t channels, bool is_signed, Codes x_kind,
                       Codes w_kind) {
  const int64_t pool = 7;
  uint8_t* x[7];
  for (auto& row : x) {
    row = array<uint8_t>(channels);
    for (int64_t c = 0; c < channels; ++c) row[c] = code(x_kind, is_signed);
  }
  const void** taps = array<const void*>(pixels * tap_count);
  for (int64_t i = 0; i < pixels * tap_count; ++i) taps[i] = x[random_word() % pool];
  uint8_t* w = array<uint8_t>(tap_count * channels);
  for (int64_t i = 0; i < tap_count * channels; ++i) w[i] = code(w_kind, true);
  uint32_t* wanted = array<uint32_t>(pixels * channels);
  uint32_t* found = array<uint32_t>(pixels * channels);
  lowbit::DepthwiseArgs args = {taps, pixels, tap_count, channels, w, wanted};
  (is_signed ? lowbit::depthwise_i8i8_i32_portable : lowbit::depthwise_u8i8_i32_portable)(args);
  args.acc = found;
  (is_signed ? OF(depthwise_i8i8_i32) : OF(depthwise_u8i8_i32))(args);
  if (memcmp(wanted, found, static_cast<size_t>(pixels * channels) * 4) != 0) {
    differ(is_signed ? "depthwise_i8i8_i32" : "depthwise_u8i8_i32", pixels, tap_count, channels);
  }
  for (auto& row : x) free(row);
  free(taps);
  free(w);
  free(wanted);
  free(found);
}

float* random_floats(int64_t n) {
  float* values = array<float>(n);
  for (int64_t i = 0; i < n; ++i) values[i] = static_cast<float>(static_cast<int32_t>(random_word())) * 1e-9f;
  return values;
}

// One time in three zeros of either sign instead of most, one in three a few that are infinite or NaN.
void replace_some(float* values, int64_t n) {
  const uint32_t kind = random_word() % 3;
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t word = random_word() >> 8;
    if (kind == 1 && word % 8 != 0) values[i] = word % 16 < 8 ? 0.0f : -0.0f;
    if (kind == 2 && word % 40 == 0) values[i] = word % 80 == 0 ? INFINITY : NAN;
  }
}

// Two lines of pixels whose windows follow one another by one or two pixels.
void compare_depthwise_floats(int64_t pixels, int64_t rows, int64_t columns, int64_t channels) {
  const int64_t stride = 1 + random_word() % 2;
  const int64_t dilation = random_word() % 5 == 0 ? 2 : 1;
  const int64_t left = random_word() % 3;
  const int64_t reach = (pixels - 1) * stride - left + (columns - 1) * dilation;
  const int64_t width = reach - static_cast<int64_t>(random_word() % 3) > 1 ? reach : 1;
  float* x = random_floats((rows + 1) * width * channels);
  float* w = random_floats(rows * columns * channels);
  float* bias = random_floats(channels);
  replace_some(x, (rows + 1) * width * channels);
  replace_some(bias, channels);
  float* wanted = random_floats(2 * pixels * channels);
  float* found = random_floats(2 * pixels * channels);
  lowbit::DepthwiseF32Args args = {};
  args.x = x;
  args.lines = 2;
  args.line_stride = args.tap_row = width * channels;
  args.pixels = pixels;
  args.stride = stride;
  args.left = left;
  args.width = width;
  args.dilation = dilation;
  args.rows = rows;
  args.columns = columns;
  args.channels = channels;
  args.w = w;
  args.w_row = columns * channels;
  args.y = wanted;
  args.y_line = pixels * channels;
  args.bias = random_word() % 2 == 0 ? bias : nullptr;
  const float ends[][2] = {{-1, 1.5f}, {0, 6}, {-1, -0.0f}, {-0.0f, -0.0f}, {0, -0.0f}, {-INFINITY, INFINITY}};
  const float* chosen = ends[random_word() % (sizeof(ends) / sizeof(*ends))];
  args.lo = chosen[0];
  args.hi = chosen[1];
  lowbit::depthwise_f32_portable(args);
  args.y = found;
  OF(depthwise_f32)(args);
  if (memcmp(wanted, found, static_cast<size_t>(2 * pixels * channels) * 4) != 0) {
    differ("depthwise_f32", pixels, rows * columns, channels);
  }
  for (float* memory : {x, w, bias, wanted, found}) free(memory);
}
#endif

#if defined(FLOATS)
void compare_floats(int64_t m, int64_t k, int64_t panels) {
  const int64_t n = 16 * panels;
  float* a = array<float>(m * k);
  float* b = array<float>(k * n);
  float* found = array<float>(m * n);
  for (int64_t i = 0; i < m * k; ++i) a[i] = static_cast<float>(static_cast<int32_t>(random_word())) * 1e-9f;
  for (int64_t i = 0; i < k * n; ++i) b[i] = static_cast<float>(static_cast<int32_t>(random_word())) * 1e-9f;
  const float infinity = std::numeric_limits<float>::infinity();
  const lowbit::GemmF32Args args = {
      lowbit::plain_float_rows(a, k, m, k), reinterpret_cast<const uint8_t*>(b), k * 64, n, found, n, false, true, nullptr, -infinity, infinity};
  OF(gemm_f32)(args);
  // |error| <= gamma_k * sum |a*w|, gamma_k = k*u / (1 - k*u), u = 2^-24 (kernels/gemm_f32/gemm_f32.h).
  const double ku = static_cast<double>(k) * 0x1p-24;
  for (int64_t r = 0; r < m; ++r) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0, absolute = 0;
      for (int64_t i = 0; i < k; ++i) {
        const double product = static_cast<double>(a[r * k + i]) * b[j / 16 * k * 16 + i * 16 + j % 16];
        sum += product;
        absolute += fabs(product);
      }
      // The sum in double is itself off by at most k * 2^-53 * absolute.
      const double bound = (ku / (1 - ku) + static_cast<double>(k) * 0x1p-53) * absolute;
      if (!(fabs(found[r * n + j] - sum) <= bound)) {
        differ("gemm_f32", m, k, panels);
        r = m;
        break;
      }
    }
  }
  float* wanted = array<float>(m * n);
  lowbit::GemmF32Args exact = args;
  exact.c = wanted;
  lowbit::gemm_unfused_f32_portable(exact);
  OF(gemm_unfused_f32)(args);
  if (memcmp(wanted, found, static_cast<size_t>(m * n) * 4) != 0) differ("gemm_unfused_f32", m, k, panels);
  free(wanted);
  free(a);
  free(b);
  free(found);
}
#endif

#if defined(CODES)
template <typename T>
T* random_words(int64_t n, uint32_t below) {
  T* values = array<T>(n);
  for (int64_t i = 0; i < n; ++i) values[i] = static_cast<T>(static_cast<int32_t>(random_word() % below - below / 2));
  return values;
}

// Products of random terms that end in codes or floats, in one or more segments.
void compare_finished(int64_t m, int64_t k, int64_t segments, int64_t columns, bool is_signed) {
  if (segments > 1) k = (k + 3) / 4 * 4;
  const int64_t panels = (columns + 15) / 16, n = 16 * panels;
  const int64_t panel_bytes = (segments * k + 3) / 4 * 64;
  const int64_t step = random_word() % 2;
  const int64_t segment_stride = k + random_word() % 70;
  const int64_t a_stride = random_word() % 3 == 0 ? (segments * segment_stride + 63) / 64 * 64 : segment_stride + 7;
  const int64_t a_bytes = (m - 1) * a_stride + (segments - 1) * segment_stride + k;
  uint8_t* memory = random_words<uint8_t>(a_bytes + 64, 256);
  uint8_t* a = memory + random_word() % 2 * (-reinterpret_cast<uintptr_t>(memory) % 64);
  int8_t* b = random_words<int8_t>(panels * panel_bytes, 256);
  int32_t* column_sum = array<int32_t>(n);
  memset(column_sum, 0, static_cast<size_t>(n) * 4);
  for (int64_t i = 0; i < panels * panel_bytes; ++i) {
    const int64_t column = i / panel_bytes * 16 + i % 64 / 4;
    if (i % panel_bytes / 64 * 4 + i % 4 >= segments * k || column >= columns) b[i] = 0;
    column_sum[column] += b[i];
  }
  int32_t* offset = random_words<int32_t>(columns, 100000);
  int32_t* row_zero = random_words<int32_t>(m, 256);
  int32_t* row_term = random_words<int32_t>(m, 100000);
  int32_t* column_zero = random_words<int32_t>(columns, 256);
  float* scale = array<float>(columns);
  float* row_scale = array<float>(m);
  for (int64_t j = 0; j < columns; ++j) scale[j] = static_cast<float>(1 + random_word() % 1000) * 1e-6f;
  for (int64_t r = 0; r < m; ++r) row_scale[r] = static_cast<float>(1 + random_word() % 1000) * 1e-3f;
  const auto maybe = [](auto* values) { return random_word() % 3 == 0 ? nullptr : values; };
  const lowbit::GemmI8Product product = {
      a,          a_stride,      segments,        segment_stride, b,        panel_bytes,       m, panels, k, columns,
      column_sum, maybe(offset), maybe(row_zero), step,           row_term, maybe(column_zero)};
  const int64_t y_stride = columns + 3;
  const size_t y_bytes = static_cast<size_t>((m - 1) * y_stride + columns) * 4;
  uint8_t* wanted = array<uint8_t>(static_cast<int64_t>(y_bytes));
  uint8_t* found = array<uint8_t>(static_cast<int64_t>(y_bytes));
  using Codes = void (*)(const lowbit::GemmI8CodesArgs&);
  const Codes codes[2][2][2] = {
      {{lowbit::gemm_u8i8_u8_portable, OF(gemm_u8i8_u8)}, {lowbit::gemm_u8i8_i8_portable, OF(gemm_u8i8_i8)}},
      {{lowbit::gemm_i8i8_u8_portable, OF(gemm_i8i8_u8)}, {lowbit::gemm_i8i8_i8_portable, OF(gemm_i8i8_i8)}}};
  for (int to_signed = 0; to_signed < 2; ++to_signed) {
    const int32_t least = to_signed == 1 ? -128 : 0;
    lowbit::GemmI8CodesArgs args = {product, wanted, y_stride, scale, step, least + 100, least + 3, least + 250};
    memset(wanted, 0x5a, y_bytes);
    memset(found, 0x5a, y_bytes);
    codes[is_signed ? 1 : 0][to_signed][0](args);
    args.y = found;
    codes[is_signed ? 1 : 0][to_signed][1](args);
    if (memcmp(wanted, found, y_bytes) != 0) differ("gemm_i8 to codes", m, k, columns);
  }
#if defined(FLOATS_FINISHED)
  lowbit::GemmI8FloatsArgs args = {
      product, reinterpret_cast<float*>(wanted), y_stride, maybe(row_scale), step, scale, step, maybe(scale), -100.0f,
      200.0f};
  memset(wanted, 0x5a, y_bytes);
  memset(found, 0x5a, y_bytes);
  (is_signed ? lowbit::gemm_i8i8_f32_portable : lowbit::gemm_u8i8_f32_portable)(args);
  args.y = reinterpret_cast<float*>(found);
  (is_signed ? OF(gemm_i8i8_f32) : OF(gemm_u8i8_f32))(args);
  if (memcmp(wanted, found, y_bytes) != 0) differ("gemm_i8 to floats", m, k, columns);
#endif
  for (void* memory_of : {static_cast<void*>(memory), static_cast<void*>(b), static_cast<void*>(column_sum),
                          static_cast<void*>(offset), static_cast<void*>(row_zero), static_cast<void*>(row_term),
                          static_cast<void*>(column_zero), static_cast<void*>(scale), static_cast<void*>(row_scale),
                          static_cast<void*>(wanted), static_cast<void*>(found)}) {
    free(memory_of);
  }
}
#endif

}  // namespace

#include "test/kernels/compare_blocks.h"
#include "test/kernels/compare_groups.h"
#include "test/kernels/compare_halves.h"

int main() {
  compare_peak(lowbit::kPeakSteps);
  compare_peak(5 * lowbit::kPeakSteps);
  const Codes kinds[] = {Codes::kRandom, Codes::kHighest, Codes::kLowest};
  int64_t compared = 2;
  for (int signs = 0; signs < 2; ++signs) {
    for (int64_t k = 1; k <= 130; ++k, ++compared) {
      compare_gemm(1 + random_word() % 40, k, 1 + random_word() % 5, signs == 1, Codes::kRandom, Codes::kRandom);
    }
    for (int64_t m = 1; m <= 70; ++m, ++compared) {
      compare_gemm(m, 1 + random_word() % 200, 1 + random_word() % 9, signs == 1, Codes::kRandom, Codes::kRandom);
    }
    for (Codes a : kinds) {
      for (Codes w : kinds) {
        for (int64_t k : {4, 67, 1500, 2305}) {
          compare_gemm(7, k, 3, signs == 1, a, w);
          ++compared;
        }
      }
    }
  }
#if defined(DEPTHWISE)
  for (int64_t taps = 1; taps <= 26; ++taps) {
    for (int64_t channels : {1, 3, 8, 15, 16, 17, 32, 47, 63, 64, 65, 96, 130}) {
      for (int signs = 0; signs < 2; ++signs, ++compared) {
        compare_depthwise(1 + random_word() % 6, taps, channels, signs == 1, kinds[random_word() % 3],
                          kinds[random_word() % 3]);
      }
      compare_depthwise_floats(1 + random_word() % 9, 1 + taps % 5, 1 + taps / 5, channels);
      compare_depthwise_floats(1 + random_word() % 30, 3, 3 + taps % 2 * 2, channels);
      compared += 2;
    }
  }
#endif
#if defined(FLOATS)
  for (int64_t m = 1; m <= 26; ++m, ++compared) compare_floats(m, 1 + random_word() % 100, 1 + random_word() % 9);
#endif
#if defined(CODES)
  for (int64_t m = 1; m <= 100; ++m) {
    for (int signs = 0; signs < 2; ++signs, ++compared) {
      compare_finished(m, 1 + random_word() % 300, 1 + random_word() % 4, 1 + random_word() % 150, signs == 1);
    }
  }
  for (int64_t k : {64, 1024, 1088, 2112, 3000}) {
    compare_finished(40, k, 1, 70, true);
    compare_finished(33, k, 2, 144, false);
    compared += 2;
  }
#endif
#if defined(GROUPED)
  for (int64_t m = 1; m <= 30; ++m) {
    for (int bits : {4, 8}) {
      for (Codes w : kinds) {
        const int64_t lines = 1 + random_word() % 20;
        compare_groups(bits, m, 1 + random_word() % 4, 1 + random_word() % 5, lines, 1 + random_word() % lines,
                       m % 2 == 1, kinds[random_word() % 3], w);
        ++compared;
      }
    }
  }
#endif
#if defined(GROUPED) && defined(FLOATS)
  for (int64_t columns = 1; columns <= 140; ++columns, ++compared) {
    compare_quantized_groups(1 + columns % 3, columns, 8 * (1 + random_word() % 17));
  }
#endif
#if defined(BLOCKS)
  compared += compare_all_blocks() + compare_levels();
#endif
#if defined(HALVES)
  compared += compare_all_halves();
#endif
  printf("%lld comparisons, %d differences\n", static_cast<long long>(compared), failures);
  return failures == 0 ? 0 : 1;
}
