// Takes `numbers`, does as it is told, and passes on what it was given; keeps each tensor to the end if `how` is
// "keep".
#include "tests/abi/stages/actor.hpp"

namespace {

using namespace ptychoflow;

class Act : public test::Actor {
 public:
  Act() : Actor("act") {}

  stage::Description configure(const stage::Json& params, const stage::Description& input) override {
    read(params);
    keep_ = params.value("how", "") == "keep";
    act("configure");
    return input;
  }

  void process(stage::Packet& packet) override {
    act("process");
    if (keep_) kept_.push_back(packet.take("numbers"));
    emit(packet);
  }

  void finalize() override {
    act("finalize");
    stage::Packet last;
    emit(last);
  }

 private:
  bool keep_ = false;
  std::vector<stage::Tensor> kept_;
};

}  // namespace

PTYCHOFLOW_STAGE(Act, .name = "act", .summary = "Passes numbers on, or misbehaves",
                 .parameters_schema = test::actor_schema, .consumes = {"numbers"})
