#include "framework/connect/task/dead_letters.h"

namespace penstock::connect {
namespace {

std::string_view exception_class(std::string_view stage) {
  // Tools sort dead letters by these names.
  return stage.ends_with("_CONVERTER") ? "org.apache.kafka.connect.errors.DataException"
                                       : "org.apache.kafka.connect.errors.ConnectException";
}

}  // namespace

std::string describe(const BadRecord& record) {
  std::string out = "record ";
  if (record.offset >= 0) {
    out.append(record.topic) +=
        "-" + std::to_string(record.partition) + "@" + std::to_string(record.offset);
  } else {
    out.append("for topic \"").append(record.topic) += "\"";
    if (!record.where.empty()) out += " from " + record.where;
  }
  return out.append(" (").append(record.stage) += "): " + record.why;
}

rdkafka::Outgoing DeadLetters::make(const BadRecord& record) {
  rdkafka::Outgoing out;
  out.topic = policy_.dead_letter_topic;
  out.key = record.key;
  out.value = record.value;
  headers_ = record.headers;
  if (policy_.dead_letter_context) {
    partition_ = std::to_string(record.partition);
    offset_ = record.offset >= 0 ? std::to_string(record.offset) : record.where;
    headers_.push_back({"__connect.errors.topic", record.topic});
    headers_.push_back({"__connect.errors.partition", partition_});
    headers_.push_back({"__connect.errors.offset", offset_});
    headers_.push_back({"__connect.errors.connector.name", connector_});
    headers_.push_back({"__connect.errors.task.id", task_});
    headers_.push_back({"__connect.errors.stage", record.stage});
    headers_.push_back({"__connect.errors.class.name", connector_});
    headers_.push_back({"__connect.errors.exception.class.name", exception_class(record.stage)});
    headers_.push_back({"__connect.errors.exception.message", record.why});
    headers_.push_back({"__connect.errors.exception.stacktrace", record.why});
  }
  out.headers = headers_;
  return out;
}

Status judge(const ErrorPolicy& policy, const BadRecord& record, TaskLink& link) {
  auto text = describe(record);
  if (policy.log) {
    auto line = text;
    if (policy.log_messages) {
      line += "; key: " + std::string(record.key.value_or("null")) +
              "; value: " + std::string(record.value.value_or("null"));
    }
    link.log(LogLevel::kError, line);
  }
  if (policy.tolerate) return {};
  return fail(Errc::kInvalid, std::move(text));
}

}  // namespace penstock::connect
