// LOWBIT_KEEP(vector): the compiler forgets what it knows of a vector register, so that equal accumulators stay apart
// and products of equal operands are computed each time. It costs no instruction.
#pragma once

#if defined(__GNUC__) && defined(__x86_64__)
#define LOWBIT_KEEP(vector) __asm__ volatile("" : "+v"(vector))
#elif defined(__GNUC__) && defined(__aarch64__)
#define LOWBIT_KEEP(vector) __asm__ volatile("" : "+w"(vector))
#else
#define LOWBIT_KEEP(vector) static_cast<void>(0)
#endif
