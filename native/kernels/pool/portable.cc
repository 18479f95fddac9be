// The pool kernels in plain C++.
#include "native/kernels/kernels.h"
#include "native/kernels/pool/body.h"

LOWBIT_POOL_KERNELS(portable)
