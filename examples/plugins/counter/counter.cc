// A sink: keeps the number of records of each topic partition in a small text file, exactly once.
// The count and the next offset are written together, by renaming a complete new file over the old
// one; open() resumes where that file says.
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include "penstock/descriptor.h"
#include "penstock/plugin.h"

namespace {

using namespace penstock;

constexpr ConfigKey kKeys[] = {
    {ConfigKey::kString, "file", nullptr,
     "File of the counts, a line 'topic partition next-offset count' each. One task only."},
};

class Counter final : public SinkTask {
 public:
  void start(const Config& config, SinkContext& context) override {
    path_ = config.text("file");
    context_ = &context;
    load();
  }
  void open(std::span<const TopicPartition> partitions) override {
    for (TopicPartition at : partitions) {
      const auto found = lines_.find({std::string(at.topic), at.partition});
      if (found == lines_.end()) continue;
      at.next_offset = found->second.next_offset;
      context_->seek(at);
    }
  }
  void put(std::span<const Record> records) override {
    for (const Record& record : records) {
      Line& line = lines_[{std::string(record.topic), record.partition}];
      line.next_offset = record.offset + 1;
      ++line.count;
    }
  }
  void flush() override {
    const std::string fresh = path_ + ".new";
    std::FILE* file = std::fopen(fresh.c_str(), "we");
    if (file == nullptr) throw std::runtime_error(fresh + ": " + std::strerror(errno));
    bool good = true;
    for (const auto& [at, line] : lines_) {
      good = std::fprintf(file, "%s %d %lld %lld\n", at.first.c_str(), at.second,
                          static_cast<long long>(line.next_offset),
                          static_cast<long long>(line.count)) > 0 &&
             good;
    }
    good = std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0 && good;
    good = std::fclose(file) == 0 && good;
    if (!good || std::rename(fresh.c_str(), path_.c_str()) != 0)
      throw std::runtime_error(path_ + ": cannot be written");
  }

 private:
  struct Line {
    std::int64_t next_offset = 0, count = 0;
  };
  void load() {
    std::FILE* file = std::fopen(path_.c_str(), "re");
    if (file == nullptr && errno == ENOENT) return;
    if (file == nullptr) throw std::runtime_error(path_ + ": " + std::strerror(errno));
    char topic[250];
    int partition = 0;
    long long next = 0, count = 0;
    while (std::fscanf(file, "%249s %d %lld %lld", topic, &partition, &next, &count) == 4)
      lines_[{topic, partition}] = {next, count};
    std::fclose(file);
  }

  std::string path_;
  SinkContext* context_ = nullptr;
  std::map<std::pair<std::string, std::int32_t>, Line> lines_;
};

constexpr ConnectorDescriptor kConnectors[] = {
    sink<Counter>("CounterSink", "", "Counts records of topic partitions in a file.", kKeys)};

}  // namespace

PENSTOCK_PLUGIN("counter", "1.0.0", kConnectors)
