#include <spdlog/spdlog.h>

#include "framework/connect/herder/connector.h"
#include "framework/connect/herder/connector_settings.h"
#include "framework/connect/herder/herder.h"

namespace penstock::connect {
namespace {

constexpr std::int64_t kDescribeDeadlineMs = 20'000;

StringMap with_defaults(StringMap config, const StringMap& defaults) {
  for (const auto& [key, value] : defaults) config.try_emplace(key, value);
  return config;
}

}  // namespace

void Herder::refresh_catalog() {
  if (describing_ > 0) return;
  auto files = catalog_.scan();
  describing_ = files.size();
  for (auto& file : files) {
    message::Hello hello;
    hello.plugin_path = file.path;
    hello.plugin_sha256 = file.sha256;
    hello.worker_id = worker_id_;
    supervisor_->probe(
        std::move(hello), message::Describe{}, kDescribeDeadlineMs, "describing the plugin",
        [this, file](Result<Message> answer) {
          post(
              [this, file, answer = std::move(answer)]() mutable {
                if (!answer) {
                  spdlog::warn("plugin {} was refused: {}", file.path, answer.error().text);
                  catalog_.refused(file, answer.error().text);
                } else if (auto* definition = std::get_if<message::Definition>(&*answer)) {
                  spdlog::info("plugin {} {}: {}", definition->plugin, definition->version,
                               file.path);
                  catalog_.described(file, std::move(*definition));
                } else {
                  const auto* failed = std::get_if<message::Failed>(&*answer);
                  catalog_.refused(
                      file,
                      failed != nullptr
                          ? failed->text
                          : "it answered something else when it was asked to describe itself");
                }
                if (--describing_ > 0) return;
                auto waiting = std::move(waiting_for_catalog_);
                waiting_for_catalog_.clear();
                for (auto& action : waiting) action();
              },
              kEventsMax);
        });
  }
}

void Herder::when_catalog_known(Action action) {
  if (describing_ == 0)
    action();
  else
    waiting_for_catalog_.push_back(std::move(action));
}

Result<PluginCatalog::Class> Herder::find_class(const StringMap& config) {
  const auto found = config.find("connector.class");
  if (found == config.end() || found->second.empty())
    return fail(Errc::kInvalid, "Connector config contains no connector type");
  return catalog_.find(found->second);
}

message::Hello Herder::hello_for(const PluginCatalog::Class& found) const {
  message::Hello hello;
  hello.plugin_path = found.file->path;
  hello.plugin_sha256 = found.file->sha256;
  hello.class_name = found.connector->name;
  hello.worker_id = worker_id_;
  hello.instance_id = options_.instance_id;
  hello.client = options_.client;
  hello.data_limit_bytes = options_.data_limit_bytes;
  return hello;
}

/// A connector that is deleted while it has no runner: a short-lived one tells the plugin.
void Herder::hook_after_death(const Connector& connector) {
  const auto found = find_class(connector.config);
  if (!found || !found->connector->has_connector) return;
  auto resolved = options_.providers.resolve(connector.config);
  if (!resolved) {
    spdlog::warn("connector {}: its hook for deletion was not called: {}", connector.name,
                 resolved.error().text);
    return;
  }
  const auto secrets = secrets_of(*found, *resolved);
  supervisor_->probe(
      hello_for(*found), message::Hook{"deleted", std::move(resolved->config)},
      options_.plugin_deadline_ms, "the hook for deletion",
      [name = connector.name, secrets](const Result<Message>& answer) {
        const auto* failed = answer ? std::get_if<message::Failed>(&*answer) : nullptr;
        if (answer && failed == nullptr) return;
        const auto text = secrets.masked(answer ? failed->text : answer.error().text);
        spdlog::warn("connector {}: its hook for deletion failed: {}", name, text);
      },
      secrets);
}

void Herder::note_class(Connector& connector) {
  const auto found = find_class(connector.config);
  if (!found) return;
  connector.kind = found->connector->kind;
  connector.plugin_version = found->plugin->version;
  connector.has_connector = found->connector->has_connector;
}

/// Passwords of the connector and of the worker, and whatever providers put in place of
/// placeholders.
Secrets Herder::secrets_of(const PluginCatalog::Class& found,
                           const ConfigProviders::Resolved& resolved) const {
  Secrets out;
  for (const auto& value : resolved.provided) out.add(value);
  const ConnectorSettings settings(*found.connector);
  for (const auto& [key, value] : resolved.config) {
    if (settings.is_secret(key)) out.add(value);
  }
  for (const auto* defaults : {&options_.client, &options_.task_defaults}) {
    for (const auto& [key, value] : *defaults) {
      if (sounds_secret(key)) out.add(value);
    }
  }
  return out;
}

void Herder::validate_now(StringMap config, Reply<ValidationView> reply) {
  if (describing_ == 0 && !find_class(config))
    refresh_catalog();  // a plugin may have been put there meanwhile
  if (describing_ > 0) {
    return when_catalog_known(
        [this, config = std::move(config), reply = std::move(reply)]() mutable {
          validate_now(std::move(config), std::move(reply));
        });
  }
  const auto found = find_class(config);
  if (!found) return reply(tl::make_unexpected(RestError{400, found.error().text}));
  const ConnectorSettings settings(*found->connector);
  auto resolved = options_.providers.resolve(config);
  if (!resolved) {
    auto view = settings.check(config, config);
    const auto& text = resolved.error().text;
    const auto key = text.substr(0, text.find(": "));
    for (auto& value : view.values) {
      if (value.key.name == key) value.errors.push_back(text);
    }
    if (view.error_count() == 0) return reply(tl::make_unexpected(RestError{400, text}));
    return reply(std::move(view));
  }
  const auto secrets = secrets_of(*found, *resolved);
  auto view = settings.check(resolved->config, config);
  for (auto& value : view.values) {
    for (auto& text : value.errors) text = secrets.masked(std::move(text));
  }
  if (view.error_count() > 0) return reply(std::move(view));
  // The runner checks converters and client settings too, so it is asked even when the plugin has
  // nothing to say.
  supervisor_->probe(
      hello_for(*found),
      message::Validate{with_defaults(std::move(resolved->config), options_.task_defaults)},
      options_.plugin_deadline_ms, "validate()",
      [this, view = std::move(view), reply = std::move(reply),
       secrets](Result<Message> answer) mutable {
        post(
            [secrets, view = std::move(view), reply = std::move(reply),
             answer = std::move(answer)]() mutable {
              if (!answer)
                return reply(tl::make_unexpected(RestError{
                    400, "validating the configuration: " + secrets.masked(answer.error().text)}));
              if (const auto* failed = std::get_if<message::Failed>(&*answer))
                return reply(tl::make_unexpected(RestError{400, secrets.masked(failed->text)}));
              const auto* problems = std::get_if<message::Problems>(&*answer);
              if (problems == nullptr)
                return reply(tl::make_unexpected(
                    RestError{500, "the plugin's runner answered validate() with something else"}));
              for (const auto& problem : problems->problems) {
                const auto text = secrets.masked(problem.text);
                bool placed = false;
                for (auto& value : view.values) {
                  if (value.key.name != problem.key) continue;
                  value.errors.push_back(text);
                  placed = true;
                }
                if (placed) continue;
                // A key that the definition does not list one by one: a client's, a converter's.
                ValueView extra;
                extra.key.name = problem.key;
                extra.key.type = "STRING";
                extra.key.importance = "MEDIUM";
                extra.key.order = static_cast<int>(view.values.size()) + 1;
                extra.errors.push_back(text.starts_with(problem.key) ? text
                                                                     : problem.key + ": " + text);
                view.values.push_back(std::move(extra));
              }
              reply(std::move(view));
            },
            kEventsMax);
      },
      secrets);
}

}  // namespace penstock::connect
