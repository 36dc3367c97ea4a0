#include "plugin/stages/save/row_exchange.hpp"

#include <algorithm>
#include <utility>

#include "core/device/array.hpp"

namespace ptychoflow::save {

RowExchange::RowExchange(const stage::Packet& packet, comm::Communicator ranks)
    : packet_(packet), ranks_(std::move(ranks)) {
  const stage::Tensor& object = packet.at("object_rows");
  const auto shape = object.shape();
  extents_ = {shape.at(0), packet.metadata.at("object_height_px").get<Index>(), shape.at(2)};
  is_double_ = object.holds<Complex<double>>();
  owned_ = ranks_.gather(std::vector<std::int64_t>{packet.metadata.at("object_first_row").get<Index>(), shape.at(1)});
}

io::ObjectRows RowExchange::rows() {
  return {.extents = extents_, .is_double = is_double_, .read = [this](Index mode, Index first, Index count, void* to) {
            read({mode, first, count}, static_cast<char*>(to));
          }};
}

WholeObject RowExchange::whole() {
  WholeObject whole;
  whole.object = is_double_ ? stage::Tensor::own(device::Array<Complex<double>, 3>(extents_))
                            : stage::Tensor::own(device::Array<Complex<float>, 3>(extents_));
  whole.coverage = stage::Tensor::own(device::Array<float, 2>({extents_[1], extents_[2]}));
  for (const Part& part : parts()) {
    const bool is_coverage = part.mode == extents_[0];
    char* const start = static_cast<char*>((is_coverage ? whole.coverage : whole.object).dl().data);
    const Index rows_before = (is_coverage ? 0 : part.mode * extents_[1]) + part.first;
    read(part, start + static_cast<std::size_t>(rows_before) * row_bytes(part.mode));
  }
  return whole;
}

void RowExchange::give() const {
  for (const Part& part : parts()) {
    const Mine mine = share_of(part, ranks_.rank());
    if (mine.count == 0) continue;
    ranks_.send(own(part.mode, mine.first), static_cast<std::size_t>(mine.count) * row_bytes(part.mode), 0);
  }
}

void RowExchange::drop_rest() {
  const auto all = parts();
  for (std::size_t p = read_; p < all.size(); ++p) {
    std::vector<char> dropped(static_cast<std::size_t>(all[p].count) * row_bytes(all[p].mode));
    read(all[p], dropped.data());
  }
}

/// As io::write_result asks for them.
std::vector<RowExchange::Part> RowExchange::parts() const {
  std::vector<Part> all;
  for (Index mode = 0; mode <= extents_[0]; ++mode) {
    const Index most = io::rows_at_a_time(static_cast<Index>(row_bytes(mode)));
    for (Index first = 0; first < extents_[1]; first += most)
      all.push_back({mode, first, std::min(most, extents_[1] - first)});
  }
  return all;
}

void RowExchange::read(const Part& part, char* to) {
  ++read_;
  const std::size_t bytes = row_bytes(part.mode);
  for (int r = 0; r < ranks_.size(); ++r) {
    const Mine mine = share_of(part, r);
    if (mine.count == 0) continue;
    char* const place = to + static_cast<std::size_t>(mine.first - part.first) * bytes;
    const std::size_t size = static_cast<std::size_t>(mine.count) * bytes;
    if (r == 0) {
      std::copy_n(own(part.mode, mine.first), size, place);
    } else {
      ranks_.receive(place, size, r);
    }
  }
}

RowExchange::Mine RowExchange::share_of(const Part& part, int rank) const {
  const std::size_t at = 2 * static_cast<std::size_t>(rank);
  const Index from = std::max(part.first, owned_[at]);
  const Index to = std::min(part.first + part.count, owned_[at] + owned_[at + 1]);
  return {from, std::max<Index>(0, to - from)};
}

/// Of this rank's rows, of a mode or of the coverage.
const char* RowExchange::own(Index mode, Index row) const {
  const std::size_t at = 2 * static_cast<std::size_t>(ranks_.rank());
  const bool is_coverage = mode == extents_[0];
  const DLTensor& tensor = packet_.at(is_coverage ? "object_coverage_rows" : "object_rows").dl();
  const Index before = (is_coverage ? 0 : mode * owned_[at + 1]) + row - owned_[at];
  return static_cast<const char*>(tensor.data) + tensor.byte_offset +
         static_cast<std::size_t>(before) * row_bytes(mode);
}

std::size_t RowExchange::row_bytes(Index mode) const {
  const std::size_t number = mode == extents_[0] ? sizeof(float)
                             : is_double_        ? sizeof(Complex<double>)
                                                 : sizeof(Complex<float>);
  return static_cast<std::size_t>(extents_[2]) * number;
}

}  // namespace ptychoflow::save
