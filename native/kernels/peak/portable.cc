// The peak kernels in plain C++: what the compiler makes of them, and the definition of their results.
#include <cstring>

#include "native/kernels/kernels.h"
#include "native/isa/lanes/portable.h"
#include "native/kernels/peak/body.h"

LOWBIT_READ_KERNELS(portable)

namespace lowbit {

// Memory that the compiler must read again takes the place of registers: this is no peak, it is the definition.
void peak_u8i8_i32_portable(const PeakI8Args& args) {
  const volatile uint8_t* a = args.a;
  uint32_t sums[16] = {};
  for (int64_t s = 0; s < args.steps; s++) {
    int32_t codes[4];
    for (int i = 0; i < 4; i++) codes[i] = a[i];
    for (int j = 0; j < 16; j++) {
      for (int i = 0; i < 4; i++) sums[j] += static_cast<uint32_t>(codes[i] * args.b[4 * j + i]);
    }
  }
  for (int j = 0; j < 16; j++) args.out[j] = static_cast<int32_t>(sums[j]);
}

void peak_f32_portable(const PeakF32Args& args) {
  const volatile float* a = args.a;
  float sums[16] = {};
  for (int64_t s = 0; s < args.steps; s++) {
    const float factor = *a;
    for (int j = 0; j < 16; j++) sums[j] += factor * args.b[j];
  }
  for (int j = 0; j < 16; j++) args.out[j] = sums[j];
}

}  // namespace lowbit
