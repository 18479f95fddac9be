// transpose_32 in portable C++: the definition of the others.
#include "native/kernels/kernels.h"
#include "native/kernels/transform/squares.h"

namespace lowbit {

void transpose_32_portable(const Transpose32Args& args) { turn_elements(args); }

}  // namespace lowbit
