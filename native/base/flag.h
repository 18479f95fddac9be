// Words that another thread, or JavaScript, writes while native code reads them: relaxed atomics over plain memory.
#pragma once

#include <cstdint>

namespace lowbit {

#if defined(_MSC_VER)
// On MSVC's targets an aligned volatile access of 32 bits is one access.
inline int32_t load_flag(const volatile int32_t* flag) { return *flag; }
inline void store_flag(volatile int32_t* flag, int32_t value) { *flag = value; }
#else
inline int32_t load_flag(const volatile int32_t* flag) { return __atomic_load_n(flag, __ATOMIC_RELAXED); }
inline void store_flag(volatile int32_t* flag, int32_t value) { __atomic_store_n(flag, value, __ATOMIC_RELAXED); }
#endif

}  // namespace lowbit
