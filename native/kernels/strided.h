// Strided views of up to six dimensions: how far they reach, and how to make them as flat as they are.
#pragma once

#include <cstdint>

namespace lowbit {

// Elements from the first to behind the last one that a view touches; 0 for an empty view, -1 when a size or stride is
// negative or the sum leaves int64.
inline int64_t strided_extent(const int32_t* dims, const int32_t* strides, int rank) {
  constexpr int64_t kFar = int64_t{1} << 56;
  int64_t last = 0;
  bool empty = false;
  for (int i = 0; i < rank; i++) {
    if (dims[i] < 0 || strides[i] < 0) return -1;
    if (dims[i] == 0) {
      empty = true;
      continue;
    }
    int64_t reach = static_cast<int64_t>(dims[i] - 1) * strides[i];
    if (reach > kFar || last > kFar) return -1;
    last += reach;
  }
  return empty ? 0 : last + 1;
}

// Drops dimensions of one element and joins neighbours that every one of `views` stride arrays walks as one. Returns
// the new rank, at least 1. Sizes are int64 because joined dimensions multiply.
template <int kViews>
int flatten_views(int rank, int64_t* dims, int64_t (*strides)[6]) {
  int kept = 0;
  for (int i = 0; i < rank; i++) {
    if (dims[i] == 1) continue;
    bool joins = kept > 0;
    for (int v = 0; v < kViews && joins; v++) joins = strides[v][kept - 1] == strides[v][i] * dims[i];
    if (joins) {
      dims[kept - 1] *= dims[i];
      for (int v = 0; v < kViews; v++) strides[v][kept - 1] = strides[v][i];
    } else {
      dims[kept] = dims[i];
      for (int v = 0; v < kViews; v++) strides[v][kept] = strides[v][i];
      kept++;
    }
  }
  if (kept == 0) {
    dims[0] = 1;
    for (int v = 0; v < kViews; v++) strides[v][0] = 1;
    kept = 1;
  }
  return kept;
}

// Walks the first `rank` of some dimensions in row-major order, keeping the offset of every view: one addition per step
// where a division per dimension would be needed to find a position from its number.
template <int kViews>
class Odometer {
 public:
  Odometer(int rank, const int64_t* dims, const int64_t (*strides)[6], int64_t number) : rank_(rank) {
    for (int v = 0; v < kViews; v++) offsets_[v] = 0;
    for (int i = rank - 1; i >= 0; i--) {
      dims_[i] = dims[i];
      index_[i] = number % dims[i];
      number /= dims[i];
      for (int v = 0; v < kViews; v++) {
        strides_[v][i] = strides[v][i];
        offsets_[v] += index_[i] * strides[v][i];
      }
    }
  }
  int64_t offset(int view) const { return offsets_[view]; }
  void next() {
    for (int i = rank_ - 1; i >= 0; i--) {
      for (int v = 0; v < kViews; v++) offsets_[v] += strides_[v][i];
      if (++index_[i] < dims_[i]) return;
      for (int v = 0; v < kViews; v++) offsets_[v] -= index_[i] * strides_[v][i];
      index_[i] = 0;
    }
  }

 private:
  int rank_;
  int64_t dims_[6], index_[6], strides_[kViews][6], offsets_[kViews];
};

}  // namespace lowbit
