#include "core/device/memory.hpp"

#include <vector>

namespace ptychoflow::device {
namespace {

class CopiedAtOnce final : public Download {
 public:
  CopiedAtOnce(Memory& memory, const void* from, std::size_t bytes)
      : units_((bytes + sizeof(std::max_align_t) - 1) / sizeof(std::max_align_t)) {
    memory.copy_out(units_.data(), from, bytes);
  }
  const void* finish() override { return units_.data(); }

 private:
  std::vector<std::max_align_t> units_;
};

}  // namespace

std::unique_ptr<Download> Memory::download(const void* from, std::size_t bytes) {
  return std::make_unique<CopiedAtOnce>(*this, from, bytes);
}

}  // namespace ptychoflow::device
