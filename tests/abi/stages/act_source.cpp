// A source of `numbers` that does as it is told.
#include "tests/abi/stages/actor.hpp"

namespace {

using namespace ptychoflow;

class ActSource : public test::Actor {
 public:
  ActSource() : Actor("act_source") {}

  stage::Description configure(const stage::Json& params, const stage::Description&) override {
    read(params);
    left_ = params.value("packets", 3);
    act("configure");
    stage::Description output;
    output.add("numbers", "float64", {nullptr, 2}, "row:x", "m");
    return output;
  }

  bool produce() override {
    if (left_-- == 0) return false;
    act("process");
    stage::Packet packet;
    packet.tensors["numbers"] = stage::Tensor::own(std::vector<double>(6), {3, 2});
    emit(packet);
    return true;
  }

  void finalize() override { act("finalize"); }

 private:
  int left_ = 0;
};

}  // namespace

PTYCHOFLOW_STAGE(ActSource, .name = "act_source", .summary = "Sends numbers, or misbehaves",
                 .parameters_schema = test::actor_schema, .produces = {"numbers"})
