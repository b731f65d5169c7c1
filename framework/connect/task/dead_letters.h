#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "framework/connect/task/error_policy.h"
#include "framework/connect/task/task_link.h"
#include "framework/rdkafka/producer.h"

namespace penstock::connect {

/// A record that could not be processed, and why.
struct BadRecord {
  std::string_view topic;
  std::int32_t partition = -1;
  std::int64_t offset = -1;  // sinks; -1 for a source, whose coordinates are `where`
  std::string where;         // "" or a source's partition and offset as JSON
  std::string_view stage;    // Connect's names: KEY_CONVERTER, VALUE_CONVERTER, HEADER_CONVERTER,
                             // TASK_PUT, KAFKA_PRODUCE, TASK_POLL
  std::string why;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::vector<rdkafka::HeaderView> headers;
};

/// "record t-3@42 (VALUE_CONVERTER): why", for traces and logs.
std::string describe(const BadRecord& record);

/// Builds dead letters. The caller produces them and waits for their delivery before offsets pass.
class DeadLetters {
 public:
  DeadLetters(const ErrorPolicy& policy, std::string connector, int task)
      : policy_(policy), connector_(std::move(connector)), task_(std::to_string(task)) {}

  /// Views into `record` and into this object; valid until the next call.
  rdkafka::Outgoing make(const BadRecord& record);
  [[nodiscard]] bool enabled() const { return !policy_.dead_letter_topic.empty(); }

 private:
  const ErrorPolicy& policy_;
  std::string connector_, task_, partition_, offset_;
  std::vector<rdkafka::HeaderView> headers_;
};

/// What errors.tolerance and errors.log.* say about one bad record: an error that fails the task,
/// or nothing when it may be passed.
Status judge(const ErrorPolicy& policy, const BadRecord& record, TaskLink& link);

}  // namespace penstock::connect
