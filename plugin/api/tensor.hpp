// A DLPack tensor with C++ manners: owned by one, typed on access, released by whoever holds it last.
#pragma once

#include <dlpack/dlpack.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/complex.hpp"
#include "core/base/error.hpp"
#include "core/base/view.hpp"

namespace ptychoflow::stage {

/// The DLPack element type of T.
template <class T>
constexpr DLDataType data_type() {
  if constexpr (std::is_same_v<T, Complex<float>>) {
    return {kDLComplex, 64, 1};
  } else if constexpr (std::is_same_v<T, Complex<double>>) {
    return {kDLComplex, 128, 1};
  } else if constexpr (std::is_floating_point_v<T>) {
    return {kDLFloat, sizeof(T) * 8, 1};
  } else {
    static_assert(std::is_integral_v<T>);
    return {std::is_signed_v<T> ? kDLInt : kDLUInt, sizeof(T) * 8, 1};
  }
}

/// "uint16", "float32", "complex64": the name used in stream descriptions.
inline std::string type_name(DLDataType type) {
  const char* kind = type.code == kDLComplex ? "complex"
                     : type.code == kDLFloat ? "float"
                     : type.code == kDLInt   ? "int"
                                             : "uint";
  return kind + std::to_string(type.bits);
}

/// Owns one DLManagedTensor in host memory.
class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(DLManagedTensor* managed) : managed_(managed) {}

  /// Takes over any owner with `data()`, such as a vector or a device::Array, without a copy.
  /// `extents` must multiply to its size.
  template <class Owner>
  static Tensor own(Owner owner, std::vector<std::int64_t> extents) {
    struct Held {
      DLManagedTensor managed{};
      Owner owner;
      std::vector<std::int64_t> extents;
    };
    auto held = std::unique_ptr<Held>(new Held{{}, std::move(owner), std::move(extents)});
    using Element = std::remove_cvref_t<decltype(*held->owner.data())>;
    held->managed.dl_tensor = {.data = held->owner.data(),
                               .device = {kDLCPU, 0},
                               .ndim = static_cast<int>(held->extents.size()),
                               .dtype = data_type<Element>(),
                               .shape = held->extents.data(),
                               .strides = nullptr,
                               .byte_offset = 0};
    held->managed.manager_ctx = held.get();
    held->managed.deleter = [](DLManagedTensor* self) { delete static_cast<Held*>(self->manager_ctx); };
    return Tensor(&held.release()->managed);
  }

  /// Takes over an owner that knows its own extents (device::Array).
  template <class Owner>
  static Tensor own(Owner owner) {
    const auto& e = owner.extents();
    std::vector<std::int64_t> extents(e.begin(), e.end());
    return own(std::move(owner), std::move(extents));
  }

  explicit operator bool() const { return managed_ != nullptr; }
  const DLTensor& dl() const { return managed_->dl_tensor; }
  DLDataType dtype() const { return dl().dtype; }
  std::vector<std::int64_t> shape() const { return {dl().shape, dl().shape + dl().ndim}; }

  template <class T>
  bool holds() const {
    const DLDataType have = dtype(), want = data_type<T>();
    return have.code == want.code && have.bits == want.bits && have.lanes == 1;
  }

  /// Typed access. @throws Error (other) if type or rank differ, or the memory is not the host's
  template <class T, std::size_t Rank>
  View<T, Rank> view() const {
    if (!holds<std::remove_const_t<T>>() || dl().ndim != static_cast<int>(Rank) || dl().device.device_type != kDLCPU) {
      throw Error(ErrorCode::other, "a tensor of type " + type_name(dtype()) + " and rank " +
                                        std::to_string(dl().ndim) + " came where " +
                                        type_name(data_type<std::remove_const_t<T>>()) + " of rank " +
                                        std::to_string(Rank) + " in host memory was expected");
    }
    Extents<Rank> extents{};
    for (std::size_t a = 0; a < Rank; ++a) extents[a] = dl().shape[a];
    return {reinterpret_cast<T*>(static_cast<char*>(dl().data) + dl().byte_offset), extents};
  }

  /// Hands the tensor over; the caller calls its deleter.
  DLManagedTensor* release() { return managed_.release(); }

 private:
  struct Delete {
    void operator()(DLManagedTensor* t) const {
      if (t->deleter) t->deleter(t);
    }
  };
  std::unique_ptr<DLManagedTensor, Delete> managed_;
};

}  // namespace ptychoflow::stage
