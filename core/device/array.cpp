#include "core/device/array.hpp"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace ptychoflow::device {

void* allocate_on_host(std::size_t bytes) {
#ifdef __linux__
  constexpr std::size_t huge_page = std::size_t{2} << 20;
  if (bytes >= 4 * huge_page) {
    void* data = std::aligned_alloc(huge_page, (bytes + huge_page - 1) / huge_page * huge_page);
    if (data) (void)madvise(data, bytes, MADV_HUGEPAGE);  // a hint: small pages serve, too
    return data;
  }
#endif
  return std::aligned_alloc(host_alignment, bytes);
}

}  // namespace ptychoflow::device
