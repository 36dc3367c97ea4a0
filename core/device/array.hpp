// Owning storage for a tensor: aligned for vector loads, moved but never copied by accident.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <type_traits>

#include "core/base/error.hpp"
#include "core/base/view.hpp"
#include "core/device/memory.hpp"

namespace ptychoflow::device {

/// Of arrays in the processor's memory.
inline constexpr std::size_t host_alignment = 64;

/// Null if the memory is not there. Large blocks come in huge pages where the system has them. To be released by
/// std::free.
void* allocate_on_host(std::size_t bytes);

/// Owns a row-major tensor, in the processor's memory or a device's. Elements are zero unless built `uninitialized`,
/// whose pages are first touched by their user. Elements in a device's memory are reached by its kernels alone.
template <class T, std::size_t Rank>
class Array {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  static constexpr std::size_t alignment = host_alignment;

  Array() = default;

  /// @throws Error (resource) if the memory is not there
  explicit Array(Extents<Rank> extents) : Array(uninitialized(extents)) { std::fill(begin(), end(), T{}); }

  static Array zeros(Extents<Rank> extents, Memory* memory) {
    if (!memory) return Array(extents);
    Array a = uninitialized(extents, memory);
    memory->clear(a.data(), a.bytes());
    return a;
  }

  static Array uninitialized(Extents<Rank> extents, Memory* memory = nullptr) {
    Array a;
    a.view_ = View<T, Rank>(nullptr, extents);
    const std::size_t bytes = std::max((a.bytes() + alignment - 1) / alignment * alignment, alignment);
    void* data = memory ? memory->allocate(bytes) : allocate_on_host(bytes);
    if (!data) {
      throw Error(ErrorCode::resource, "out of memory: " + std::to_string(bytes >> 20) + " MiB could not be allocated");
    }
    a.storage_ = {static_cast<T*>(data), Release{memory}};
    a.view_ = View<T, Rank>(a.storage_.get(), extents);
    return a;
  }

  /// In the processor's memory, as `source` must be.
  static Array copy_of(View<const T, Rank> source) {
    Array a = uninitialized(source.extents());
    std::copy(source.begin(), source.end(), a.begin());
    return a;
  }

  View<T, Rank> view() { return view_; }
  View<const T, Rank> view() const { return view_; }
  operator View<T, Rank>() { return view_; }
  operator View<const T, Rank>() const { return view_; }

  T* data() { return view_.data(); }
  const T* data() const { return view_.data(); }
  T* begin() { return view_.begin(); }
  T* end() { return view_.end(); }
  const T* begin() const { return view_.begin(); }
  const T* end() const { return view_.end(); }
  Index size() const { return view_.size(); }
  bool empty() const { return size() == 0; }
  const Extents<Rank>& extents() const { return view_.extents(); }
  Index extent(std::size_t axis) const { return view_.extent(axis); }
  /// Where the elements lie; null: in the processor's memory.
  Memory* memory() const { return storage_.get_deleter().memory; }
  std::size_t bytes() const { return static_cast<std::size_t>(size()) * sizeof(T); }

  template <std::convertible_to<Index>... I>
  requires(sizeof...(I) == Rank) T& operator()(I... i) { return view_(i...); }
  template <std::convertible_to<Index>... I>
  requires(sizeof...(I) == Rank) const T& operator()(I... i) const { return view_(i...); }
  decltype(auto) operator[](Index i) { return view_[i]; }
  decltype(auto) operator[](Index i) const { return View<const T, Rank>(view_)[i]; }

  Array(Array&& other) noexcept { swap(other); }
  Array& operator=(Array&& other) noexcept {
    Array moved(std::move(other));
    swap(moved);
    return *this;
  }
  void swap(Array& other) noexcept {
    std::swap(storage_, other.storage_);
    std::swap(view_, other.view_);
  }

 private:
  struct Release {
    Memory* memory = nullptr;
    void operator()(T* p) const { memory ? memory->release(p) : std::free(p); }
  };
  std::unique_ptr<T, Release> storage_;
  View<T, Rank> view_;
};

}  // namespace ptychoflow::device
