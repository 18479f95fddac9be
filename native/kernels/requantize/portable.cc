// The requantize kernels in plain C++.
#include "native/kernels/kernels.h"
#include "native/kernels/requantize/body.h"

LOWBIT_REQUANTIZE_KERNELS(portable)
