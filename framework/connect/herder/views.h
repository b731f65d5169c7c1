#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "framework/base/unique_function.h"

namespace penstock::connect {

using StringMap = std::map<std::string, std::string>;

/// What REST answers instead of success. `code` is the HTTP status.
struct RestError {
  int code = 500;
  std::string message;
};
template <class T>
using Reply = UniqueFunction<void(tl::expected<T, RestError>)>;
struct Nothing {};

struct TaskView {
  int id = 0;
  StringMap config;   // passwords hidden
  std::string state;  // UNASSIGNED, RUNNING, PAUSED, FAILED, RESTARTING
  std::string trace;
  int restarts = 0;  // since the connector's configuration was set
  int attempts = 0;  // of the budget, within its window
  int budget = 0;
  std::optional<std::int64_t> next_retry_in_ms;
  bool given_up = false;        // FAILED and not tried again by itself
  std::int64_t generation = 0;  // the connector's when it was started; 0: never started
  bool caught_up = false;
  bool finished = false;
  std::map<std::string, double> metrics;
};

struct ConnectorView {
  std::string name;
  StringMap config;             // passwords hidden
  std::int64_t generation = 0;  // grows whenever its configuration is set and its tasks begin anew
  std::string type;             // source, sink, unknown
  std::string version;          // of the plugin; "" unknown
  std::string state;            // UNASSIGNED, RUNNING, PAUSED, STOPPED, FAILED, RESTARTING
  std::string trace;
  std::string worker_id;
  int restarts = 0;
  std::optional<std::int64_t> next_retry_in_ms;
  bool given_up = false;
  std::vector<TaskView> tasks;
};

struct PluginView {
  std::string class_name;
  std::string type;
  std::string version;
};

struct KeyView {
  std::string name, type, importance, documentation, group;
  bool required = false;
  std::optional<std::string> fallback;
  std::vector<std::string> recommended;
  int order = 0;
};
struct ValueView {
  KeyView key;
  std::optional<std::string> value;  // passwords hidden
  std::vector<std::string> errors;
  bool visible = true;
};
struct ValidationView {
  std::string class_name;
  std::vector<ValueView> values;
  /// Of all settings; one may have several.
  [[nodiscard]] int error_count() const {
    std::size_t n = 0;
    for (const auto& value : values) n += value.errors.size();
    return static_cast<int>(n);
  }
};

}  // namespace penstock::connect
