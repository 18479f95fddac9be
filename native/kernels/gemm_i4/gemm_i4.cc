// The operations quantize_groups and gemm_i4: floats by weights of 4 or 8 bits that have a scale per group.
#include "native/kernels/gemm_i4/gemm_i4.h"

#include <cstring>

#include "native/base/caches.h"
#include "native/kernels/chunks.h"
#include "native/kernels/gemm_i4/panels.h"
#include "native/kernels/loop.h"
#include "native/plan/op.h"

namespace lowbit {

namespace {

// Rows of a block at most: the last panel of a matrix goes through a scratch of one line per row.
constexpr int64_t kMaxRows = 384;
// Rows of the tiles of the kernels, and panels of a step, each a multiple of what the kernels take at a time.
constexpr int64_t kTileRows = 6;
constexpr int64_t kStepPanels = 4;
// Values of k that are dequantized at a time: so many of a step stay in the L2 cache while the rows pass.
constexpr int64_t kFloatDepth = 256;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t group_of(int64_t k, int64_t group_size) { return group_size == 0 || group_size > k ? k : group_size; }

int64_t code_stride(int64_t columns) { return (columns + 7) / 8 * 8; }

// How the product is cut into tasks: rows of A by steps of kStepPanels panels.
struct Cut {
  int64_t rows, row_blocks, steps, column_blocks;
};

Cut cut_product(int64_t m, int64_t row_bytes, int64_t panels, int threads) {
  Cut cut;
  // Rows of a block take 9/16 of the L2 cache while the panels pass by: 128 rows of 4096 codes where it has 1 MiB.
  int64_t rows = caches().l2 / 16 * 9 / row_bytes / kTileRows * kTileRows;
  rows = rows < kTileRows ? kTileRows : rows > kMaxRows ? kMaxRows : rows;
  cut.steps = ceil_div(panels, kStepPanels);
  cut.row_blocks = ceil_div(m, rows);
  cut.column_blocks = 1;
  if (threads > 1 && cut.row_blocks > 0) {
    // Four tasks per thread even out what others do to the machine. Columns first: every block of rows reads all of
    // the weights that its tasks cover.
    const int64_t wanted = ceil_div(int64_t{4} * threads, cut.row_blocks);
    cut.column_blocks = wanted < cut.steps ? wanted : cut.steps;
  }
  cut.rows = cut.row_blocks == 0 ? rows : ceil_div(ceil_div(m, cut.row_blocks), kTileRows) * kTileRows;
  cut.row_blocks = ceil_div(m, cut.rows);
  return cut;
}

struct Job {
  const Dispatch* kernels;
  const gemm_i4_fields* fields;
  GroupedWeights weights;
  const void* a;
  const float* a_scale;
  const int32_t* a_sum;
  const float* bias;
  float* y;
};

// Sums of codes for some rows and panels; c is at the first row and panel.
void multiply_codes(const Job& job, int64_t row, int64_t rows, int64_t panel, int64_t panels, float* c,
                    int64_t c_stride) {
  const gemm_i4_fields& f = *job.fields;
  const GroupedWeights& w = job.weights;
  GemmGroupsArgs args;
  args.a_stride = code_stride(f.k);
  args.a = static_cast<const int8_t*>(job.a) + row * args.a_stride;
  args.a_scale = job.a_scale + row;
  args.a_sum = job.a_sum + row;
  args.group_stride = f.m;
  args.panel_bytes = w.header->panel_bytes;
  args.b = w.panels + panel * args.panel_bytes;
  args.zero = w.zero == nullptr ? nullptr : w.zero + panel * w.zero_stride;
  args.zero_stride = w.zero_stride;
  args.m = rows;
  args.panels = panels;
  args.groups = w.header->groups;
  args.lines = w.lines;
  args.last_lines = w.last_lines;
  args.c = c;
  args.c_stride = c_stride;
  (f.bits == 4 ? job.kernels->gemm_i8u4_f32 : job.kernels->gemm_i8u8_f32)(args);
}

// Floats by dequantized panels, a part of k at a time; bias and clamp included.
void multiply_floats(const Job& job, int64_t row, int64_t rows, int64_t panel, int64_t panels, float* unpacked) {
  const gemm_i4_fields& f = *job.fields;
  const GroupedWeights& w = job.weights;
  const auto product = f.exact != 0 ? job.kernels->gemm_unfused_f32 : job.kernels->gemm_f32;
  const auto unpack = f.bits == 4 ? job.kernels->unpack_u4_f32 : job.kernels->unpack_u8_f32;
  const int64_t group_size = w.header->group_size;
  const int64_t left = f.n - panel * 16;
  for (int64_t k = 0; k < f.k; k += kFloatDepth) {
    const int64_t depth = f.k - k < kFloatDepth ? f.k - k : kFloatDepth;
    const int64_t group = k / group_size;
    for (int64_t p = panel; p < panel + panels; ++p) {
      UnpackGroupsArgs part;
      part.b = w.panels + p * w.header->panel_bytes + group * w.group_bytes();
      part.zero = w.zero == nullptr ? nullptr : w.zero + p * w.zero_stride + group * 16;
      part.skip = k - group * group_size;
      part.k = depth;
      part.group_size = group_size;
      part.w = unpacked + (p - panel) * kFloatDepth * 16;
      unpack(part);
    }
    GemmF32Args args;
    args.rows = plain_float_rows(static_cast<const float*>(job.a) + row * f.k + k, f.k, rows, depth);
    args.b = reinterpret_cast<const uint8_t*>(unpacked);
    args.panel_bytes = kFloatDepth * 64;
    args.n = left < panels * 16 ? left : panels * 16;
    args.c = job.y + row * f.n + panel * 16;
    args.c_stride = f.n;
    args.accumulate = k > 0;
    args.last = k + depth == f.k;
    args.bias = job.bias == nullptr ? nullptr : job.bias + panel * 16;
    args.lo = f.lo;
    args.hi = f.hi;
    product(args);
  }
}

// One step with quantized rows: products into y where panels are whole, through scratch where the last one is not; then
// bias and clamp.
void run_step(const Job& job, int64_t row, int64_t rows, int64_t panel, int64_t panels, float* last) {
  const gemm_i4_fields& f = *job.fields;
  const int64_t left = f.n - panel * 16;
  const int64_t columns = left < panels * 16 ? left : panels * 16;
  const int64_t whole = columns / 16;
  float* y = job.y + row * f.n + panel * 16;
  if (whole > 0) multiply_codes(job, row, rows, panel, whole, y, f.n);
  if (whole * 16 < columns) {
    multiply_codes(job, row, rows, panel + whole, 1, last, 16);
    const size_t bytes = static_cast<size_t>(columns - whole * 16) * 4;
    for (int64_t r = 0; r < rows; ++r) memcpy(y + r * f.n + whole * 16, last + r * 16, bytes);
  }
  const float* bias = job.bias == nullptr ? nullptr : job.bias + panel * 16;
  if (bias == nullptr && !(f.lo > -kInfinity) && !(f.hi < kInfinity)) return;
  job.kernels->bias_clamp_f32({y, f.n, rows, columns, bias, f.lo, f.hi});
}

}  // namespace

void check_quantize_groups(const quantize_groups_fields& f, PlanCheck& check) {
  if (!check.that(f.rows >= 0 && f.columns >= 1 && f.group_size >= 0)) return;
  const int64_t group = group_of(f.columns, f.group_size);
  if (!check.that(group == f.columns || group % 8 == 0)) return;
  const int64_t groups = ceil_div(f.columns, group);
  check.buffer(f.x, checked_product(f.rows, f.columns), 4);
  check.buffer(f.codes, checked_product(f.rows, code_stride(f.columns)), 1);
  check.buffer(f.scale, checked_product(groups, f.rows), 4);
  check.buffer(f.sum, checked_product(groups, f.rows), 4);
}

size_t scratch_quantize_groups(const quantize_groups_fields&, const Dispatch&) { return 0; }

Status run_quantize_groups(const quantize_groups_fields& f, const RunContext& run) {
  const int64_t stride = code_stride(f.columns);
  const Chunks rows = cut(f.rows, 5 * int64_t{f.columns});
  auto body = [&](int64_t task, int) {
    QuantizeGroupsArgs args;
    const int64_t first = rows.begin(task);
    args.x = run.buffer<const float>(f.x) + first * f.columns;
    args.x_stride = f.columns;
    args.codes = run.buffer<int8_t>(f.codes) + first * stride;
    args.codes_stride = stride;
    args.rows = rows.end(task, f.rows) - first;
    args.columns = f.columns;
    args.group_size = group_of(f.columns, f.group_size);
    args.scale = run.buffer<float>(f.scale) + first;
    args.sum = run.buffer<int32_t>(f.sum) + first;
    args.group_stride = f.rows;
    run.kernels->quantize_groups_f32_i8(args);
  };
  run.parallel(rows.count, body);
  return Status::ok;
}

void check_gemm_i4(const gemm_i4_fields& f, PlanCheck& check) {
  if (!check.that(f.m >= 0 && f.k >= 1 && f.n >= 1 && f.group_size >= 0)) return;
  const int64_t group = group_of(f.k, f.group_size);
  check.that(f.bits == 4 || f.bits == 8);
  check.that(f.a_format == kI8 || f.a_format == kF32);
  check.range(f.exact, 0, 1);
  check.that(f.lo <= f.hi);
  PackedHeader header;
  if (!check.that(make_grouped_header(f.bits, f.k, f.n, group, false, &header))) return;
  if (f.a_format == kI8) {
    // A code times an unsigned one is at most 2^15 (4 bits: 2^11).
    check.range(group, 1, f.bits == 4 ? 1 << 20 : 65535);
    check.buffer(f.a, checked_product(f.m, code_stride(f.k)), 1);
    check.buffer(f.a_scale, checked_product(header.groups, f.m), 4);
    check.buffer(f.a_sum, checked_product(header.groups, f.m), 4);
  } else {
    check.buffer(f.a, checked_product(f.m, f.k), 4);
    check.that(f.a_scale < 0 && f.a_sum < 0);
  }
  check.buffer(f.packed, header.total_bytes, 1);
  check.optional(f.bias, f.n, 4);
  check.buffer(f.y, checked_product(f.m, f.n), 4);
}

size_t scratch_gemm_i4(const gemm_i4_fields& f, const Dispatch&) {
  return static_cast<size_t>(f.a_format == kI8 ? kMaxRows : kStepPanels * kFloatDepth) * 64;
}

Status run_gemm_i4(const gemm_i4_fields& f, const RunContext& run) {
  Job job;
  job.weights = grouped_weights(run.buffer<const uint8_t>(f.packed), run.buffer_bytes[f.packed], f.bits, f.k, f.n);
  if (job.weights.header == nullptr || job.weights.header->group_size != group_of(f.k, f.group_size)) {
    return Status::bad_packed_weights;
  }
  job.kernels = run.kernels;
  job.fields = &f;
  job.a = run.buffer<const void>(f.a);
  job.a_scale = run.buffer<const float>(f.a_scale);
  job.a_sum = run.buffer<const int32_t>(f.a_sum);
  job.bias = run.buffer<const float>(f.bias);
  job.y = run.buffer<float>(f.y);
  const int64_t panels = job.weights.header->panels;
  const Cut cut = cut_product(f.m, f.a_format == kI8 ? f.k : kFloatDepth * 4, panels, thread_limit());
  auto run_block = [&](int64_t task, int worker) {
    const int64_t row = task / cut.column_blocks * cut.rows;
    const int64_t block = task % cut.column_blocks;
    const int64_t rows = f.m - row < cut.rows ? f.m - row : cut.rows;
    const int64_t end = (block + 1) * cut.steps / cut.column_blocks;
    for (int64_t step = block * cut.steps / cut.column_blocks; step < end; ++step) {
      const int64_t panel = step * kStepPanels;
      const int64_t count = panels - panel < kStepPanels ? panels - panel : kStepPanels;
      float* scratch = reinterpret_cast<float*>(run.scratch_of(worker));
      if (f.a_format == kI8) {
        run_step(job, row, rows, panel, count, scratch);
      } else {
        multiply_floats(job, row, rows, panel, count, scratch);
      }
    }
  };
  run.parallel(cut.row_blocks * cut.column_blocks, run_block);
  return Status::ok;
}

}  // namespace lowbit
