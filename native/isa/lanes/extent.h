// How much of a vector a step of a loop takes: all lanes, or the first few at the end of a row.
#pragma once

namespace lowbit {
namespace {

struct AllLanes {};
struct SomeLanes {
  int n;  // 0 < n < Lanes::kWidth
};

// Every lanes/<isa>.h defines `Lanes` with one interface, so that a kernel body is written once:
//   kWidth; F (floats) and I (int32); of(value): all lanes alike;
//   load(pointer to float, int32, uint8 or int8, extent): the latter two widened to int32, lanes beyond the extent are
//   0; store(pointer, F or I, extent); store_bytes(pointer, I, extent): the low byte of every lane, and with four
//   vectors in the place of one those of all lanes of them; stream(pointer, F) and stream_bytes(pointer, I, I, I, I):
//   the same past the caches, to an address on a multiple of 64 bytes or as many vectors behind one, and end_streams()
//   when all are done; prefetch(any address); add sub mul (F, I), div square_root (F), exclusive_or bit_and bit_or
//   shift_left_23 (I), each wrapping; greater(a, b) = a > b ? a : b and less(a, b) = a < b ? a : b, as C++ has it for
//   NaN and zeros; within(v, lo, hi): v bounded by numbers, lo for a NaN that arithmetic gave, zeros of either sign;
//   where_less(v, w, a, b) = v < w ? a : b; zero_where_less(v, w, b) = v < w ? 0 : b; where_number(v, a, b) = v == v ?
//   a : b; to_float(I), rounded to nearest even; bits(F) and floats(I), reinterpreted; swapped<h>(v), h < kWidth a
//   power of two: lane i is lane i ^ h of v; first(v): lane 0; to_int(F): cut towards 0, in the range of int32;
//   shift_left(I, n) and shift_right(I, n), 0 <= n < 32, zeros come in; greater and less of I as signed numbers,
//   greater_bits as unsigned ones; more_if_less(count, a, b) = count + (a < b); even(a, b) and odd(a, b): every second
//   lane of a, then of b; zip_low(a, b) and zip_high(a, b): a0 b0 a1 b1
//   ..., the first and the second half of it; eight(p) and sixteen(p): so many floats as a table for look_up(table, I),
//   which stays in registers where kPermutes, and points to memory elsewhere; where kHalves, store_f16(pointer, F,
//   extent), rounded to nearest even, and load_f16(pointer, extent); where kScales, whole(v), v rounded to a whole
//   number, ties to even, and scaled(v, n) = v * 2^n for whole n, rounded once.
// Those of AVX2 and NEON also narrow four vectors at once: nearest(F): the int32 nearest to numbers inside of int32,
// ties to even; Narrow(zero_point, qlo, qhi, flipped), flipped 0 for i8 and 128 for u8, makes Codes of four I: the low
// byte of clamp(v + zero_point, qlo, qhi), whatever v is; store_codes(pointer, Codes): 32 in a row; store_rows(pointer,
// stride, n, Codes): the eight of each of the first n vectors, `stride` apart.
//   |v| > 32767 ends at qlo or qhi whatever the zero point in [-128, 255], so saturating to int16, adding with
//   saturation, and saturating to 8 bits changes nothing. u8 codes are i8 codes less 128.

}  // namespace
}  // namespace lowbit
