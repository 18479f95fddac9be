// The quantize kernels in plain C++.
#include "native/kernels/kernels.h"
#include "native/kernels/quantize/body.h"

LOWBIT_QUANTIZE_KERNELS(portable)
