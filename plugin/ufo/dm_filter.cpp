// The UFO filter ptychoflow-dm: what GObject and UFO ask of a task. Its work is in dm_task.hpp.
#include <fmt/format.h>
#include <ufo/ufo.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "plugin/host/nearest_name.hpp"
#include "plugin/ufo/dm_properties.hpp"
#include "plugin/ufo/dm_task.hpp"

namespace {

using ptychoflow::Error;
using ptychoflow::ErrorCode;
using ptychoflow::ufo::DmTask;
using ptychoflow::ufo::Image;
using ptychoflow::ufo::Property;

struct PtychoflowDm {
  UfoTaskNode parent;
  DmTask* task;
};

struct PtychoflowDmClass {
  UfoTaskNodeClass parent;
};

void implement_task(UfoTaskIface* interface);
G_DEFINE_TYPE_WITH_CODE(PtychoflowDm, ptychoflow_dm, UFO_TYPE_TASK_NODE,
                        G_IMPLEMENT_INTERFACE(UFO_TYPE_TASK, implement_task))

/// As UFO's users write names.
std::string with_dashes(std::string name) {
  std::ranges::replace(name, '_', '-');
  return name;
}

DmTask& task_of(gpointer filter) { return *static_cast<PtychoflowDm*>(filter)->task; }

/// Those of the class, by their numbers less one; and why there are none, or what was set that is none.
std::vector<Property> installed;
std::string fault_of_class;

/// ufo-launch only warns of a property that there is not, in these words, and goes on.
void heed_warning(const char* domain, GLogLevelFlags level, const char* message, gpointer user) {
  static const std::string complaint =
      fmt::format("`{}' does not have property `", g_type_name(ptychoflow_dm_get_type()));
  const std::string text = message ? message : "";
  if (text.starts_with(complaint) && text.ends_with('\'')) {
    const std::string name = text.substr(complaint.size(), text.size() - complaint.size() - 1);
    std::vector<std::string> names;
    for (const Property& one : installed) names.push_back(with_dashes(one.name));
    const std::string nearest = ptychoflow::host::nearest_name(with_dashes(name), names);
    const std::string hint = nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest);
    fault_of_class = fmt::format("there is no property '{}'{}", name, hint);
    return;
  }
  g_log_default_handler(domain, level, message, user);
}

/// UFO has no way for a task at work to say that it failed, and would go on with what is not there.
template <class F>
auto or_end_program(F&& function) {
  const auto end = [](ErrorCode code, const char* why) {
    std::fprintf(stderr, "ptychoflow-dm: %s\n", why);
    std::_Exit(static_cast<int>(code));
  };
  try {
    return function();
  } catch (const Error& e) {
    end(e.code(), e.what());
  } catch (const std::bad_alloc&) {
    end(ErrorCode::resource, "out of memory");
  } catch (const std::exception& e) {
    end(ErrorCode::other, e.what());
  }
  std::abort();  // not reached
}

void setup(UfoTask* task, UfoResources*, GError** error) {
  std::string fault = fault_of_class;
  try {
    if (fault.empty()) task_of(task).prepare();
  } catch (const std::exception& e) {
    fault = e.what();
  }
  if (!fault.empty()) {
    g_set_error(error, UFO_TASK_ERROR, UFO_TASK_ERROR_SETUP, "%s", fault.c_str());
  }
}

guint count_inputs(UfoTask*) { return 1; }
guint count_dimensions(UfoTask*, guint) { return 2; }
UfoTaskMode mode(UfoTask*) { return static_cast<UfoTaskMode>(UFO_TASK_MODE_REDUCTOR | UFO_TASK_MODE_CPU); }

/// How large the image will be is known when it is there; until then it is as a frame.
void get_requisition(UfoTask*, UfoBuffer** inputs, UfoRequisition* requisition, GError**) {
  ufo_buffer_get_requisition(inputs[0], requisition);
}

gboolean process(UfoTask* task, UfoBuffer** inputs, UfoBuffer*, UfoRequisition*) {
  UfoRequisition size;
  ufo_buffer_get_requisition(inputs[0], &size);
  const float* frame = ufo_buffer_get_host_array(inputs[0], nullptr);
  return or_end_program([&] {
    return task_of(task).take(frame, static_cast<std::int64_t>(size.dims[1]), static_cast<std::int64_t>(size.dims[0]));
  });
}

gboolean generate(UfoTask* task, UfoBuffer* output, UfoRequisition*) {
  if (!task_of(task).has_frames()) return FALSE;
  const Image image = or_end_program([&] { return task_of(task).reconstruct(); });
  UfoRequisition size{};
  size.n_dims = static_cast<guint>(image.shape.size());
  std::copy(image.shape.rbegin(), image.shape.rend(), size.dims);
  ufo_buffer_resize(output, &size);
  std::copy(image.values.begin(), image.values.end(), ufo_buffer_get_host_array(output, nullptr));
  return TRUE;
}

void implement_task(UfoTaskIface* interface) {
  interface->setup = setup;
  interface->get_num_inputs = count_inputs;
  interface->get_num_dimensions = count_dimensions;
  interface->get_mode = mode;
  interface->get_requisition = get_requisition;
  interface->process = process;
  interface->generate = generate;
}

double real(const std::string& text) { return std::strtod(text.c_str(), nullptr); }
int whole(const std::string& text) { return static_cast<int>(std::strtol(text.c_str(), nullptr, 10)); }

void set_property(GObject* object, guint number, const GValue* value, GParamSpec*) {
  const Property& property = installed[number - 1];
  std::string text;
  switch (property.kind) {
    case Property::Kind::integer:
      text = std::to_string(g_value_get_int(value));
      break;
    case Property::Kind::number:
      text = fmt::format("{}", g_value_get_double(value));
      break;
    case Property::Kind::boolean:
      text = g_value_get_boolean(value) ? "true" : "false";
      break;
    case Property::Kind::text:
      if (const char* given = g_value_get_string(value)) text = given;
  }
  task_of(object).set(property.name, text);
}

void get_property(GObject* object, guint number, GValue* value, GParamSpec*) {
  const Property& property = installed[number - 1];
  const std::string text = task_of(object).get(property.name);
  switch (property.kind) {
    case Property::Kind::integer:
      return g_value_set_int(value, whole(text));
    case Property::Kind::number:
      return g_value_set_double(value, real(text));
    case Property::Kind::boolean:
      return g_value_set_boolean(value, text == "true");
    case Property::Kind::text:
      return g_value_set_string(value, text.c_str());
  }
}

/// Limits are not GObject's to know: it would ignore a value beyond them. `prepare` refuses it.
GParamSpec* specification(const Property& p) {
  const auto flags = static_cast<GParamFlags>(G_PARAM_READWRITE);
  const char *name = p.name.c_str(), *help = p.help.c_str();
  switch (p.kind) {
    case Property::Kind::integer:
      return g_param_spec_int(name, name, help, G_MININT, G_MAXINT, whole(p.standard), flags);
    case Property::Kind::number:
      return g_param_spec_double(name, name, help, -G_MAXDOUBLE, G_MAXDOUBLE, real(p.standard), flags);
    case Property::Kind::boolean:
      return g_param_spec_boolean(name, name, help, p.standard == "true", flags);
    case Property::Kind::text:
      break;
  }
  return g_param_spec_string(name, name, help, p.standard.c_str(), flags);
}

void ptychoflow_dm_class_init(PtychoflowDmClass* its_class) {
  GObjectClass* object = G_OBJECT_CLASS(its_class);
  object->set_property = set_property;
  object->get_property = get_property;
  object->finalize = [](GObject* filter) {
    delete reinterpret_cast<PtychoflowDm*>(filter)->task;
    G_OBJECT_CLASS(ptychoflow_dm_parent_class)->finalize(filter);
  };
  try {
    installed = ptychoflow::ufo::dm_properties();
  } catch (const std::exception& e) {
    fault_of_class = e.what();
  }
  g_log_set_handler("Ufo", G_LOG_LEVEL_WARNING, heed_warning, nullptr);
  for (guint i = 0; i < installed.size(); ++i)
    g_object_class_install_property(object, i + 1, specification(installed[i]));
}

void ptychoflow_dm_init(PtychoflowDm* filter) { filter->task = new DmTask; }

}  // namespace

extern "C" G_MODULE_EXPORT UfoNode* ufo_ptychoflow_dm_task_new() {
  return UFO_NODE(g_object_new(ptychoflow_dm_get_type(), nullptr));
}
