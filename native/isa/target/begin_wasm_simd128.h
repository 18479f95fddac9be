// The target region of wasm_simd128: nothing to open, the whole module is compiled with -msimd128.
#include <wasm_simd128.h>
