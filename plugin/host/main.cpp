// ptychoflow: the program.
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>

#include "core/base/error.hpp"
#include "core/comm/session.hpp"
#include "plugin/host/command_line.hpp"
#include "plugin/host/commands.hpp"
#include "plugin/host/signals.hpp"

namespace {

namespace host = ptychoflow::host;

int run(int argc, char** argv, ptychoflow::comm::Session& session) {
  host::install_signal_handlers(session.rank(), session.size(), ptychoflow::comm::host_name());
  try {
    const host::Command command = host::parse_command_line(argc, argv);
    if (command.whole_or_nothing) host::end_at_once_when_stopped();
    const bool root = session.rank() == 0;
    switch (command.verb) {
      case host::Command::Verb::show:
        if (root) std::cout << command.text << std::flush;
        return EXIT_SUCCESS;
      case host::Command::Verb::stages:
        if (root) host::show_stages(command);
        return EXIT_SUCCESS;
      case host::Command::Verb::inspect:
        if (root) host::inspect(command);
        return EXIT_SUCCESS;
      case host::Command::Verb::init:
        if (root) host::init(command);
        return EXIT_SUCCESS;
      case host::Command::Verb::watch:
        if (session.size() > 1) {
          throw ptychoflow::Error(ptychoflow::ErrorCode::usage,
                                  "watch is one process: start it without mpirun, which --launcher gives to its runs");
        }
        return host::watch(command, session.cores());
      case host::Command::Verb::run:
      case host::Command::Verb::check:
        return host::run_pipeline(command, session);
    }
  } catch (const ptychoflow::Error& e) {  // of the command line: all ranks have the same
    if (session.rank() == 0) std::cerr << "[error] " << e.what() << std::endl;
    return static_cast<int>(e.code());
  } catch (const std::exception& e) {
    std::cerr << "[error] " << e.what() << std::endl;
    session.abort(EXIT_FAILURE);
  }
  return EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    ptychoflow::comm::Session session;
    return run(argc, argv, session);
  } catch (const ptychoflow::Error& e) {
    std::cerr << "[error] " << e.what() << std::endl;
    return static_cast<int>(e.code());
  }
}
