// The target region of wasm_relaxed: nothing to open, the relaxed variant of the module is compiled with
// -mrelaxed-simd.
#include <wasm_simd128.h>
