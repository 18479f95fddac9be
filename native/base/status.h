// The status codes of abi/status.inc as an enum.
#pragma once

#include <cstdint>

namespace lowbit {

enum class Status : int32_t {
#define LOWBIT_STATUS(name, number, sentence) name = number,
#include "native/abi/status.inc"
#undef LOWBIT_STATUS
};

}  // namespace lowbit
