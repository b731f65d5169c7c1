#pragma once
// FileSink: NDJSON, one file a topic partition, or all into one file.

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "connectors/file/output.h"
#include "penstock/descriptor.h"
#include "penstock/plugin.h"

namespace penstock::file {

class FileSink final : public SinkTask {
 public:
  void start(const Config& config, SinkContext& context) override;
  void open(std::span<const TopicPartition> partitions) override;
  void put(std::span<const Record> records) override;
  void flush() override;
  void close(std::span<const TopicPartition> partitions) override;

 private:
  Output& output_of(std::string_view topic, std::int32_t partition);
  [[nodiscard]] std::string path_of(std::string_view topic, std::int32_t partition) const;

  SinkContext* context_ = nullptr;
  std::string directory_, single_;
  std::int64_t rotate_bytes_ = 0;
  std::chrono::milliseconds rotate_interval_{};
  std::map<std::string, std::unique_ptr<Output>, std::less<>> outputs_;  // by path
};

class FileSinkConnector final : public Connector {
 public:
  void validate(const Config& config, Problems& problems) override;
  void tasks(const Config& config, int max, TaskConfigs& out) override;
};

inline constexpr ConfigKey kSinkKeys[] = {
    {ConfigKey::kString, "directory", "",
     "Folder for one file a topic partition, <topic>-<partition>.ndjson; made when missing. Either "
     "this or file.",
     nullptr, nullptr, 0, 0, nullptr, ConfigKey::kHigh},
    {ConfigKey::kString, "file", "",
     "One file for all records; needs tasks.max=1. Either this or directory.", nullptr, nullptr, 0,
     0, nullptr, ConfigKey::kHigh},
    {ConfigKey::kBytes, "rotate.bytes", "0",
     "A file of this size is renamed to <name>.000001.ndjson and a new one begun; 0: never.",
     nullptr, nullptr, 0, 1e15, nullptr, ConfigKey::kMedium},
    {ConfigKey::kDuration, "rotate.interval.ms", "0",
     "The same by age, counted from opening; 0: never.", nullptr, nullptr, 0, 1e12, nullptr,
     ConfigKey::kMedium},
};
inline constexpr ConnectorDescriptor kSink = with_connector<FileSinkConnector>(
    sink<FileSink>("FileSink", "org.apache.kafka.connect.file.FileStreamSinkConnector",
                   "Appends records as JSON lines to files.", kSinkKeys));

}  // namespace penstock::file
