#include "core/comm/gpus_of_ranks.hpp"

#include <fmt/format.h>

#include <vector>

#include "core/base/error.hpp"

namespace ptychoflow::comm {

void expect_gpus_on_all(const std::string& reason, const Communicator& ranks) {
  const auto answers = ranks.gather(std::vector<double>{reason.empty() ? 1.0 : 0.0});
  for (std::size_t rank = 0; rank < answers.size(); ++rank) {
    if (answers[rank] != 0) continue;
    throw Error(ErrorCode::resource,
                !reason.empty() ? reason : fmt::format("rank {} has no GPU, so this one does not use its own", rank));
  }
}

}  // namespace ptychoflow::comm
