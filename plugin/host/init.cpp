// The command `init`.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "core/base/error.hpp"
#include "core/io/atomic_file.hpp"
#include "core/io/scan_summary.hpp"
#include "plugin/host/commands.hpp"
#include "plugin/host/first_pipeline.hpp"

namespace ptychoflow::host {

void init(const Command& command) {
  const io::Scan scan(command.file, io::format_named(command.format));
  const std::string file =
      command.output.empty() ? std::filesystem::path(command.file).stem().string() + ".yaml" : command.output;
  const std::string text = first_pipeline(scan.header(), io::summary_of(scan), file, command.format);
  io::AtomicFile atomic(file, io::Overwrite::refuse);
  std::ofstream stream(atomic.temporary());
  stream << text;
  stream.close();
  if (!stream) throw Error(ErrorCode::resource, "cannot write " + file);
  atomic.commit();
  std::cout << "wrote " << file << ": look at it, then ptychoflow run " << file << std::endl;
}

}  // namespace ptychoflow::host
