// The version that describe() reports; a test holds it equal to package.json's.
#pragma once

namespace lowbit {

constexpr const char* kVersion = "0.1.0";

}  // namespace lowbit
