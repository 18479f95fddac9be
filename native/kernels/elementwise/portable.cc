// The elementwise kernels in plain C++.
#include "native/kernels/kernels.h"
#include "native/kernels/elementwise/body.h"

LOWBIT_ELEMENTWISE_KERNELS(portable)

namespace lowbit {
void lookup_8_portable(const LookupArgs& args) { lookup_run(args.x, args.table, args.y, args.n); }
}  // namespace lowbit
