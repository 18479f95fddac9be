// The softmax kernels in plain C++.
#include "native/kernels/kernels.h"
#include "native/kernels/softmax/body.h"

LOWBIT_SOFTMAX_KERNELS(portable)
