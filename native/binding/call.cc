// The visitors over the arguments of a call.
#include "native/binding/call.h"

#include <cstdlib>
#include <cstring>
#include <new>

#include "native/base/memory.h"

namespace lowbit {
namespace {

// A list longer than this is no list of feeds: it would only make us allocate.
constexpr uint32_t kMaxListLength = 65536;

PlanBox* box_of(napi_env env, napi_value value) {
  napi_valuetype type;
  void* data = nullptr;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return nullptr;
  return napi_get_value_external(env, value, &data) == napi_ok ? static_cast<PlanBox*>(data) : nullptr;
}

void finalize_box(napi_env, void* data, void*) {
  PlanBox* const box = static_cast<PlanBox*>(data);
  if (box->plan != nullptr) plan_release(box->plan);
  delete box;
}

}  // namespace

bool slice_of(napi_env env, napi_value value, Slice* slice) {
  bool typed = false, view = false;
  size_t length = 0;
  void* data = nullptr;
  if (napi_is_typedarray(env, value, &typed) == napi_ok && typed) {
    // Bytes per element by napi_typedarray_type: int8, uint8, uint8_clamped, int16, uint16, int32, uint32, float32,
    // float64, bigint64, biguint64, float16.
    static const uint8_t kWidths[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 2};
    napi_typedarray_type type;
    if (napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) != napi_ok) return false;
    if (static_cast<size_t>(type) >= sizeof kWidths) return false;
    *slice = {data, length * kWidths[type]};
    return true;
  }
  if (napi_is_dataview(env, value, &view) != napi_ok || !view) return false;
  if (napi_get_dataview_info(env, value, &length, &data, nullptr, nullptr) != napi_ok) return false;
  *slice = {data, length};
  return true;
}

void set_argument_detail(Detail* detail, int argument) {
  const char* const sentence = "argument 0 of the native function has the wrong type";
  memcpy(detail->text, sentence, strlen(sentence) + 1);
  detail->text[strlen("argument ")] = static_cast<char>('0' + argument % 10);
}

Reader::~Reader() {
  for (int i = 0; i < list_count_; i++) free(lists_[i]);
}

void Reader::in_int(int32_t& value) {
  if (napi_get_value_int32(info_.Env(), next(), &value) != napi_ok) fail();
}

void Reader::in_bytes(Slice& slice) {
  if (!slice_of(info_.Env(), next(), &slice)) fail();
}

void Reader::in_list(SliceList& list) {
  const napi_env env = info_.Env();
  const napi_value array = next();
  bool is_array = false;
  uint32_t length = 0;
  if (napi_is_array(env, array, &is_array) != napi_ok || !is_array) return fail();
  if (napi_get_array_length(env, array, &length) != napi_ok || length > kMaxListLength) return fail();
  Slice* const slices = static_cast<Slice*>(calloc(length + 1, sizeof(Slice)));
  if (slices == nullptr || list_count_ == kMaxLists) {
    free(slices);
    return fail();
  }
  lists_[list_count_++] = slices;
  for (uint32_t i = 0; i < length; i++) {
    napi_value value;
    if (napi_get_element(env, array, i, &value) != napi_ok || !slice_of(env, value, &slices[i])) return fail();
  }
  list = {slices, length};
}

void Reader::control(Slice& slice) {
  const napi_value value = next();
  napi_valuetype type;
  if (napi_typeof(info_.Env(), value, &type) == napi_ok && type == napi_undefined) return;
  if (!slice_of(info_.Env(), value, &slice)) fail();
}

void Reader::plan(Plan*& plan) {
  PlanBox* const box = box_of(info_.Env(), next());
  if (box == nullptr) return fail();
  plan = box->plan;
}

void Reader::end_plan(Plan*& plan) {
  PlanBox* const box = box_of(info_.Env(), next());
  if (box == nullptr) return fail();
  plan = box->plan;
  spent_ = box;
}

void* Keeper::keep(void* block) {
  if (block == nullptr || block_count_ == kMaxBlocks) {
    free_aligned(block);
    failed_ = true;
    return nullptr;
  }
  blocks_[block_count_++] = block;
  return block;
}

// One block holds the table of slices and behind it all their bytes, each slice aligned.
Slice* Keeper::copy_list(const SliceList& list, bool contents) {
  uint64_t total = 0;
  bool fits = align_up(list.count * sizeof(Slice), &total);
  const uint64_t first = total;
  for (size_t i = 0; i < list.count && fits; i++) {
    uint64_t bytes = 0;
    fits = align_up(list.slices[i].bytes, &bytes) && total + bytes >= total && total + bytes <= SIZE_MAX / 2;
    total += bytes;
  }
  uint8_t* const block = static_cast<uint8_t*>(keep(fits ? allocate_aligned(static_cast<size_t>(total)) : nullptr));
  if (block == nullptr) return nullptr;
  Slice* const slices = reinterpret_cast<Slice*>(block);
  uint64_t at = first;
  for (size_t i = 0; i < list.count; i++) {
    const Slice from = list.slices[i];
    slices[i] = {block + at, from.bytes};
    if (contents && from.bytes != 0) memcpy(block + at, from.data, from.bytes);
    uint64_t bytes = 0;
    align_up(from.bytes, &bytes);
    at += bytes;
  }
  return slices;
}

void Keeper::in_bytes(Slice& slice) {
  at_++;
  void* const copy = keep(allocate_aligned(slice.bytes));
  if (copy == nullptr) return;
  if (slice.bytes != 0) memcpy(copy, slice.data, slice.bytes);
  slice.data = copy;
}

void Keeper::in_list(SliceList& list) {
  at_++;
  list.slices = copy_list(list, true);
}

void Keeper::out_list(SliceList& list) {
  const napi_value views = next();
  list.slices = copy_list(list, false);
  if (list.slices == nullptr) return;
  written_ = list;
  // A copy of the caller's array, which the caller may change.
  const napi_env env = info_->Env();
  napi_value array;
  if (napi_create_array_with_length(env, list.count, &array) != napi_ok) failed_ = true;
  for (uint32_t i = 0; i < list.count && !failed_; i++) {
    napi_value view;
    if (napi_get_element(env, views, i, &view) != napi_ok || napi_set_element(env, array, i, view) != napi_ok) {
      failed_ = true;
    }
  }
  if (failed_ || napi_create_reference(env, array, 1, &written_views_) != napi_ok) failed_ = true;
}

void Keeper::control(Slice& slice) {
  const napi_value value = next();
  if (slice.bytes == 0) return;
  // Shared on purpose: JavaScript writes the cancel flag and reads the progress. The reference keeps its memory.
  if (napi_create_reference(info_->Env(), value, 1, &control_) != napi_ok) failed_ = true;
}

void Keeper::plan(Plan*& plan) {
  at_++;
  if (plan == nullptr) return;
  plan_retain(plan);
  plan_ = plan;
}

bool Keeper::deliver(napi_env env) {
  napi_value views;
  if (written_views_ == nullptr) return true;
  if (napi_get_reference_value(env, written_views_, &views) != napi_ok || views == nullptr) return false;
  for (uint32_t i = 0; i < written_.count; i++) {
    napi_value view;
    Slice slice;
    if (napi_get_element(env, views, i, &view) != napi_ok || !slice_of(env, view, &slice)) return false;
    if (slice.bytes != written_.slices[i].bytes) return false;
    if (slice.bytes != 0) memcpy(slice.data, written_.slices[i].data, slice.bytes);
  }
  return true;
}

void Keeper::let_go(napi_env env) {
  if (written_views_ != nullptr) napi_delete_reference(env, written_views_);
  if (control_ != nullptr) napi_delete_reference(env, control_);
  if (plan_ != nullptr) plan_release(plan_);
  for (int i = 0; i < block_count_; i++) free_aligned(blocks_[i]);
}

void Results::number(int32_t value) {
  napi_value number = nullptr;
  napi_create_int32(env_, value, &number);
  add(number);
}

void Results::text(const char* value) {
  napi_value text = nullptr;
  napi_create_string_utf8(env_, value, NAPI_AUTO_LENGTH, &text);
  add(text);
}

void Results::out_bytes(Slice& slice) {
  napi_value buffer = nullptr, bytes = nullptr;
  void* data = nullptr;
  if (napi_create_arraybuffer(env_, slice.bytes, &data, &buffer) == napi_ok) {
    if (slice.bytes != 0) memcpy(data, slice.data, slice.bytes);
    napi_create_typedarray(env_, napi_uint8_array, slice.bytes, buffer, 0, &bytes);
  }
  add(bytes);
}

void Results::out_plan(Plan*& plan) {
  PlanBox* const box = plan == nullptr ? nullptr : new (std::nothrow) PlanBox{plan};
  napi_value external = nullptr;
  if (box == nullptr || napi_create_external(env_, box, finalize_box, nullptr, &external) != napi_ok) {
    if (plan != nullptr) plan_release(plan);
    delete box;
    return add(nullptr);
  }
  add(external);
}

}  // namespace lowbit
