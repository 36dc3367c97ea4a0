// ptychoflow._core: pipelines run from within a Python program. What users call is in ptychoflow/__init__.py.
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plugin/embed/embedded_run.hpp"
#include "plugin/host/signals.hpp"

namespace py = pybind11;

namespace ptychoflow::python {
namespace {

using embed::Exchange;
using embed::LentArray;
using stage::Json;
using stage::Tensor;

/// An array that Python has checked: row-major, of a type that streams know.
LentArray lent(const py::array& array) {
  const char kind = array.dtype().kind();
  const auto code = static_cast<std::uint8_t>(kind == 'c'   ? kDLComplex
                                              : kind == 'f' ? kDLFloat
                                              : kind == 'i' ? kDLInt
                                                            : kDLUInt);
  return {const_cast<void*>(array.data()),
          {code, static_cast<std::uint8_t>(array.itemsize() * 8), 1},
          {array.shape(), array.shape() + array.ndim()}};
}

/// The tensor as a numpy array, without a copy.
py::array to_numpy(Tensor tensor) {
  auto owner = std::make_unique<Tensor>(std::move(tensor));
  const DLTensor& dl = owner->dl();
  const py::dtype type(stage::type_name(dl.dtype));
  const std::vector<py::ssize_t> shape(dl.shape, dl.shape + dl.ndim);
  char* const data = static_cast<char*>(dl.data) + dl.byte_offset;
  const py::capsule keeper(owner.release(), [](void* held) { delete static_cast<Tensor*>(held); });
  return {type, shape, data, keeper};
}

/// Tells Python how the run goes, and the run that Python wants it to end: by an interrupt, an exception in its
/// callback, or False from it.
class Progress {
 public:
  explicit Progress(std::optional<py::function> callback) : callback_(std::move(callback)) {}

  void operator()(const std::string& stage, const ptychoflow_progress& progress) {
    const py::gil_scoped_acquire python;
    if (failure_) return;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      if (!callback_) return;
      const py::object answer = (*callback_)(stage, progress.done, progress.total, progress.text ? progress.text : "");
      if (answer.is(py::bool_(false))) host::request_stop(true);
    } catch (...) {
      failure_ = std::current_exception();
      host::request_stop(true);
    }
  }

  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  const std::optional<py::function> callback_;
  std::exception_ptr failure_;
};

Json error_of(const comm::Verdict& verdict) {
  if (verdict.ok()) return nullptr;
  const auto& first = verdict.failures.front();
  return {{"code", static_cast<int>(first.code)},
          {"message", first.origin.empty() ? first.message : first.origin + ": " + first.message}};
}

/// Returns (report as JSON text, tensors of the last packet by name, its metadata as JSON text).
py::tuple run(const embed::Job& job, std::optional<py::function> callback, std::optional<Exchange> exchange) {
  static std::mutex one_at_a_time;
  const std::unique_lock lock(one_at_a_time, std::try_to_lock);
  if (!lock) throw std::runtime_error("another thread of this program is running a pipeline");
  Progress progress(std::move(callback));
  embed::Outcome outcome;
  {
    const py::gil_scoped_release others_may_go_on;
    outcome = embed::run(job, exchange ? &*exchange : nullptr, std::ref(progress));
  }
  progress.rethrow();
  const Json report = {{"error", error_of(outcome.verdict)},
                       {"streams", outcome.streams},
                       {"stages", outcome.figures},
                       {"skipped_scans", outcome.skipped_scans}};
  py::dict tensors;
  Json metadata = Json::object();
  if (exchange) {
    for (auto& [name, tensor] : exchange->result.tensors) tensors[py::str(name)] = to_numpy(std::move(tensor));
    metadata = exchange->result.metadata;
  }
  return py::make_tuple(report.dump(), tensors, metadata.dump());
}

std::optional<LentArray> lent_if_there(const py::object& array) {
  if (array.is_none()) return {};
  return lent(array.cast<py::array>());
}

}  // namespace
}  // namespace ptychoflow::python

PYBIND11_MODULE(_core, module) {
  using namespace ptychoflow;
  using namespace ptychoflow::python;
  module.def(
      "run",
      [](std::optional<std::string> text, std::string name, std::map<std::string, std::string> variables,
         std::vector<std::string> stage_folders, int threads, std::string backend, bool check_only, bool quiet,
         std::optional<py::function> progress) {
        const embed::Job job{.text = std::move(text),
                             .name = std::move(name),
                             .variables = std::move(variables),
                             .stage_folders = std::move(stage_folders),
                             .threads = threads,
                             .backend = std::move(backend),
                             .command = "python",
                             .check_only = check_only,
                             .quiet = quiet};
        return run(job, std::move(progress), {});
      },
      py::kw_only(), py::arg("text"), py::arg("name"), py::arg("variables"), py::arg("stage_folders"),
      py::arg("threads"), py::arg("backend"), py::arg("check_only"), py::arg("quiet"), py::arg("progress"));
  module.def(
      "run_on_arrays",
      [](std::string text, std::string name, std::vector<std::string> stage_folders, int threads, std::string backend,
         bool quiet, std::optional<py::function> progress, const py::array& frames, const py::array& positions_m,
         const py::object& mask, const py::object& probe, const std::string& metadata) {
        const embed::Job job{.text = std::move(text),
                             .name = std::move(name),
                             .variables = {},
                             .stage_folders = std::move(stage_folders),
                             .threads = threads,
                             .backend = std::move(backend),
                             .command = "python",
                             .check_only = false,
                             .quiet = quiet};
        Exchange exchange;
        exchange.scan = {lent(frames), lent(positions_m), lent_if_there(mask), lent_if_there(probe),
                         Json::parse(metadata)};
        return run(job, std::move(progress), std::move(exchange));
      },
      py::kw_only(), py::arg("text"), py::arg("name"), py::arg("stage_folders"), py::arg("threads"), py::arg("backend"),
      py::arg("quiet"), py::arg("progress"), py::arg("frames"), py::arg("positions_m"), py::arg("mask"),
      py::arg("probe"), py::arg("metadata"));
  module.def("rank", [] { return embed::has_session() ? embed::session().rank() : 0; });
  py::module_::import("atexit").attr("register")(py::cpp_function(&embed::end_session));
}
