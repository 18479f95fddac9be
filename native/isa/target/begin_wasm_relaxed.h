// The target region of wasm_relaxed: nothing to open, only the wasm_relaxed.cc files are compiled with -mrelaxed-simd
// (wasm/sources.mjs says why), and only for the relaxed variant of the module, which defines LOWBIT_WASM_RELAXED.
#include <wasm_simd128.h>
