// Hints to the compiler for kernels that keep everything in registers.
// LOWBIT_UNROLL before a loop of constant length: unroll it completely, so that arrays of accumulators become
// registers.
#pragma once

#if defined(__clang__)
#define LOWBIT_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define LOWBIT_UNROLL _Pragma("GCC unroll 32")
#else
#define LOWBIT_UNROLL
#endif

// LOWBIT_OPAQUE(vector): the compiler forgets what it knows about a vector register's value, and keeps the order of
// such statements. GCC 12 otherwise stores an array of accumulators again in every step when it sees that all of them
// start as zero, or gathers the operations of several rows until the registers run out.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
#define LOWBIT_OPAQUE(vector) __asm__ volatile("" : "+v"(vector))
#elif defined(__GNUC__) && !defined(__clang__) && defined(__aarch64__)
#define LOWBIT_OPAQUE(vector) __asm__ volatile("" : "+w"(vector))
#else
#define LOWBIT_OPAQUE(vector) static_cast<void>(0)
#endif

// LOWBIT_INLINE: inlined wherever it is called, for functions that take arrays of accumulators by reference.
#if defined(__GNUC__)
#define LOWBIT_INLINE inline __attribute__((always_inline))
#elif defined(_MSC_VER)
#define LOWBIT_INLINE __forceinline
#else
#define LOWBIT_INLINE inline
#endif
