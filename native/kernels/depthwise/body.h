// depthwise_f32 over any vector unit: an ISA file defines Simd in its region and includes this file there.
// Simd: Vector, kLanes, zero(), load(p), store(p, v), add_product(sum, x, w) = f32(sum + f32(x * w)), never fused.
// No include guard and no system header: it belongs to the region of the file that includes it.

namespace lowbit {

namespace {

// The channels [channel, channel + kVectors * kLanes) of every pixel: sums stay in registers over all taps.
template <int kVectors>
void float_channels(const DepthwiseArgs& args, int64_t channel) {
  const float* w = static_cast<const float*>(args.w) + channel;
  float* acc = static_cast<float*>(args.acc) + channel;
  const void* const* taps = args.taps;
  for (int64_t p = 0; p < args.pixels; ++p, taps += args.tap_count, acc += args.channels) {
    Simd::Vector sum[kVectors];
    LOWBIT_UNROLL
    for (int v = 0; v < kVectors; ++v) sum[v] = Simd::zero();
    for (int64_t t = 0; t < args.tap_count; ++t) {
      const float* x = static_cast<const float*>(taps[t]) + channel;
      LOWBIT_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        sum[v] = Simd::add_product(sum[v], Simd::load(x + v * Simd::kLanes),
                                   Simd::load(w + t * args.channels + v * Simd::kLanes));
      }
    }
    LOWBIT_UNROLL
    for (int v = 0; v < kVectors; ++v) Simd::store(acc + v * Simd::kLanes, sum[v]);
  }
}

void depthwise_floats(const DepthwiseArgs& args) {
  constexpr int64_t kLanes = Simd::kLanes;
  int64_t channel = 0;
  for (; channel + 4 * kLanes <= args.channels; channel += 4 * kLanes) float_channels<4>(args, channel);
  for (; channel + kLanes <= args.channels; channel += kLanes) float_channels<1>(args, channel);
  if (channel == args.channels) return;
  if (args.channels >= kLanes) {
    // The last vector again from the end: the channels that overlap get the same values a second time.
    float_channels<1>(args, args.channels - kLanes);
    return;
  }
  const float* w = static_cast<const float*>(args.w);
  float* acc = static_cast<float*>(args.acc);
  for (int64_t p = 0; p < args.pixels; ++p) {
    for (int64_t c = 0; c < args.channels; ++c) {
      float sum = 0.0f;
      for (int64_t t = 0; t < args.tap_count; ++t) {
        const float product =
            static_cast<const float*>(args.taps[p * args.tap_count + t])[c] * w[t * args.channels + c];
        sum += product;
      }
      acc[p * args.channels + c] = sum;
    }
  }
}

}  // namespace

}  // namespace lowbit
