// One block of a float product, and how float products are cut.
#include "native/kernels/gemm_f32/block.h"

namespace lowbit {

namespace {

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

// k is cut behind a multiple of so many groups: what AMX adds up before it adds to the sum, so that there too a cut
// changes no byte.
constexpr int64_t kCutGroups = 16;
// Below this many rows a panel is not read again, or from nearby: k stays whole.
constexpr int64_t kCutRows = 13;
// Rows of a block when many threads share few rows.
constexpr int64_t kLeastBlockRows = 24;
// Panels of a step for few rows: as many as a kernel takes at once for one row.
constexpr int64_t kFewRowPanels = 8;

}  // namespace

GemmBlocks gemm_f32_blocks(int64_t m, int64_t k, int64_t panels, int threads) {
  GemmBlocks blocks;
  const int64_t most = m < kCutRows ? kFewRowPanels : kFloatPanels;
  blocks.steps = ceil_div(panels, most);
  blocks.panels = ceil_div(panels, blocks.steps);
  blocks.steps = ceil_div(panels, blocks.panels);
  const int64_t rows = kFloatRowBytes / (least(k, kFloatDepth) * 4);
  blocks.row_blocks = m < 1 ? 0 : m < kCutRows ? 1 : ceil_div(m, rows);
  blocks.column_blocks = 1;
  if (threads > 1 && blocks.row_blocks > 0) {
    // Four tasks per thread even out what others do to the machine. Columns first: the panels are read once all the
    // same.
    const int64_t wanted = int64_t{4} * threads;
    blocks.column_blocks = least(ceil_div(wanted, blocks.row_blocks), blocks.steps);
    if (blocks.row_blocks * blocks.column_blocks < wanted) {
      const int64_t row_blocks = least(ceil_div(wanted, blocks.column_blocks), ceil_div(m, kLeastBlockRows));
      if (row_blocks > blocks.row_blocks) blocks.row_blocks = row_blocks;
    }
  }
  blocks.rows = blocks.row_blocks == 0 ? 1 : ceil_div(m, blocks.row_blocks);
  blocks.row_blocks = ceil_div(m, blocks.rows);
  return blocks;
}

void gemm_f32_block(const GemmF32Job& job, const FloatRows& rows, int64_t first_panel, int64_t panels, float* y,
                    int64_t y_stride) {
  const PackedHeader& packed = *job.packed;
  const uint8_t* data = reinterpret_cast<const uint8_t*>(job.packed) + packed.data_offset;
  const uint8_t* b = data + first_panel * packed.panel_bytes;
  GemmF32Args args;
  args.rows = rows;
  args.panel_bytes = packed.panel_bytes;
  args.n = least(packed.n - first_panel * 16, panels * 16);
  args.c = y + first_panel * 16;
  args.c_stride = y_stride;
  args.bias = job.bias == nullptr ? nullptr : job.bias + first_panel * 16;
  args.lo = job.lo;
  args.hi = job.hi;

  // Whole segments where they are short, parts of one where they are long.
  const bool whole = rows.rows() < kCutRows;
  const int64_t parts = whole ? 1 : ceil_div(rows.run, kFloatDepth);
  const int64_t fit = whole ? rows.segments : parts > 1 ? 1 : kFloatDepth / rows.run;
  const int64_t cuts = ceil_div(rows.segments, fit);
  for (int64_t cut = 0; cut < cuts; ++cut) {
    const int64_t first = rows.segments * cut / cuts;
    args.rows.segments = rows.segments * (cut + 1) / cuts - first;
    for (int64_t part = 0; part < parts; ++part) {
      // Whole groups of rows of the matrix, kCutGroups at a time; the last part takes what is left.
      const int64_t groups = rows.run / job.group_rows;
      const auto cut_at = [&](int64_t p) { return groups * p / parts / kCutGroups * kCutGroups * job.group_rows; };
      const int64_t from = cut_at(part);
      args.rows.run = (part == parts - 1 ? rows.run : cut_at(part + 1)) - from;
      args.rows.a = rows.a + first * rows.segment_stride + from;
      args.b = b + (first * rows.run + from) / job.group_rows * 64;
      args.accumulate = cut > 0 || part > 0;
      args.last = cut == cuts - 1 && part == parts - 1;
      // The rows of the matrix behind these, or the first of the panels behind these.
      args.next = !args.last ? args.b + args.rows.segments * args.rows.run / job.group_rows * 64
                  : first_panel + panels < packed.panels ? b + panels * packed.panel_bytes
                                                         : nullptr;
      job.product(args);
    }
  }
}

}  // namespace lowbit
