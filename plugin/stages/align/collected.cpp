#include "plugin/stages/align/collected.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "core/base/error.hpp"

namespace ptychoflow::align {
namespace {

using Json = nlohmann::json;
using stage::Tensor;

std::size_t bytes_of(const Tensor& image) {
  return image ? sizeof(float) * static_cast<std::size_t>(image.view<const float, 2>().size()) : 0;
}

void send_to_root(const Collected& c, const comm::Communicator& ranks) {
  const tomo::Projection& p = c.projection;
  const std::string text = Json{
      {"scan", p.scan},
      {"rotation_deg", p.rotation_deg},
      {"pixel_size_m", p.pixel_size_m},
      {"origin_m", p.origin_m},
      {"wavelength_m", c.wavelength_m},
      {"extents", p.phase.extents()},
      {"weight", bytes_of(c.weight) > 0},
      {"absorption", bytes_of(c.absorption) >
                         0}}.dump();
  const std::size_t length = text.size();
  ranks.send(&length, sizeof(length), 0);
  ranks.send(text.data(), length, 0);
  for (const Tensor* image : {&c.phase, &c.weight, &c.absorption}) {
    if (bytes_of(*image) > 0) ranks.send(image->view<const float, 2>().data(), bytes_of(*image), 0);
  }
}

Collected receive_from(int rank, const comm::Communicator& ranks) {
  std::size_t length = 0;
  ranks.receive(&length, sizeof(length), rank);
  std::string text(length, '\0');
  ranks.receive(text.data(), length, rank);
  const Json known = Json::parse(text);
  Collected c;
  c.projection.scan = known["scan"];
  c.projection.rotation_deg = known["rotation_deg"];
  c.projection.pixel_size_m = known["pixel_size_m"];
  c.projection.origin_m = known["origin_m"];
  c.wavelength_m = known["wavelength_m"];
  const auto image = [&](bool there) {
    if (!there) return Tensor();
    auto pixels = device::Array<float, 2>::uninitialized(known["extents"].get<Extents<2>>());
    ranks.receive(pixels.data(), sizeof(float) * static_cast<std::size_t>(pixels.size()), rank);
    return Tensor::own(std::move(pixels));
  };
  c.phase = image(true);
  c.weight = image(known["weight"]);
  c.absorption = image(known["absorption"]);
  c.look_at_images();
  return c;
}

}  // namespace

void Collected::look_at_images() {
  tomo::Projection& p = projection;
  p.phase = phase.view<const float, 2>();
  const auto like_phase = [&](const Tensor& tensor, const char* name) -> View<const float, 2> {
    if (!tensor) return {};
    const auto image = tensor.view<const float, 2>();
    if (image.extents() != p.phase.extents())
      throw Error(ErrorCode::other, fmt::format("`{}` of scan '{}' has not the extents of `phase`", name, p.scan));
    return image;
  };
  p.weight = like_phase(weight, "phase_weight");
  p.absorption = like_phase(absorption, "absorption");
}

void gather(std::vector<Collected>& collected, const comm::Communicator& ranks) {
  if (ranks.size() == 1) return;
  const auto counts = ranks.gather(std::vector<std::int64_t>{static_cast<std::int64_t>(collected.size())});
  if (!ranks.is_root()) {
    for (const Collected& c : collected) send_to_root(c, ranks);
    collected.clear();
    return;
  }
  for (int rank = 1; rank < ranks.size(); ++rank) {
    for (std::int64_t i = 0; i < counts[static_cast<std::size_t>(rank)]; ++i)
      collected.push_back(receive_from(rank, ranks));
  }
}

}  // namespace ptychoflow::align
