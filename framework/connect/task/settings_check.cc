#include "framework/connect/task/settings_check.h"

#include <string>

#include "framework/connect/convert/converter.h"
#include "framework/connect/host/schema_interner.h"
#include "framework/connect/task/error_policy.h"
#include "framework/connect/task/task_setup.h"
#include "framework/connect/task/topic_creation.h"
#include "framework/rdkafka/settings.h"

namespace penstock::connect {
namespace {

/// Enough of a context to make converters.
class SchemasOnly final : public Context {
 public:
  const Schema* schema(const SchemaSpec& spec) override { return schemas_.intern(spec); }
  void log(LogLevel, std::string_view) override {}
  void count(std::string_view, double) override {}
  [[nodiscard]] bool stopping() const override { return false; }
  [[nodiscard]] std::string_view connector_name() const override { return {}; }
  [[nodiscard]] int task_id() const override { return 0; }
  void replan() override {}

 private:
  host::SchemaInterner schemas_;
};

/// Texts of this folder begin with the setting's name.
void add(std::vector<message::Problem>& out, const Error& error) {
  // One that all clients share is wrong for each of them.
  for (const auto& known : out) {
    if (known.text == error.text) return;
  }
  out.push_back({error.text.substr(0, error.text.find(": ")), error.text});
}

}  // namespace

std::vector<message::Problem> check_framework_settings(PluginKind kind, const ConfigMap& client,
                                                       const ConfigMap& config) {
  std::vector<message::Problem> out;
  SchemasOnly schemas;
  const auto note = [&](const auto& result) {
    if (!result) add(out, result.error());
  };
  note(refuse_unavailable(config));
  note(error_policy(config));
  note(number_setting(config, "offset.flush.interval.ms", 1, 1));
  for (const char* key : {"key.converter", "value.converter", "header.converter"})
    note(make_converter(config, key, schemas));
  note(rdkafka::client_settings(rdkafka::Role::kAdmin, client, config));
  if (kind == PluginKind::kSource) {
    note(TopicCreation::make(client, config));
    note(rdkafka::client_settings(rdkafka::Role::kProducer, client, config));
  } else {
    note(rdkafka::client_settings(rdkafka::Role::kConsumer, client, config));
    if (text_setting(config, "topics", "").empty() ==
        text_setting(config, "topics.regex", "").empty()) {
      const std::string text = "Must configure one of topics or topics.regex";
      out.push_back({"topics", text});
      out.push_back({"topics.regex", text});
    }
  }
  return out;
}

}  // namespace penstock::connect
