#include "framework/connect/herder/connector_settings.h"

#include <algorithm>
#include <cctype>
#include <regex>

#include "framework/config/definition.h"
#include "framework/config/value.h"

namespace penstock::connect {
namespace {

using config::Importance;
using config::Key;
using config::Kind;

Key key(std::string name, Kind kind, std::optional<std::string> fallback, std::string doc,
        std::string group) {
  Key out;
  out.name = std::move(name);
  out.kind = kind;
  out.fallback = std::move(fallback);
  out.doc = std::move(doc);
  out.group = std::move(group);
  return out;
}

void add_common(std::vector<Key>& keys) {
  auto name = key("name", Kind::kString, std::nullopt,
                  "Globally unique name to use for this connector.", "Common");
  name.importance = Importance::kHigh;
  keys.push_back(name);
  auto klass = key("connector.class", Kind::kString, std::nullopt,
                   "Name or alias of the class for this connector.", "Common");
  klass.importance = Importance::kHigh;
  keys.push_back(klass);
  auto tasks = key("tasks.max", Kind::kInt, "1",
                   "Maximum number of tasks to use for this connector.", "Common");
  tasks.min = 1;
  tasks.max = 1023;
  tasks.importance = Importance::kHigh;
  keys.push_back(tasks);
  for (const char* which : {"key.converter", "value.converter", "header.converter"}) {
    auto converter = key(which, Kind::kString, "",
                         "Converter for this part of records; empty: the worker's.", "Common");
    converter.importance = Importance::kLow;
    keys.push_back(converter);
  }
}

void add_errors(std::vector<Key>& keys) {
  const std::string group = "Error Handling";
  auto tolerance =
      key("errors.tolerance", Kind::kString, "none",
          "none: the first record that fails ends the task; all: it is skipped.", group);
  tolerance.one_of = "none|all";
  keys.push_back(tolerance);
  auto retry = key("errors.retry.timeout", Kind::kLong, "60000",
                   "How long, in ms, a call is tried again that failed because the outside system "
                   "is away; -1: for ever.",
                   group);
  retry.min = -1;
  retry.max = -2;
  keys.push_back(retry);
  auto delay = key("errors.retry.delay.max.ms", Kind::kLong, "60000",
                   "The longest pause between two tries.", group);
  delay.min = 1;
  delay.max = 0;
  keys.push_back(delay);
  keys.push_back(key("errors.log.enable", Kind::kBool, "false", "Log each failed record.", group));
  keys.push_back(
      key("errors.log.include.messages", Kind::kBool, "false", "Log its content too.", group));
  keys.push_back(key("errors.deadletterqueue.topic.name", Kind::kString, "",
                     "Topic for records that failed; empty: none. Sources have it too.", group));
  auto factor = key("errors.deadletterqueue.topic.replication.factor", Kind::kInt, "-1",
                    "Replication factor when that topic is made; -1: the broker's default.", group);
  factor.min = -1;
  factor.max = -2;
  keys.push_back(factor);
  keys.push_back(key("errors.deadletterqueue.context.headers.enable", Kind::kBool, "false",
                     "Say in headers what failed.", group));
}

std::optional<Kind> kind_of(const std::string& name) {
  static constexpr std::pair<const char*, Kind> kKinds[] = {
      {"string", Kind::kString}, {"password", Kind::kPassword}, {"int", Kind::kInt},
      {"long", Kind::kLong},     {"double", Kind::kDouble},     {"bool", Kind::kBool},
      {"list", Kind::kList},     {"duration", Kind::kDuration}, {"bytes", Kind::kBytes}};
  for (const auto& [text, kind] : kKinds) {
    if (name == text) return kind;
  }
  return std::nullopt;
}

Key plugin_key(const message::KeyDefinition& from) {
  Key out;
  out.name = from.name;
  out.kind = kind_of(from.kind).value_or(Kind::kString);
  out.fallback = from.fallback;
  out.doc = from.doc;
  out.one_of = from.one_of;
  out.pattern = from.pattern;
  out.min = from.min;
  out.max = from.max;
  out.when = from.when;
  out.importance = from.importance == "high"  ? Importance::kHigh
                   : from.importance == "low" ? Importance::kLow
                                              : Importance::kMedium;
  out.group = from.group.empty() ? "Connector" : from.group;
  return out;
}

KeyView view_of(const Key& key, int order) {
  KeyView view;
  view.name = key.name;
  view.type = config::to_string(key.kind);
  view.importance = config::to_string(key.importance);
  view.documentation = key.doc;
  view.group = key.group;
  view.required = !key.fallback;
  view.fallback = key.fallback;
  if (key.kind == Kind::kPassword && key.fallback && !key.fallback->empty())
    view.fallback = kHidden;
  std::size_t at = 0;
  while (at < key.one_of.size()) {
    const auto end = std::min(key.one_of.find('|', at), key.one_of.size());
    if (end > at) view.recommended.push_back(key.one_of.substr(at, end - at));
    at = end + 1;
  }
  view.order = order;
  return view;
}

void add_error(ValidationView& view, const std::string& name, std::string text) {
  for (auto& value : view.values) {
    if (value.key.name == name) return value.errors.push_back(std::move(text));
  }
  ValueView extra;
  extra.key.name = name;
  extra.key.type = "STRING";
  extra.key.importance = "MEDIUM";
  extra.key.order = static_cast<int>(view.values.size()) + 1;
  extra.errors.push_back(std::move(text));
  view.values.push_back(std::move(extra));
}

const std::string& at(const StringMap& config, const char* name) {
  static const std::string none;
  const auto found = config.find(name);
  return found == config.end() ? none : found->second;
}

/// Rules between settings that no single key can say.
void check_sink(ValidationView& view, const StringMap& config) {
  const auto& topics = at(config, "topics");
  const auto& pattern = at(config, "topics.regex");
  if (topics.empty() == pattern.empty()) {
    const std::string text =
        topics.empty() ? "Must configure one of topics or topics.regex"
                       : "topics and topics.regex are mutually exclusive; set one of them";
    add_error(view, "topics", text);
    add_error(view, "topics.regex", text);
  }
  const auto& dead = at(config, "errors.deadletterqueue.topic.name");
  const auto names = config::parse_list(topics);
  if (!dead.empty() && std::ranges::find(names, dead) != names.end()) {
    add_error(view, "errors.deadletterqueue.topic.name",
              "The dead letter topic '" + dead + "' may not be among the topics that are read");
  }
  try {
    if (!pattern.empty() && std::regex_match(dead, std::regex(pattern)) && !dead.empty()) {
      add_error(view, "errors.deadletterqueue.topic.name",
                "The dead letter topic '" + dead + "' may not match topics.regex");
    }
  } catch (const std::regex_error& error) {
    add_error(view, "topics.regex",
              "topics.regex is no regular expression: " + std::string(error.what()));
  }
}

}  // namespace

bool sounds_secret(const std::string& key) {
  std::string lower;
  std::ranges::transform(key, std::back_inserter(lower),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const char* word : {"password", "secret", "token", "credential", "jaas.config", "ssl.key"}) {
    if (lower.find(word) != std::string::npos) return true;
  }
  return false;
}

ConnectorSettings::ConnectorSettings(const message::ConnectorDefinition& connector)
    : class_name_(connector.name), sink_(connector.kind == "sink") {
  std::vector<Key> keys;
  add_common(keys);
  if (sink_) {
    auto topics = key("topics", Kind::kList, "", "Topics to read, comma-separated.", "Common");
    topics.importance = Importance::kHigh;
    keys.push_back(topics);
    keys.push_back(key("topics.regex", Kind::kString, "",
                       "Regular expression of the topics to read.", "Common"));
  } else {
    auto support = key("exactly.once.support", Kind::kString, "requested",
                       "required: refuse to run where it is not available.", "Common");
    support.one_of = "requested|required";
    keys.push_back(support);
  }
  add_errors(keys);
  for (const auto& own : connector.keys) {
    const bool common = std::ranges::any_of(keys, [&](const Key& k) { return k.name == own.name; });
    if (!common) keys.push_back(plugin_key(own));
  }
  std::vector<std::string> prefixes{"key.converter.",     "value.converter.",   "header.converter.",
                                    "producer.override.", "consumer.override.", "admin.override."};
  if (!sink_) prefixes.emplace_back("topic.creation.");
  definition_ = std::make_unique<config::Definition>(std::move(keys), std::move(prefixes));
}

ConnectorSettings::~ConnectorSettings() = default;
ConnectorSettings::ConnectorSettings(ConnectorSettings&&) noexcept = default;

std::vector<KeyView> ConnectorSettings::keys() const {
  std::vector<KeyView> out;
  for (const auto& one : definition_->keys())
    out.push_back(view_of(one, static_cast<int>(out.size()) + 1));
  return out;
}

bool ConnectorSettings::is_secret(const std::string& name) const {
  const auto* found = definition_->find(name);
  return found != nullptr ? found->kind == Kind::kPassword : sounds_secret(name);
}

ValidationView ConnectorSettings::check(const StringMap& config, const StringMap& shown) const {
  config::Map given;
  std::vector<std::string> unsupported;
  for (const auto& [name, value] : config) {
    const bool chain = name == "transforms" || name == "predicates" ||
                       name.starts_with("transforms.") || name.starts_with("predicates.");
    if (!chain)
      given[name] = value;
    else if (!value.empty())
      unsupported.push_back(name);
  }
  const auto checked = definition_->check_strictly(given);
  ValidationView view;
  view.class_name = class_name_;
  for (const auto& one : definition_->keys()) {
    ValueView value;
    value.key = view_of(one, static_cast<int>(view.values.size()) + 1);
    const auto found = shown.find(one.name);
    if (found != shown.end())
      value.value = one.kind == Kind::kPassword && !found->second.empty() ? kHidden : found->second;
    else
      value.value = value.key.fallback;
    if (checked.problems.empty()) value.visible = checked.settings.visible(one.name);
    view.values.push_back(std::move(value));
  }
  for (const auto& problem : checked.problems) add_error(view, problem.key, problem.text);
  for (const auto& name : unsupported) {
    add_error(
        view, name,
        "'" + name +
            "' is not supported: this worker runs no transforms or predicates yet; remove it");
  }
  if (sink_) check_sink(view, config);
  return view;
}

}  // namespace penstock::connect
