// A device that the processor plays, so that what a GPU would do can be tested without one: sweeps run element by
// element, in memory that only sweeps, transforms and copies may touch.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.hpp"
#include "core/device/array.hpp"
#include "core/device/block_sum.hpp"
#include "core/device/fft.hpp"
#include "core/device/memory.hpp"

namespace ptychoflow::ptycho::test {

/// Pages that fault when they are touched while they are not open.
class GuardedMemory final : public device::Memory {
 public:
  void* allocate(std::size_t bytes) override {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t size = (bytes + page - 1) / page * page;
    void* data = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) throw Error(ErrorCode::resource, "mmap failed");
    open([&] { std::fill_n(static_cast<unsigned char*>(data), size, 0xFF); }, {{data, size}});  // NaN where forgotten
    blocks_[data] = size;
    return data;
  }
  void release(void* data) noexcept override {
    munmap(data, blocks_.at(data));
    blocks_.erase(data);
  }
  void clear(void* data, std::size_t bytes) override {
    open([&] { std::fill_n(static_cast<unsigned char*>(data), bytes, 0); });
  }
  void copy_in(void* to, const void* host, std::size_t bytes) override {
    open([&] { std::copy_n(static_cast<const unsigned char*>(host), bytes, static_cast<unsigned char*>(to)); });
  }
  void copy_out(void* host, const void* from, std::size_t bytes) override {
    open([&] { std::copy_n(static_cast<const unsigned char*>(from), bytes, static_cast<unsigned char*>(host)); });
  }

  std::unique_ptr<device::Upload> upload() override { return std::make_unique<LateUpload>(*this); }

  template <class Body>
  void open(const Body& body) {
    open(body, blocks_);
  }

  std::size_t blocks() const { return blocks_.size(); }

 private:
  /// Copies as late as it may.
  class LateUpload final : public device::Upload {
   public:
    explicit LateUpload(GuardedMemory& memory) : memory_(memory) {}
    void copy_in(void* to, const void* host, std::size_t bytes) override {
      const auto* first = static_cast<const unsigned char*>(host);
      waiting_.emplace_back(to, std::vector<unsigned char>(first, first + bytes));
    }
    void finish() override {
      for (const auto& [to, bytes] : waiting_) memory_.copy_in(to, bytes.data(), bytes.size());
      waiting_.clear();
    }

   private:
    GuardedMemory& memory_;
    std::vector<std::pair<void*, std::vector<unsigned char>>> waiting_;
  };

  template <class Body>
  static void open(const Body& body, const std::map<void*, std::size_t>& blocks) {
    for (const auto& [data, size] : blocks) mprotect(data, size, PROT_READ | PROT_WRITE);
    body();
    for (const auto& [data, size] : blocks) mprotect(data, size, PROT_NONE);
  }

  std::map<void*, std::size_t> blocks_;
};

/// The processor's side of copies.
class FarMemory final : public device::Memory {
 public:
  static FarMemory& instance() {
    static FarMemory memory;
    return memory;
  }
  void* allocate(std::size_t bytes) override { return device::allocate_on_host(bytes); }
  void release(void* data) noexcept override { std::free(data); }
  void clear(void* data, std::size_t bytes) override { std::fill_n(static_cast<char*>(data), bytes, 0); }
  void copy_in(void* to, const void* host, std::size_t bytes) override {
    std::copy_n(static_cast<const char*>(host), bytes, static_cast<char*>(to));
  }
  void copy_out(void* host, const void* from, std::size_t bytes) override { copy_in(host, from, bytes); }
  std::unique_ptr<device::Upload> upload() override { return nullptr; }
};

class HostQueue {
 public:
  explicit HostQueue(GuardedMemory& memory) : memory_(&memory) {}

  device::Memory* memory() const { return memory_; }

  template <class F>
  void each(Index groups, Index count, const F& f) {
    memory_->open([&] {
      for (Index g = 0; g < groups; ++g) {
        for (Index i = 0; i < count; ++i) f(g, i);
      }
    });
  }

  template <class V, class F>
  void sum(Index groups, Index count, V* sums, const F& f) {
    memory_->open([&] {
      for (Index g = 0; g < groups; ++g) {
        std::vector<V> partial;  // of the blocks
        for (Index block = 0; block < device::blocks_of(std::max<Index>(count, 1)); ++block) {
          partial.push_back(add_threads<V>([&](Index thread) {
            return device::sum_of_thread<V>(block, thread, count, [&](Index i) { return f(g, i); });
          }));
        }
        sums[g] = add_threads<V>([&](Index thread) {
          return device::sum_of_partials(thread, static_cast<Index>(partial.size()), partial.data());
        });
      }
    });
  }

  template <class V>
  std::vector<V> read(const V* values, Index count) {
    std::vector<V> list(static_cast<std::size_t>(count));
    memory_->copy_out(list.data(), values, sizeof(V) * list.size());
    return list;
  }

  void wait() {}
  device::Memory* far_memory() const { return &FarMemory::instance(); }
  void copy_in(void* to, const void* far, std::size_t bytes) { memory_->copy_in(to, far, bytes); }
  void copy_out(void* far, const void* from, std::size_t bytes) { memory_->copy_out(far, from, bytes); }

  HostQueue lane() { return *this; }
  void after(HostQueue&) {}
  void about(const std::string&) {}

  template <class Key, class Body>
  void replayed(const Key&, const Body& body) {
    body();
  }

  template <class T>
  class Fft {
   public:
    Fft(HostQueue& queue, Extents<2> frame, Index most)
        : memory_(queue.memory_), fft_(frame[0], frame[1]), most_(most) {}
    void forward(Complex<T>* waves, Index count) {
      each(waves, count, [&](Complex<T>* wave) { fft_.forward(wave); });
    }
    void inverse(Complex<T>* waves, Index count) {
      each(waves, count, [&](Complex<T>* wave) { fft_.inverse(wave); });
    }

   private:
    template <class Body>
    void each(Complex<T>* waves, Index count, const Body& body) {
      expect(count <= most_, "more waves than the transform was made for");
      device::Array<Complex<T>, 2> aligned({fft_.ny(), fft_.nx()});
      memory_->open([&] {
        for (Index i = 0; i < count; ++i) {
          Complex<T>* wave = waves + i * aligned.size();
          std::copy_n(wave, aligned.size(), aligned.data());
          body(aligned.data());
          std::copy_n(aligned.data(), aligned.size(), wave);
        }
      });
    }

    GuardedMemory* memory_;
    device::Fft2d<T> fft_;
    Index most_;
  };

 private:
  template <class V, class Body>
  static V add_threads(const Body& sum_of) {
    V sum{};
    for (Index thread = 0; thread < device::block_threads; ++thread) sum += sum_of(thread);
    return sum;
  }

  GuardedMemory* memory_;
};

}  // namespace ptychoflow::ptycho::test
