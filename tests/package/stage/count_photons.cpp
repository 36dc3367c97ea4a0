// Counts the photons of the frames that pass by.
#include <plugin/api/stage.hpp>

class CountPhotons : public ptychoflow::stage::Stage {
  using Packet = ptychoflow::stage::Packet;
  double photons_ = 0;

  ptychoflow::stage::Description configure(const ptychoflow::stage::Json&,
                                           const ptychoflow::stage::Description& input) override {
    return input;
  }
  void process(Packet& packet) override {
    for (const auto count : packet.at("frames").view<const std::uint32_t, 3>()) photons_ += count;
    report({{"photons", photons_}});
    emit(packet);
  }
};

PTYCHOFLOW_STAGE(CountPhotons, .name = "count_photons", .summary = "Counts photons",
                 .parameters_schema = R"({"type": "object", "additionalProperties": false})", .consumes = {"frames"})
