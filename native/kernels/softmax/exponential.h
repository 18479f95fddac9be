// The constants of softmax's exponential, shared by its plain and its vector form.
#pragma once

namespace lowbit {
namespace {

// e^v for v <= 0: v = n*ln2 + r with |r| <= ln2/2, e^r = 1 + r + r^2*q(r). ln2 is split so that n*kLn2High is exact
// (kLn2High has 10 significant bits, |n| <= 127). q is the minimax polynomial of degree 4 for the relative error on
// that interval (3.2e-9 before its coefficients were rounded to float); measured on 4 million values, e^v is within 1
// ulp. Below kSmallest, where the result is less than 2^-125, it is 0. NaN stays.
constexpr float kLog2E = 1.44269504f;
constexpr float kLn2High = 0.693359375f;
constexpr float kLn2Low = -2.12194440e-4f;
constexpr float kQ0 = 0x1.fffffcp-2f;
constexpr float kQ1 = 0x1.555490p-3f;
constexpr float kQ2 = 0x1.5558fcp-5f;
constexpr float kQ3 = 0x1.123b9ap-7f;
constexpr float kQ4 = 0x1.6a214cp-10f;
constexpr float kSmallest = -87.0f;

// The sum of a row is taken in this many lanes, whatever the width of a vector.
constexpr int kPartialSums = 16;

}  // namespace
}  // namespace lowbit
