#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "framework/base/unique_function.h"
#include "framework/connect/channel/messages.h"
#include "framework/connect/store/config_records.h"
#include "framework/connect/supervise/restart_policy.h"
#include "framework/connect/supervise/secrets.h"

// The herder's picture of one connector. Only the herder's files include this.
namespace penstock::connect {

struct HerdedTask {
  StringMap config;  // what differs from the connector's
  std::string state = "UNASSIGNED";
  std::string trace;
  std::string stalled;     // "in poll() for 312 s"
  bool in_runner = false;  // a StartTask was sent and the task has not ended since
  bool busy = false;       // a question about it is open
  bool paused = false;     // as last told
  bool restart_wanted = false;
  bool given_up = false;
  bool failed_with_connector =
      false;  // not by its own fault: it comes back when the connector does
  int restarts = 0;
  RestartPolicy policy;
  std::optional<std::int64_t> retry_at_ms;
  std::int64_t generation = 0;  // the connector's config_generation when it was last started
  bool caught_up = false;
  bool finished = false;
  std::map<std::string, double> metrics;
  std::uint64_t epoch = 0;  // counts questions, so that a late answer is told apart

  /// What it said of its progress counts no more.
  void forget_progress() { caught_up = finished = false; }
};

struct HerdedConnector {
  enum class Runner : std::uint8_t { kNone, kStarting, kReady, kStopping };

  std::string name;
  StringMap config;  // as stored: placeholders unresolved
  TargetState target = TargetState::kStarted;
  std::optional<std::vector<StringMap>> stored_tasks;
  std::int64_t config_generation =
      0;  // another one whenever the configuration was set and its tasks had to begin anew
  bool held = false;  // stored, and not to be started before somebody asks (stored.connectors=wait)
  bool deleted = false;
  bool restart_wanted =
      false;  // the runner has to be replaced: configuration changed, or somebody asked

  std::int64_t generation = 0;  // of the runner
  Runner runner = Runner::kNone;
  bool planned = false;
  bool planning = false;
  bool replan_wanted = false;
  std::string hook;  // "created" or "updated", to be told to the next runner
  std::string state = "UNASSIGNED";
  std::string trace;
  bool given_up = false;
  int restarts = 0;
  RestartPolicy policy;
  std::optional<std::int64_t> retry_at_ms;

  // Of the class, once it is known.
  std::string kind = "unknown";
  std::string plugin_version;
  bool has_connector = false;
  StringMap resolved;                              // with secrets; for the runner only
  Secrets secrets;                                 // as of the last runner
  std::vector<UniqueFunction<void()>> when_ended;  // wait for the runner's end

  std::vector<HerdedTask> tasks;
  std::optional<std::vector<StringMap>> next_plan;  // what the tasks do once all of them have ended
  std::vector<std::string> published;               // statuses as last written
};

}  // namespace penstock::connect
