// Text that grows: JSON and error details, without iostream or exceptions.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lowbit {

// Appends; once memory ran out it stays as it was and `failed()` is true.
class Text {
 public:
  Text() = default;
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;
  ~Text();

  Text& add(const char* text);
  Text& add(int64_t number);
  // The text in quotes, for JSON; the tables hold no character that needs an escape.
  Text& quoted(const char* text);

  const char* data() const { return data_ == nullptr ? "" : data_; }
  size_t size() const { return size_; }
  bool failed() const { return failed_; }

 private:
  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  bool failed_ = false;
};

}  // namespace lowbit
