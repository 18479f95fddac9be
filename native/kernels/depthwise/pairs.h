// Integer depthwise sums by pairs of taps, over any unit that multiplies int16 and adds neighbours (vpmaddwd and its
// kin): an ISA file defines Pairs in its region and includes this file there. Pairs: Vector, kBlock channels at a time,
// kVectors int32 vectors of sums, kRows (the widest step, in pairs of taps),
//   zero(), load_sums(p)/store_sums(p, sums) in channel order, and
//   interleave<Signed>(x0, x1, out): kBlock codes of two taps as int16 pairs (x1 null = zeros), in the order of the
//   sums; add_products(sum, codes, weights): sum + the pair sums, exactly.
// |x * w| <= 255 * 128: a pair sum stays below 2^17. No include guard: it belongs to the region of its includer.

namespace lowbit {

namespace {

struct PairStep {
  const void* const* taps;
  int64_t tap_count, pixels;
  const int8_t* w;
  int64_t channels;  // between pixels of acc and between rows of w
  int32_t* acc;
  bool first;
};

template <bool Signed, int Taps>
void pair_step(const PairStep& s, int64_t channel) {
  constexpr int kPairs = (Taps + 1) / 2;
  typename Pairs::Vector weights[kPairs][Pairs::kVectors];
  LOWBIT_UNROLL
  for (int i = 0; i < kPairs; ++i) {
    const int8_t* row = s.w + 2 * i * s.channels + channel;
    Pairs::template interleave<true>(row, 2 * i + 1 < Taps ? row + s.channels : nullptr, weights[i]);
  }
  const void* const* taps = s.taps;
  int32_t* acc = s.acc + channel;
  for (int64_t p = 0; p < s.pixels; ++p, taps += s.tap_count, acc += s.channels) {
    typename Pairs::Vector sum[Pairs::kVectors];
    if (s.first) {
      LOWBIT_UNROLL
      for (int v = 0; v < Pairs::kVectors; ++v) sum[v] = Pairs::zero();
    } else {
      Pairs::load_sums(acc, sum);
    }
    LOWBIT_UNROLL
    for (int i = 0; i < kPairs; ++i) {
      typename Pairs::Vector codes[Pairs::kVectors];
      Pairs::template interleave<Signed>(
          static_cast<const int8_t*>(taps[2 * i]) + channel,
          2 * i + 1 < Taps ? static_cast<const int8_t*>(taps[2 * i + 1]) + channel : nullptr, codes);
      LOWBIT_UNROLL
      for (int v = 0; v < Pairs::kVectors; ++v) sum[v] = Pairs::add_products(sum[v], codes[v], weights[i][v]);
    }
    Pairs::store_sums(acc, sum);
  }
}

template <bool Signed, int Taps>
void pair_step_of(int64_t taps, const PairStep& s, int64_t channel) {
  if (taps == Taps) {
    pair_step<Signed, Taps>(s, channel);
  } else if constexpr (Taps > 1) {
    pair_step_of<Signed, Taps - 1>(taps, s, channel);
  }
}

// The channels [channel, channels), fewer than a block.
template <typename Code>
void single_channels(const DepthwiseArgs& args, int64_t channel) {
  const int8_t* w = static_cast<const int8_t*>(args.w);
  int32_t* acc = static_cast<int32_t*>(args.acc);
  for (int64_t p = 0; p < args.pixels; ++p) {
    for (int64_t c = channel; c < args.channels; ++c) {
      int32_t sum = 0;
      for (int64_t t = 0; t < args.tap_count; ++t) {
        sum += static_cast<const Code*>(args.taps[p * args.tap_count + t])[c] * w[t * args.channels + c];
      }
      acc[p * args.channels + c] = sum;
    }
  }
}

template <bool Signed>
void depthwise_pairs(const DepthwiseArgs& args) {
  constexpr int kMaxTaps = 2 * Pairs::kRows;
  const int64_t whole = args.channels / Pairs::kBlock * Pairs::kBlock;
  for (int64_t t = 0; t < args.tap_count; t += kMaxTaps) {
    const int64_t taps = args.tap_count - t < kMaxTaps ? args.tap_count - t : kMaxTaps;
    PairStep s;
    s.taps = args.taps + t;
    s.tap_count = args.tap_count;
    s.pixels = args.pixels;
    s.w = static_cast<const int8_t*>(args.w) + t * args.channels;
    s.channels = args.channels;
    s.acc = static_cast<int32_t*>(args.acc);
    s.first = t == 0;
    for (int64_t channel = 0; channel < whole; channel += Pairs::kBlock) {
      pair_step_of<Signed, kMaxTaps>(taps, s, channel);
    }
  }
  if (whole == args.channels) return;
  if (Signed) {
    single_channels<int8_t>(args, whole);
  } else {
    single_channels<uint8_t>(args, whole);
  }
}

}  // namespace

}  // namespace lowbit
