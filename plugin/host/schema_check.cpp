// valijson decides; what it says of faults is for programmers, so the words are our own wherever we have them.
// Slow to compile: nothing else belongs into this file.
#include "plugin/host/schema_check.hpp"

#define VALIJSON_USE_EXCEPTIONS 1  // it would end the program at a broken schema otherwise

#include <algorithm>
#include <exception>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "core/base/error.hpp"

namespace ptychoflow::host {
namespace {

/// Its own words, for a schema's rarer keywords. A parent repeats that it failed because a child did: the deepest say
/// what is wrong.
std::vector<SchemaFault> in_its_words(valijson::ValidationResults& results, const Pointer& at) {
  std::size_t deepest = 0;
  for (const auto& error : results) deepest = std::max(deepest, error.context.size());
  std::vector<SchemaFault> faults;
  for (const auto& error : results) {
    if (error.context.size() < deepest) continue;
    Pointer pointer = at;
    for (std::size_t i = 1; i < error.context.size(); ++i) {  // "<root>", "[key]", "[0]", …
      pointer /= error.context[i].substr(1, error.context[i].size() - 2);
    }
    faults.push_back({pointer, Spot::value, error.description});
  }
  return faults;
}

}  // namespace

std::vector<SchemaFault> check_schema(const nlohmann::json& schema, const nlohmann::json& value, const Pointer& at,
                                      const std::string& noun) {
  try {
    valijson::Schema parsed;
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(valijson::adapters::NlohmannJsonAdapter(schema), parsed);
    valijson::ValidationResults results;
    valijson::Validator validator;
    if (validator.validate(parsed, valijson::adapters::NlohmannJsonAdapter(value), &results)) return {};
    auto faults = explain_schema_faults(schema, value, at, noun);
    return faults.empty() ? in_its_words(results, at) : faults;
  } catch (const std::exception& error) {
    throw Error(ErrorCode::resource, std::string("the parameters' JSON Schema is broken: ") + error.what());
  }
}

}  // namespace ptychoflow::host
