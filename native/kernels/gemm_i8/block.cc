// One block of an int8 product, finished into the output.
#include "native/kernels/gemm_i8/block.h"

#include <cstring>

#include "native/kernels/gemm_i8/add_codes.h"
#include "native/kernels/loop.h"
#include "native/plan/op.h"

namespace lowbit {

namespace {

constexpr int64_t kMaxRows = kAccumulatorBytes / 64;  // one panel of 16 int32 per row
constexpr int64_t kMaxColumns = kMaxPanels * 16;
// Rows of floats that wait for their tail: 24 KiB of kMaxColumns.
constexpr int64_t kTailRows = 48;
// Codes of a row that are added to others faster behind the product than by its kernel.
constexpr int64_t kNarrowColumns = 32;

// The scratch of a block, in order.
struct Scratch {
  alignas(64) int32_t accumulators[kAccumulatorBytes / 4];
  int32_t offset[kMaxColumns];       // offset - a_zero * column_sum
  int32_t column_zero[kMaxColumns];  // w_zero - w_shift
  int32_t row_sum[kMaxRows];
  int32_t row_term[kMaxRows];            // k * a_zero - row_sum
  uint8_t codes[kAccumulatorBytes / 4];  // that wait to be added to others
};

uint32_t bits(int32_t value) { return static_cast<uint32_t>(value); }

// Some panels of a group of k.
struct Part {
  int64_t first_column, columns;  // columns that exist
  int64_t panels;
  int64_t group, first_k, k;  // k without what only pads it
  bool last;
  const int8_t* b;
  const int32_t* column_sum;
  const int32_t* offset;
  const int32_t* column_zero;  // null where the weights are symmetric
};

// Rows of A that lie one after the other, `stride` apart.
struct Run {
  int64_t first, count;
  const uint8_t* a;
};

// The rows from `first` on that lie in one line, before `end`.
Run run_of(const GemmI8Rows& rows, int64_t first, int64_t end) {
  const int64_t line = first / rows.line_rows, behind = first % rows.line_rows;
  return {first, least(rows.line_rows - behind, end - first), rows.a + line * rows.line_stride + behind * rows.stride};
}

void sum_rows(const GemmI8Job& job, const GemmI8Rows& rows, const Part& part, int64_t first, int64_t count,
              Scratch* scratch) {
  RowSumArgs sum;
  sum.codes = rows.a + first * rows.stride + part.first_k;
  sum.stride = rows.stride;
  sum.rows = count;
  sum.columns = part.k;
  sum.sum = scratch->row_sum;
  (job.a_format == kI8 ? job.kernels->row_sum_i8_i32 : job.kernels->row_sum_u8_i32)(sum);
}

// NaN is not below 1.
bool below_one(const float* multiplier, int64_t n) {
  uint32_t above = 0;
  for (int64_t i = 0; i < n; ++i) {
    uint32_t word;
    memcpy(&word, multiplier + i, 4);
    above |= (word & 0x7FFFFFFFu) >= 0x3F800000u ? 1u : 0u;
  }
  return above == 0;
}

bool can_finish(const GemmI8Job& job, const Part& part) {
  if (job.packed->groups != 1) return false;
  if (job.y_format == kF32) return job.floats != nullptr;
  if ((job.added == nullptr || job.add == nullptr) && job.codes == nullptr) return false;
  return job.multiplier_step == 0 ? below_one(job.multiplier, 1)
                                  : below_one(job.multiplier + part.first_column, part.columns);
}

bool has_tail(const GemmI8Job& job) { return job.residual != nullptr || job.activation >= 0; }

// y = residual, activation and bounds of rows [first, first + count) of x, which may be y itself, while the caches hold
// them. x and y are at the first of these rows and at the part's first column.
void finish_tail(const GemmI8Job& job, const Part& part, int64_t first, int64_t count, const float* x, int64_t x_stride,
                 float* y, int64_t y_stride) {
  if (job.residual != nullptr) {
    const float* added = job.residual + first * y_stride + part.first_column;
    for (int64_t r = 0; r < count; ++r) {
      job.kernels->binary_f32(
          {x + r * x_stride, added + r * y_stride, y + r * y_stride, part.columns, 1, 1, 0, -kInfinity, kInfinity});
    }
    x = y;
    x_stride = y_stride;
  }
  if (job.activation >= 0) {
    job.kernels->unary_f32({x, y, part.columns, job.activation, job.alpha, job.beta, count, x_stride, y_stride});
  }
  if (job.lo == -kInfinity && job.hi == kInfinity) return;
  for (int64_t r = 0; r < count; ++r) {
    job.kernels->clamp_f32({y + r * y_stride, y + r * y_stride, part.columns, job.lo, job.hi});
  }
}

// Products that leave the kernel as codes or floats.
void finish_directly(const GemmI8Job& job, const GemmI8Rows& rows, const Part& part, void* y, int64_t y_stride,
                     Scratch* scratch) {
  GemmI8Product product;
  product.a_stride = rows.stride;
  product.segments = rows.segments;
  product.segment_stride = rows.segment_stride;
  product.b = part.b;
  product.panel_bytes = job.packed->panel_bytes;
  product.panels = part.panels;
  product.k = rows.k_readable / rows.segments;
  product.columns = part.columns;
  product.column_sum = part.column_sum;
  product.offset = part.offset;
  product.row_zero_step = rows.zero_step;
  product.row_term = scratch->row_term;
  product.column_zero = part.column_zero;
  // Narrow rows leave most of a vector empty; dense ones are added as one run.
  const bool dense = part.columns == y_stride;
  const bool narrow = dense && part.columns <= kNarrowColumns && job.codes != nullptr;
  const bool waits = job.added != nullptr && (job.add == nullptr || narrow);
  const int64_t codes_stride = dense ? part.columns : part.panels * 16;
  int64_t most = has_tail(job) ? kTailRows : part.column_zero == nullptr ? rows.rows : kMaxRows;
  if (waits) most = least(most, static_cast<int64_t>(sizeof scratch->codes) / codes_stride);
  for (int64_t done = 0; done < rows.rows;) {
    const Run run = run_of(rows, done, least(rows.rows, done + most));
    done += run.count;
    product.a = run.a;
    product.m = run.count;
    product.row_zero = rows.zero == nullptr ? nullptr : rows.zero + run.first * rows.zero_step;
    if (part.column_zero != nullptr) {
      sum_rows(job, rows, part, run.first, run.count, scratch);
      for (int64_t r = 0; r < run.count; ++r) {
        const uint32_t zero = product.row_zero == nullptr ? 0 : bits(product.row_zero[r * rows.zero_step]);
        scratch->row_term[r] = static_cast<int32_t>(static_cast<uint32_t>(part.k) * zero - bits(scratch->row_sum[r]));
      }
    }
    const int64_t at = run.first * y_stride + part.first_column;
    if (job.y_format == kF32) {
      GemmI8FloatsArgs out;
      out.product = product;
      const bool tail = has_tail(job);
      // Floats that wait for their tail lie together, so that the first cache holds them whatever the stride of y.
      out.y = tail ? reinterpret_cast<float*>(scratch->accumulators) : static_cast<float*>(y) + at;
      out.y_stride = tail ? part.panels * 16 : y_stride;
      out.row_scale = rows.scale == nullptr ? nullptr : rows.scale + run.first * rows.scale_step;
      out.row_scale_step = rows.scale_step;
      out.column_scale = job.multiplier + part.first_column * job.multiplier_step;
      out.column_scale_step = job.multiplier_step;
      out.bias = job.bias == nullptr ? nullptr : job.bias + part.first_column;
      out.lo = tail ? -kInfinity : job.lo;
      out.hi = tail ? kInfinity : job.hi;
      job.floats(out);
      if (tail) {
        finish_tail(job, part, run.first, run.count, out.y, out.y_stride, static_cast<float*>(y) + at, y_stride);
      }
    } else {
      GemmI8CodesArgs out;
      out.product = product;
      out.y = static_cast<uint8_t*>(y) + at;
      out.y_stride = y_stride;
      out.multiplier = job.multiplier + part.first_column * job.multiplier_step;
      out.multiplier_step = job.multiplier_step;
      out.zero_point = job.y_zero_point;
      out.qlo = job.qlo;
      out.qhi = job.qhi;
      if (waits) {
        out.y = scratch->codes;
        out.y_stride = codes_stride;
        job.codes(out);
        add_codes(job, {scratch->codes, codes_stride, run.count, part.columns}, at, y, y_stride);
      } else if (job.added != nullptr) {
        const GemmI8Added& added = *job.added;
        job.add({out, job.added_codes + at, y_stride, added.format == kI8, added.zero, added.ratio, added.added_ratio,
                 static_cast<uint8_t*>(y) + at, y_stride, added.sum_zero, added.sum_lo, added.sum_hi});
      } else {
        job.codes(out);
      }
    }
  }
}

// Rows [first, first + count), line by line and segment by segment, into the accumulators.
void multiply(const GemmI8Job& job, const GemmI8Rows& rows, const Part& part, int64_t first, int64_t count,
              Scratch* scratch) {
  GemmI8Args args;
  args.a_stride = rows.stride;
  args.panel_bytes = job.packed->panel_bytes;
  args.column_sum = part.column_sum;
  args.panels = part.panels;
  args.k = (part.last ? rows.k_readable - part.first_k : part.k) / rows.segments;
  args.c_stride = part.panels * 16;
  for (int64_t done = first; done < first + count;) {
    const Run run = run_of(rows, done, first + count);
    args.m = run.count;
    args.c = scratch->accumulators + (done - first) * args.c_stride;
    done += run.count;
    for (int64_t s = 0; s < rows.segments; ++s) {
      args.a = run.a + part.first_k + s * rows.segment_stride;
      args.b = part.b + s * args.k * 16;
      args.accumulate = s > 0;
      job.sums(args);
    }
  }
}

// Products whose sums go through scratch: rows [first, first + count).
void finish_sums(const GemmI8Job& job, const GemmI8Rows& rows, const Part& part, int64_t first, int64_t count, void* y,
                 int64_t y_stride, Scratch* scratch) {
  multiply(job, rows, part, first, count, scratch);
  const int64_t stride = part.panels * 16;
  const int32_t* row_zero = rows.zero == nullptr ? nullptr : rows.zero + first * rows.zero_step;
  const int32_t* offset = part.offset;
  // One zero point for all rows and symmetric weights: sum (a - a_zero) w + offset = sum a*w + (offset - a_zero * sum
  // w).
  const bool folded = part.column_zero == nullptr && rows.zero_step == 0;
  if (folded && row_zero != nullptr && row_zero[0] != 0) {
    for (int64_t j = 0; j < part.columns; ++j) {
      const uint32_t start = part.offset == nullptr ? 0 : bits(part.offset[j]);
      scratch->offset[j] = static_cast<int32_t>(start - bits(row_zero[0]) * bits(part.column_sum[j]));
    }
    offset = scratch->offset;
  }
  if (!folded || (job.y_format == kI32 && offset != nullptr)) {
    CorrectArgs correct;
    correct.acc = scratch->accumulators;
    correct.acc_stride = stride;
    correct.rows = count;
    correct.columns = part.columns;
    correct.offset = offset;
    correct.row_zero = folded ? nullptr : row_zero;
    correct.row_zero_step = rows.zero_step;
    correct.column_sum = part.column_sum;
    correct.column_zero = part.column_zero;
    correct.row_sum = nullptr;
    correct.k = static_cast<int32_t>(part.k);
    if (part.column_zero != nullptr) {
      sum_rows(job, rows, part, first, count, scratch);
      correct.row_sum = scratch->row_sum;
    }
    job.kernels->correct_i32(correct);
    offset = nullptr;
  }

  const int64_t at = first * y_stride + part.first_column;
  if (job.y_format == kI32) {
    int32_t* to = static_cast<int32_t*>(y) + at;
    for (int64_t r = 0; r < count; ++r) {
      memcpy(to + r * y_stride, scratch->accumulators + r * stride, static_cast<size_t>(part.columns) * 4);
    }
  } else if (job.y_format == kF32) {
    DequantizeAccumulatorArgs out;
    out.acc = scratch->accumulators;
    out.acc_stride = stride;
    out.y = static_cast<float*>(y) + at;
    out.y_stride = y_stride;
    out.rows = count;
    out.columns = part.columns;
    out.offset = offset;
    out.row_scale = rows.scale == nullptr ? nullptr : rows.scale + first * rows.scale_step;
    out.row_scale_step = rows.scale_step;
    out.column_scale = job.multiplier + part.group * job.packed->n + part.first_column * job.multiplier_step;
    out.column_scale_step = job.multiplier_step;
    out.bias = job.bias == nullptr ? nullptr : job.bias + part.first_column;
    out.lo = has_tail(job) ? -kInfinity : job.lo;
    out.hi = has_tail(job) ? kInfinity : job.hi;
    out.accumulate = part.group > 0;
    out.last = part.last;
    job.kernels->dequantize_accumulator_i32_f32(out);
    if (part.last && has_tail(job)) finish_tail(job, part, first, count, out.y, y_stride, out.y, y_stride);
  } else {
    RequantizeArgs out;
    out.acc = scratch->accumulators;
    out.acc_stride = stride;
    out.y = static_cast<uint8_t*>(y) + at;
    out.y_stride = y_stride;
    out.rows = count;
    out.columns = part.columns;
    out.offset = offset;
    out.multiplier = job.multiplier + part.first_column * job.multiplier_step;
    out.multiplier_step = job.multiplier_step;
    out.zero_point = job.y_zero_point;
    out.qlo = job.qlo;
    out.qhi = job.qhi;
    if (job.added != nullptr) {
      out.y = scratch->codes;
      out.y_stride = stride;
    }
    (job.y_format == kI8 ? job.kernels->requantize_i32_i8 : job.kernels->requantize_i32_u8)(out);
    if (job.added != nullptr) add_codes(job, {scratch->codes, stride, count, part.columns}, at, y, y_stride);
  }
}

// The zero points of the weights as they are stored, or null when all of them are 0.
const int32_t* column_zeros(const GemmI8Job& job, const Part& part, Scratch* scratch) {
  if (job.w_zero == nullptr && job.packed->w_shift == 0) return nullptr;
  const int32_t* w_zero = job.w_zero == nullptr ? nullptr : job.w_zero + part.group * job.packed->n + part.first_column;
  uint32_t any = 0;
  for (int64_t j = 0; j < part.columns; ++j) {
    const uint32_t zero = (w_zero == nullptr ? 0u : bits(w_zero[j])) - bits(job.packed->w_shift);
    scratch->column_zero[j] = static_cast<int32_t>(zero);
    any |= zero;
  }
  return any == 0 ? nullptr : scratch->column_zero;
}

}  // namespace

void choose_gemm_i8_kernels(const Dispatch& kernels, GemmI8Job* job) {
  const bool is_signed = job->a_format == kI8;
  const auto isa_of = [&](Slot slot) { return kernels.slot_isa[static_cast<int32_t>(slot)]; };
  const Isa isa = isa_of(is_signed ? Slot::gemm_i8i8_i32 : Slot::gemm_u8i8_i32);
  job->kernels = &kernels;
  job->sums = is_signed ? kernels.gemm_i8i8_i32 : kernels.gemm_u8i8_i32;
  job->codes = nullptr;
  job->floats = nullptr;
  if (job->y_format == kU8 && isa_of(is_signed ? Slot::gemm_i8i8_u8 : Slot::gemm_u8i8_u8) == isa) {
    job->codes = is_signed ? kernels.gemm_i8i8_u8 : kernels.gemm_u8i8_u8;
  }
  if (job->y_format == kI8 && isa_of(is_signed ? Slot::gemm_i8i8_i8 : Slot::gemm_u8i8_i8) == isa) {
    job->codes = is_signed ? kernels.gemm_i8i8_i8 : kernels.gemm_u8i8_i8;
  }
  job->add = nullptr;
  if (job->added != nullptr) {
    const bool y_signed = job->added->sum_format == kI8;
    const Slot slot = is_signed ? (y_signed ? Slot::gemm_add_i8i8_i8 : Slot::gemm_add_i8i8_u8)
                                : (y_signed ? Slot::gemm_add_u8i8_i8 : Slot::gemm_add_u8i8_u8);
    if (isa_of(slot) == isa) {
      job->add = is_signed ? (y_signed ? kernels.gemm_add_i8i8_i8 : kernels.gemm_add_i8i8_u8)
                           : (y_signed ? kernels.gemm_add_u8i8_i8 : kernels.gemm_add_u8i8_u8);
    }
  }
  if (job->y_format == kF32 && isa_of(is_signed ? Slot::gemm_i8i8_f32 : Slot::gemm_u8i8_f32) == isa) {
    job->floats = is_signed ? kernels.gemm_i8i8_f32 : kernels.gemm_u8i8_f32;
  }
}

size_t gemm_i8_block_scratch() { return sizeof(Scratch); }

void gemm_i8_block(const GemmI8Job& job, const GemmI8Rows& rows, int64_t first_panel, int64_t panels, void* y,
                   int64_t y_stride, uint8_t* scratch_bytes) {
  Scratch* scratch = reinterpret_cast<Scratch*>(scratch_bytes);
  const PackedHeader& packed = *job.packed;
  const uint8_t* base = reinterpret_cast<const uint8_t*>(job.packed);
  Part part;
  part.first_column = first_panel * 16;
  part.columns = least(packed.n - part.first_column, panels * 16);
  part.panels = panels;
  part.offset = job.offset == nullptr ? nullptr : job.offset + part.first_column;
  const int64_t most = kAccumulatorBytes / (panels * 64);
  for (part.group = 0; part.group < packed.groups; ++part.group) {
    part.first_k = part.group * packed.group_size;
    part.k = least(packed.k - part.first_k, packed.group_size);
    part.last = part.group == packed.groups - 1;
    part.b = reinterpret_cast<const int8_t*>(base + packed.data_offset + first_panel * packed.panel_bytes +
                                             part.first_k * 16);
    part.column_sum = reinterpret_cast<const int32_t*>(base + sizeof(PackedHeader)) + part.group * packed.panels * 16 +
                      part.first_column;
    part.column_zero = column_zeros(job, part, scratch);
    if (can_finish(job, part)) {
      finish_directly(job, rows, part, y, y_stride, scratch);
      continue;
    }
    for (int64_t first = 0; first < rows.rows; first += most) {
      finish_sums(job, rows, part, first, least(most, rows.rows - first), y, y_stride, scratch);
    }
  }
}

}  // namespace lowbit
