// Text that grows by doubling.
#include "native/base/text.h"

#include <cstdlib>
#include <cstring>

namespace lowbit {

Text::~Text() { free(data_); }

Text& Text::add(const char* text) {
  const size_t length = strlen(text);
  if (size_ + length + 1 > capacity_) {
    const size_t capacity = 2 * capacity_ + length + 64;
    char* const data = static_cast<char*>(realloc(data_, capacity));
    if (data == nullptr) failed_ = true;
    if (failed_) return *this;
    data_ = data;
    capacity_ = capacity;
  }
  memcpy(data_ + size_, text, length + 1);
  size_ += length;
  return *this;
}

Text& Text::add(int64_t number) {
  char digits[24];
  char* first = digits + sizeof digits - 1;
  *first = '\0';
  const bool negative = number < 0;
  uint64_t rest = negative ? uint64_t{0} - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
  do {
    *--first = static_cast<char>('0' + rest % 10);
    rest /= 10;
  } while (rest != 0);
  if (negative) *--first = '-';
  return add(first);
}

Text& Text::quoted(const char* text) { return add("\"").add(text).add("\""); }

}  // namespace lowbit
