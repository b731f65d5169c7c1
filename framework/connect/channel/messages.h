#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "framework/base/error.h"

// What worker and runner say to each other over one socketpair: control only, never records. One
// frame is an int32 length (big-endian) and a JSON object
// {"type","id","connector","generation",...}. `id` pairs a question with its answer; 0: no answer
// is expected. Secrets travel only here: frames are never logged.
namespace penstock::connect {

inline constexpr std::uint32_t kChannelVersion = 1;
inline constexpr std::size_t kFrameBytesMax = std::size_t{1} << 20;

using ConfigMap = std::map<std::string, std::string>;

namespace message {

// From worker to runner.

/// First frame. Answer: Ready or Refused.
struct Hello {
  std::uint32_t channel_version = kChannelVersion;
  std::string plugin_path;
  std::string plugin_sha256;  // "" not checked; else the file must still have it
  std::string class_name;     // connector class inside the plugin; "" only for Describe
  std::string worker_id;      // host:port, for logs and client ids
  std::string instance_id;    // the same over restarts of this worker, and of no other: sinks are
                              // static group members under it
  ConfigMap
      client;  // bootstrap.servers and librdkafka-style settings shared by producers and consumers
  std::int64_t data_limit_bytes = 0;  // RLIMIT_DATA; 0: none
};
struct Describe {};  // -> Definition
struct Validate {
  ConfigMap config;
};  // -> Problems
struct Plan {
  ConfigMap config;
  int tasks_max = 1;
};  // -> TaskConfigs
struct Hook {
  std::string which;
  ConfigMap config;
};  // "created", "updated", "deleted" -> Done or Failed
/// The connector's whole configuration merged with what Plan gave for this task, and the worker's
/// converters as defaults. -> Started or Failed
struct StartTask {
  int task = 0;
  ConfigMap config;
  bool paused = false;
};
struct PauseTask {
  int task = 0;
};  // -> Done
struct ResumeTask {
  int task = 0;
};  // -> Done
/// What was read is delivered and stored within the deadline, or it comes again: the answer says
/// which, and comes when nothing of the task runs any more.
struct StopTask {
  int task = 0;
  std::int64_t deadline_ms = 0;
};  // -> Stopped
/// Once a second while the worker's own membership is good. A runner whose lease ran out stops
/// polling, putting and producing, and exits.
struct Lease {
  std::int64_t valid_ms = 0;
};
struct Bye {
  std::int64_t deadline_ms = 30'000;
};  // -> Farewell, then exit 0

// From runner to worker: answers.

struct Ready {
  std::int64_t pid = 0;
  std::string plugin_version;
};
struct Refused {
  std::string text;
};
struct KeyDefinition {
  std::string name, kind, doc, one_of, pattern, when, importance,
      group;  // kind as in penstock::ConfigKey, lower case: "string", "password", ...
  std::optional<std::string> fallback;  // nullopt: required
  double min = 0, max = 0;
};
struct ConnectorDefinition {
  std::string name, kind, doc;  // kind: "source" or "sink"
  std::vector<std::string> aliases;
  std::vector<KeyDefinition> keys;
  bool has_connector = false;  // Validate, Plan and Hook call plugin code
};
struct Definition {
  std::string plugin, version;
  std::vector<ConnectorDefinition> connectors;
};
struct Problem {
  std::string key, text;
};
struct Problems {
  std::vector<Problem> problems;
};  // empty: valid
struct TaskConfigs {
  std::vector<ConfigMap> tasks;
};  // what differs from the connector's configuration
struct Done {};
struct Failed {
  std::string text;
  bool retriable = false;
};
struct Started {};
struct Stopped {
  bool drained = false;
};
struct Farewell {};

// From runner to worker: unasked.

/// Source offsets, local state only. Keys and values are Connect's JSON: key
/// ["connector",{partition}] without the connector.
struct ReadOffsets {
  std::vector<std::string> partitions;
};  // -> OffsetValues, same order
struct OffsetValues {
  std::vector<std::optional<std::string>> values;
};  // worker's answer
struct OffsetEntry {
  std::string partition;
  std::optional<std::string> offset;
};
struct StoreOffsets {
  int task = 0;
  std::int64_t sequence = 0;
  std::vector<OffsetEntry> entries;
};  // -> Stored when durable
struct Stored {
  std::int64_t sequence = 0;
};  // worker's answer
/// A task that ran failed, and nothing of it runs any more. `fatal`: restarting cannot help (bad
/// config). `budget_free`: restart outside the restart budget (a producer that had to be rebuilt).
struct TaskFailed {
  int task = 0;
  std::string trace;
  bool fatal = false;
  bool budget_free = false;
};
/// A source said kIdle (finished false) or kEnd (finished true), and everything before it is
/// acknowledged and its offsets stored; or a sink has stored everything up to the end offsets it
/// last saw. Sent again after new work; caught_up false when new work began.
struct CaughtUp {
  int task = 0;
  bool caught_up = true;
  bool finished = false;
};
struct Replan {};
/// Counters since the task began; last wins. Names: records, bytes, retries, errors, dead_letters,
/// skipped, put_ms, poll_ms, plugin counters as "plugin.<name>"; "sent.<topic>" of a source,
/// "dead_letters.<topic>" and "skipped.<topic>" of a sink; per partition of a sink
/// "position.<topic>.<n>", "stored.<topic>.<n>", "end.<topic>.<n>".
struct Metrics {
  int task = 0;
  std::map<std::string, double> values;
};

}  // namespace message

using Message = std::variant<
    message::Hello, message::Describe, message::Validate, message::Plan, message::Hook,
    message::StartTask, message::PauseTask, message::ResumeTask, message::StopTask, message::Lease,
    message::Bye, message::Ready, message::Refused, message::Definition, message::Problems,
    message::TaskConfigs, message::Done, message::Failed, message::Started, message::Stopped,
    message::Farewell, message::ReadOffsets, message::OffsetValues, message::StoreOffsets,
    message::Stored, message::TaskFailed, message::CaughtUp, message::Replan, message::Metrics>;

struct Envelope {
  std::uint64_t id = 0;  // a question's number; its answer carries the same in `answers`
  std::uint64_t answers = 0;
  std::string connector;
  std::int64_t generation =
      0;  // of the connector's configuration; a message of another generation is dropped
  Message body;
};

/// JSON text of at most kFrameBytesMax. kTooLarge says which message of which connector.
Result<std::string> encode(const Envelope& envelope);
/// kInvalid for anything that is not one of the above; unknown fields are ignored.
Result<Envelope> decode(std::string_view json);

}  // namespace penstock::connect
