// The dequantize kernels in plain C++.
#include "native/kernels/kernels.h"
#include "native/kernels/dequantize/body.h"

LOWBIT_DEQUANTIZE_KERNELS(portable)
