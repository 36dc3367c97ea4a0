// Stages that do as their parameters say: fail, crash or wait in a chosen callback on a chosen rank.
#pragma once

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "core/comm/communicator.hpp"
#include "plugin/api/stage.hpp"

namespace ptychoflow::test {

inline constexpr const char* actor_schema = R"({
  "type": "object", "additionalProperties": false,
  "properties": {
    "in": {"type": "string", "description": "callback in which to do it"},
    "how": {"type": "string", "description": "what to do"},
    "rank": {"type": "integer", "description": "on this rank only; -1: on all", "default": -1},
    "packets": {"type": "integer", "description": "how many a source sends", "default": 3, "minimum": 0}
  }})";

class Actor : public stage::Stage {
 public:
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

 protected:
  explicit Actor(const char* name) : name_(name) { trace("create"); }
  ~Actor() override { trace("destroy"); }

  /// Appends to the file that PTYCHOFLOW_TEST_TRACE names.
  void trace(const std::string& event) const {
    if (const char* file = std::getenv("PTYCHOFLOW_TEST_TRACE")) {
      std::ofstream(file, std::ios::app) << name_ + " " + event + "\n";
    }
  }

  void read(const stage::Json& params) {
    in_ = params.value("in", "");
    how_ = params.value("how", "");
    rank_ = params.value("rank", -1);
  }

  void act(const std::string& callback) {
    trace(callback);
    if (callback != in_ || (rank_ >= 0 && rank_ != host().rank)) return;
    if (how_ == "data_error") throw Error(ErrorCode::data, "the data are bad: mend them");
    if (how_ == "exception") throw std::runtime_error("an unforeseen thing");
    if (how_ == "number") throw 42;
    if (how_ == "segfault") std::raise(SIGSEGV);
    if (how_ == "abort") std::abort();
    if (how_ == "deep_stack") std::exit(deepen(1 << 30));
    if (how_ == "agree") agree();
    if (how_ == "barrier") comm::Communicator(host().mpi_communicator(&host())).barrier();
    if (how_ == "wait_for_stop") {
      info("waiting to be stopped");
      while (!should_stop()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    if (how_ == "sleep") {
      info("deaf to all");
      sleep(60);
    }
    if (how_ == "log") {
      log(PTYCHOFLOW_LOG_DEBUG, "of interest to few");
      info("of interest to some");
      warn("of interest to all");
    }
    if (how_ == "progress") {
      for (int i = 0; i <= 50; ++i) progress(i, 50, "R 0.1");
    }
    if (how_ == "report") report({{"answer", 42}, {"seconds", -1}});
  }

 private:
  /// Recurses until the stack is full.
  static int deepen(int depth) {
    volatile char room[4096];
    room[0] = static_cast<char>(depth);
    return depth == 0 ? 0 : deepen(depth - 1) + room[0];
  }

  std::string name_, in_, how_;
  int rank_ = -1;
};

}  // namespace ptychoflow::test
