// PlanCheck: what the operations use to reject fields that would leave their buffers.
#include "native/plan/op.h"

namespace lowbit {

int64_t checked_product(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f) {
  const int64_t factors[] = {a, b, c, d, e, f};
  int64_t product = 1;
  bool zero = false;
  for (const int64_t factor : factors) {
    if (factor < 0) return -1;
    if (factor == 0) zero = true;
  }
  if (zero) return 0;
  for (const int64_t factor : factors) {
    if (product > INT64_MAX / factor) return -1;
    product *= factor;
  }
  return product;
}

bool PlanCheck::that(bool condition) {
  if (!condition) ok_ = false;
  return ok_;
}

uint64_t PlanCheck::bytes_of(int32_t index) const { return index < 0 || index >= buffers_ ? 0 : bytes_[index]; }

bool PlanCheck::buffer(int32_t index, int64_t count, int64_t element_bytes) {
  if (!that(index >= 0 && index < buffers_)) return false;
  const int64_t bytes = checked_product(count, element_bytes);
  return that(bytes >= 0 && static_cast<uint64_t>(bytes) <= bytes_[index]);
}

bool PlanCheck::optional(int32_t index, int64_t count, int64_t element_bytes) {
  return index == -1 ? ok_ : buffer(index, count, element_bytes);
}

}  // namespace lowbit
