#include "connectors/file/file_sink.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include "connectors/file/json.h"

namespace penstock::file {
void FileSinkConnector::validate(const Config& config, Problems& problems) {
  const bool directory = !config.text("directory").empty(), file = !config.text("file").empty();
  if (directory == file)
    problems.add("directory",
                 "set either directory (one file a topic partition) or file (one for all)");
}

void FileSinkConnector::tasks(const Config& config, int max, TaskConfigs& out) {
  const int count = config.text("file").empty() ? max : 1;
  for (int i = 0; i < count; ++i) out.add();
}

void FileSink::start(const Config& config, SinkContext& context) {
  context_ = &context;
  directory_ = config.text("directory");
  single_ = config.text("file");
  if (directory_.empty() == single_.empty())
    throw std::invalid_argument("set either directory or file");
  rotate_bytes_ = config.number("rotate.bytes");
  rotate_interval_ = std::chrono::milliseconds(config.number("rotate.interval.ms"));
  if (!directory_.empty()) {
    std::error_code error;
    std::filesystem::create_directories(directory_, error);
    if (error) throw std::runtime_error("directory=" + directory_ + ": " + error.message());
  }
}

std::string FileSink::path_of(std::string_view topic, std::int32_t partition) const {
  if (!single_.empty()) return single_;
  return directory_ + "/" + std::string(topic) + "-" + std::to_string(partition) + ".ndjson";
}

Output& FileSink::output_of(std::string_view topic, std::int32_t partition) {
  const std::string path = path_of(topic, partition);
  if (const auto known = outputs_.find(path); known != outputs_.end()) return *known->second;
  std::int64_t cut = 0;
  auto made = std::make_unique<Output>(path, cut);
  if (cut > 0) {
    context_->log(LogLevel::kWarn,
                  path + ": cut off " + std::to_string(cut) +
                      " bytes of a last line that was never finished; its record comes again");
  }
  return *outputs_.emplace(path, std::move(made)).first->second;
}

void FileSink::open(std::span<const TopicPartition> partitions) {
  for (const TopicPartition& at : partitions) output_of(at.topic, at.partition);
}

void FileSink::put(std::span<const Record> records) {
  // All is turned into text first: a bad record leaves nothing of this put behind.
  std::vector<std::pair<Output*, std::int64_t>> touched;
  const auto drop = [&touched] {
    for (const auto& [output, size] : touched) output->pending().clear();
  };
  try {
    for (std::size_t i = 0; i < records.size(); ++i) {
      const Record& record = records[i];
      Output& output = output_of(record.topic, record.partition);
      if (output.pending().empty()) touched.emplace_back(&output, output.size());
      try {
        append_json(output.pending(), record.value_schema, record.value);
      } catch (const std::invalid_argument& error) {
        throw RecordError(i, error.what());
      }
      output.pending() += '\n';
    }
    for (const auto& [output, size] : touched) output->write();
  } catch (...) {
    drop();
    for (const auto& [output, size] : touched) {
      if (output->size() > size) output->truncate(size);
    }
    throw;
  }
  context_->count("lines", static_cast<double>(records.size()));
}

void FileSink::flush() {
  for (const auto& [path, output] : outputs_) {
    output->sync();
    // Only here: what was rotated is durable, and a put that fails never has to be taken back from
    // a renamed file.
    if (output->due(rotate_bytes_, rotate_interval_)) output->rotate();
  }
}

void FileSink::close(std::span<const TopicPartition> partitions) {
  if (!single_.empty()) return;
  for (const TopicPartition& at : partitions) outputs_.erase(path_of(at.topic, at.partition));
}

}  // namespace penstock::file
