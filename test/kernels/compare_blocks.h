// The comparisons of compare_kernels.cc for formats in blocks and lists of levels: -DBLOCKS.

#if defined(BLOCKS)
namespace {

// Floats of any size, and now and then a zero, a tie or, with `special`, what is no number.
float block_value(bool special) {
  const uint32_t word = random_word();
  if (special && word % 97 == 0) return word & 1024 ? NAN : INFINITY;
  if (word % 11 == 0) return word & 1024 ? 0.0f : -0.0f;
  const float value = static_cast<float>(static_cast<int32_t>(word >> 8) % 4001 - 2000) / 16;
  return word % 7 == 0 ? value * 1e-3f : value;
}

// True where both have NaN, whatever its bits, or the same bits.
bool same_floats(const float* a, const float* b, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    if (memcmp(a + i, b + i, 4) != 0 && !(std::isnan(a[i]) && std::isnan(b[i]))) return false;
  }
  return true;
}

void compare_blocks(lowbit::BlockFormat format, int64_t count, bool special) {
  const int64_t elements = format.kind == lowbit::nvfp4 ? 16 : 32, bytes = count * format.block_bytes;
  float* x = array<float>(count * elements);
  uint8_t* wanted = array<uint8_t>(bytes);
  uint8_t* found = array<uint8_t>(bytes);
  float* wanted_x = array<float>(count * elements);
  float* found_x = array<float>(count * elements);
  for (int64_t i = 0; i < count * elements; ++i) x[i] = block_value(special);
  int64_t wanted_refused = -1, found_refused = -1;
  lowbit::encode_blocks_f32_u8_portable({x, wanted, count, format, &wanted_refused});
  OF(encode_blocks_f32_u8)({x, found, count, format, &found_refused});
  const bool held = wanted_refused < 0;
  if (wanted_refused != found_refused || (held && memcmp(wanted, found, static_cast<size_t>(bytes)) != 0)) {
    differ("encode_blocks_f32_u8", format.kind, format.bits, count);
  }
  for (int64_t i = 0; i < bytes; ++i) wanted[i] = code(Codes::kRandom, false);
  lowbit::decode_blocks_u8_f32_portable({wanted, wanted_x, count, format});
  OF(decode_blocks_u8_f32)({wanted, found_x, count, format});
  if (!same_floats(wanted_x, found_x, count * elements)) {
    differ("decode_blocks_u8_f32", format.kind, format.bits, count);
  }
  free(x);
  free(wanted);
  free(found);
  free(wanted_x);
  free(found_x);
}

int compare_all_blocks() {
  const lowbit::FloatFormat e2m1 = {2, 1, 1, 7, -1, 7, 7, true};
  float levels[16], thresholds[15], values[16];
  for (int i = 0; i < 16; ++i) levels[i] = static_cast<float>((i - 8) * 15 + i % 3);
  for (int i = 0; i < 15; ++i) thresholds[i] = (levels[i] + levels[i + 1]) / 2 - 0.25f;
  for (int i = 0; i < 16; ++i) values[i] = static_cast<float>(i < 8 ? i : 8 - i) * 0.5f;
  const lowbit::BlockFormat formats[] = {
      {lowbit::mx_float, 4, 17, e2m1, 1.0f, values, nullptr},
      {lowbit::mx_float, 6, 25, {2, 3, 1, 31, -1, 31, 31, true}, 1.0f, nullptr, nullptr},
      {lowbit::mx_float, 8, 33, {4, 3, 7, 126, -1, 127, 126, true}, 1.0f, nullptr, nullptr},
      {lowbit::mx_float, 8, 33, {5, 2, 15, 123, 124, 126, 123, true}, 1.0f, nullptr, nullptr},
      {lowbit::mx_integer, 8, 33, e2m1, 1.0f, nullptr, nullptr},
      {lowbit::nvfp4, 4, 9, e2m1, 0.01f, values, nullptr},
      {lowbit::half_bytes, 8, 34, e2m1, 1.0f, nullptr, nullptr},
      {lowbit::half_centred, 4, 18, e2m1, 1.0f, nullptr, nullptr},
      {lowbit::half_centred, 5, 22, e2m1, 1.0f, nullptr, nullptr},
      {lowbit::half_offset, 4, 20, e2m1, 1.0f, nullptr, nullptr},
      {lowbit::half_offset, 5, 24, e2m1, 1.0f, nullptr, nullptr},
      {lowbit::half_levels, 4, 18, e2m1, 1.0f, levels, thresholds},
  };
  int compared = 0;
  for (const lowbit::BlockFormat& format : formats) {
    for (int64_t count = 1; count <= 40; ++count, ++compared) compare_blocks(format, count, count % 4 == 0);
  }
  return compared;
}

int compare_levels() {
  float levels[16], thresholds[15];
  for (int i = 0; i < 16; ++i) levels[i] = static_cast<float>((i - 8) * 15 + i % 3);
  for (int i = 0; i < 15; ++i) thresholds[i] = (levels[i] + levels[i + 1]) / 2;
  int compared = 0;
  for (int64_t n = 1; n <= 70; ++n, ++compared) {
    const float scale = n % 2 == 0 ? 1.0f : 0.75f;
    float* x = array<float>(n);
    uint8_t* wanted = array<uint8_t>(n);
    uint8_t* found = array<uint8_t>(n);
    for (int64_t i = 0; i < n; ++i) x[i] = block_value(true);
    lowbit::encode_f32_u4_portable({x, wanted, 1, n, &scale, 0, 0, thresholds});
    OF(encode_f32_u4)({x, found, 1, n, &scale, 0, 0, thresholds});
    if (memcmp(wanted, found, static_cast<size_t>(n)) != 0) differ("encode_f32_u4", n, 0, 0);
    float* back = array<float>(n);
    lowbit::decode_u4_f32_portable({wanted, x, 1, n, &scale, 0, 0, levels});
    OF(decode_u4_f32)({wanted, back, 1, n, &scale, 0, 0, levels});
    if (!same_floats(x, back, n)) differ("decode_u4_f32", n, 0, 0);
    free(x);
    free(wanted);
    free(found);
    free(back);
  }
  return compared;
}

}  // namespace
#endif
