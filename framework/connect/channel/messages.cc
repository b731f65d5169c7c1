#include "framework/connect/channel/messages.h"

#include <cmath>
#include <concepts>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

namespace penstock::connect {
namespace {

using Json = nlohmann::json;

template <class T, class M>
concept Is = std::same_as<std::remove_const_t<T>, M>;

// One field list a message: encode and decode both walk it.
namespace m = message;
void fields(auto& v, Is<m::Hello> auto& x) {
  v("channel_version", x.channel_version);
  v("plugin_path", x.plugin_path);
  v("plugin_sha256", x.plugin_sha256);
  v("class_name", x.class_name);
  v("worker_id", x.worker_id);
  v("instance_id", x.instance_id);
  v("client", x.client);
  v("data_limit_bytes", x.data_limit_bytes);
}
void fields(auto&, Is<m::Describe> auto&) {}
void fields(auto& v, Is<m::Validate> auto& x) { v("config", x.config); }
void fields(auto& v, Is<m::Plan> auto& x) {
  v("config", x.config);
  v("tasks_max", x.tasks_max);
}
void fields(auto& v, Is<m::Hook> auto& x) {
  v("which", x.which);
  v("config", x.config);
}
void fields(auto& v, Is<m::StartTask> auto& x) {
  v("task", x.task);
  v("config", x.config);
  v("paused", x.paused);
}
void fields(auto& v, Is<m::PauseTask> auto& x) { v("task", x.task); }
void fields(auto& v, Is<m::ResumeTask> auto& x) { v("task", x.task); }
void fields(auto& v, Is<m::StopTask> auto& x) {
  v("task", x.task);
  v("deadline_ms", x.deadline_ms);
}
void fields(auto& v, Is<m::Lease> auto& x) { v("valid_ms", x.valid_ms); }
void fields(auto& v, Is<m::Bye> auto& x) { v("deadline_ms", x.deadline_ms); }
void fields(auto& v, Is<m::Ready> auto& x) {
  v("pid", x.pid);
  v("plugin_version", x.plugin_version);
}
void fields(auto& v, Is<m::Refused> auto& x) { v("text", x.text); }
void fields(auto& v, Is<m::KeyDefinition> auto& x) {
  v("name", x.name);
  v("kind", x.kind);
  v("doc", x.doc);
  v("one_of", x.one_of);
  v("pattern", x.pattern);
  v("when", x.when);
  v("importance", x.importance);
  v("group", x.group);
  v("fallback", x.fallback);
  v("min", x.min);
  v("max", x.max);
}
void fields(auto& v, Is<m::ConnectorDefinition> auto& x) {
  v("name", x.name);
  v("kind", x.kind);
  v("doc", x.doc);
  v("aliases", x.aliases);
  v("keys", x.keys);
  v("has_connector", x.has_connector);
}
void fields(auto& v, Is<m::Definition> auto& x) {
  v("plugin", x.plugin);
  v("version", x.version);
  v("connectors", x.connectors);
}
void fields(auto& v, Is<m::Problem> auto& x) {
  v("key", x.key);
  v("text", x.text);
}
void fields(auto& v, Is<m::Problems> auto& x) { v("problems", x.problems); }
void fields(auto& v, Is<m::TaskConfigs> auto& x) { v("tasks", x.tasks); }
void fields(auto&, Is<m::Done> auto&) {}
void fields(auto& v, Is<m::Failed> auto& x) {
  v("text", x.text);
  v("retriable", x.retriable);
}
void fields(auto&, Is<m::Started> auto&) {}
void fields(auto& v, Is<m::Stopped> auto& x) { v("drained", x.drained); }
void fields(auto&, Is<m::Farewell> auto&) {}
void fields(auto& v, Is<m::ReadOffsets> auto& x) { v("partitions", x.partitions); }
void fields(auto& v, Is<m::OffsetValues> auto& x) { v("values", x.values); }
void fields(auto& v, Is<m::OffsetEntry> auto& x) {
  v("partition", x.partition);
  v("offset", x.offset);
}
void fields(auto& v, Is<m::StoreOffsets> auto& x) {
  v("task", x.task);
  v("sequence", x.sequence);
  v("entries", x.entries);
}
void fields(auto& v, Is<m::Stored> auto& x) { v("sequence", x.sequence); }
void fields(auto& v, Is<m::TaskFailed> auto& x) {
  v("task", x.task);
  v("trace", x.trace);
  v("fatal", x.fatal);
  v("budget_free", x.budget_free);
}
void fields(auto& v, Is<m::CaughtUp> auto& x) {
  v("task", x.task);
  v("caught_up", x.caught_up);
  v("finished", x.finished);
}
void fields(auto&, Is<m::Replan> auto&) {}
void fields(auto& v, Is<m::Metrics> auto& x) {
  v("task", x.task);
  v("values", x.values);
}

/// In the order of Message's alternatives.
constexpr const char* kNames[] = {
    "hello",      "describe",    "validate",  "plan",         "hook",          "start_task",
    "pause_task", "resume_task", "stop_task", "lease",        "bye",           "ready",
    "refused",    "definition",  "problems",  "task_configs", "done",          "failed",
    "started",    "stopped",     "farewell",  "read_offsets", "offset_values", "store_offsets",
    "stored",     "task_failed", "caught_up", "replan",       "metrics"};
static_assert(std::size(kNames) == std::variant_size_v<Message>);

class Writer {
 public:
  Json json = Json::object();
  void operator()(const char* name, const auto& value) { json[name] = plain(value); }

 private:
  static Json plain(const std::string& value) { return value; }
  static Json plain(bool value) { return value; }
  static Json plain(std::integral auto value) { return value; }
  static Json plain(double value) { return value; }
  static Json plain(const ConfigMap& value) { return value; }
  static Json plain(const std::map<std::string, double>& value) {
    Json out = Json::object();
    for (const auto& [name, number] : value) {
      if (std::isfinite(number)) out[name] = number;
    }
    return out;
  }
  template <class T>
  static Json plain(const std::optional<T>& value) {
    return value ? plain(*value) : Json();
  }
  template <class T>
  static Json plain(const std::vector<T>& value) {
    Json out = Json::array();
    for (const auto& item : value) out.push_back(plain(item));
    return out;
  }
  template <class T>
  requires requires(Writer& w, const T& t) { fields(w, t); }
  static Json plain(const T& value) {
    Writer inner;
    fields(inner, value);
    return std::move(inner.json);
  }
};

/// Fields that are missing keep their default; a field of the wrong kind is an error.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}
  std::string wrong;  // the first field that could not be read

  template <class T>
  void operator()(const char* name, T& value) {
    const auto found = json_.find(name);
    if (found != json_.end() && !read(*found, value) && wrong.empty()) wrong = name;
  }

 private:
  static bool read(const Json& from, std::string& to) {
    const auto* text = from.get_ptr<const std::string*>();
    if (text != nullptr) to = *text;
    return text != nullptr;
  }
  static bool read(const Json& from, bool& to) {
    if (!from.is_boolean()) return false;
    to = from.get<bool>();
    return true;
  }
  template <std::integral T>
  static bool read(const Json& from, T& to) {
    if (from.is_number_unsigned()) {
      const auto value = from.get<std::uint64_t>();
      to = static_cast<T>(value);
      return std::in_range<T>(value);
    }
    if (!from.is_number_integer()) return false;
    const auto value = from.get<std::int64_t>();
    to = static_cast<T>(value);
    return std::in_range<T>(value);
  }
  static bool read(const Json& from, double& to) {
    if (!from.is_number()) return false;
    to = from.get<double>();
    return true;
  }
  template <class T>
  static bool read(const Json& from, std::map<std::string, T>& to) {
    if (!from.is_object()) return false;
    for (const auto& [name, value] : from.items()) {
      if (!read(value, to[name])) return false;
    }
    return true;
  }
  template <class T>
  static bool read(const Json& from, std::optional<T>& to) {
    if (from.is_null()) {
      to.reset();
      return true;
    }
    return read(from, to.emplace());
  }
  template <class T>
  static bool read(const Json& from, std::vector<T>& to) {
    if (!from.is_array()) return false;
    to.clear();
    for (const auto& item : from) {
      if (!read(item, to.emplace_back())) return false;
    }
    return true;
  }
  template <class T>
  requires requires(Reader& r, T& t) { fields(r, t); }
  static bool read(const Json& from, T& to) {
    if (!from.is_object()) return false;
    Reader inner(from);
    fields(inner, to);
    return inner.wrong.empty();
  }

  const Json& json_;
};

template <std::size_t I = 0>
bool make(std::string_view name, Message& out) {
  if constexpr (I < std::variant_size_v<Message>) {
    if (name != kNames[I]) return make<I + 1>(name, out);
    out.emplace<I>();
    return true;
  }
  return false;
}

/// Offsets must arrive as they left; other texts may hold what a plugin said in another character
/// set.
bool must_be_exact(const Message& body) {
  return std::holds_alternative<m::StoreOffsets>(body) ||
         std::holds_alternative<m::ReadOffsets>(body) ||
         std::holds_alternative<m::OffsetValues>(body) ||
         std::holds_alternative<m::StartTask>(body) || std::holds_alternative<m::TaskConfigs>(body);
}

}  // namespace

Result<std::string> encode(const Envelope& envelope) {
  Writer writer;
  std::visit([&](const auto& body) { fields(writer, body); }, envelope.body);
  const char* name = kNames[envelope.body.index()];
  writer("type", std::string(name));
  if (envelope.id != 0) writer("id", envelope.id);
  if (envelope.answers != 0) writer("answers", envelope.answers);
  writer("connector", envelope.connector);
  writer("generation", envelope.generation);
  std::string text;
  const bool exact = must_be_exact(envelope.body);
  try {
    text = writer.json.dump(-1, ' ', false,
                            exact ? Json::error_handler_t::strict : Json::error_handler_t::replace);
  } catch (const Json::exception&) {
    return fail(Errc::kInvalid, std::string(name) + " of connector " + envelope.connector +
                                    " holds text that is not UTF-8");
  }
  if (text.size() > kFrameBytesMax) {
    return fail(Errc::kTooLarge, std::string(name) + " of connector " + envelope.connector +
                                     " has " + std::to_string(text.size()) + " bytes; at most " +
                                     std::to_string(kFrameBytesMax));
  }
  return text;
}

Result<Envelope> decode(std::string_view text) {
  const auto json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return fail(Errc::kInvalid, "a frame that is no JSON object");
  Envelope envelope;
  std::string type;
  Reader reader(json);
  reader("type", type);
  reader("id", envelope.id);
  reader("answers", envelope.answers);
  reader("connector", envelope.connector);
  reader("generation", envelope.generation);
  if (!make(type, envelope.body))
    return fail(Errc::kInvalid, "unknown message type '" + type.substr(0, 64) + "'");
  std::visit([&](auto& body) { fields(reader, body); }, envelope.body);
  if (!reader.wrong.empty())
    return fail(Errc::kInvalid,
                "message " + type + ": field " + reader.wrong + " is not what it should be");
  return envelope;
}

}  // namespace penstock::connect
