// A source that counts and a sink that writes lines, with the failures that the tests ask for.
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "penstock/descriptor.h"
#include "penstock/plugin.h"

namespace {

using namespace penstock;

constexpr ConfigKey kSourceKeys[] = {
    {.kind = ConfigKey::kString, .name = "topic", .fallback = "t", .doc = "Where records go."},
    {.kind = ConfigKey::kLong, .name = "count", .fallback = "10", .doc = "Records to make."},
    {.kind = ConfigKey::kLong,
     .name = "bad.at",
     .fallback = "-1",
     .doc = "The record that is bad."},
    {.kind = ConfigKey::kString,
     .name = "how",
     .fallback = "good",
     .doc = "Which failure.",
     .one_of = "good|idle|throw|retry|record|nan|hang|start_retry|exit|segv"},
};
constexpr ConfigKey kSinkKeys[] = {
    {.kind = ConfigKey::kString, .name = "file", .fallback = nullptr, .doc = "Where lines go."},
    {.kind = ConfigKey::kLong,
     .name = "bad.at",
     .fallback = "-1",
     .doc = "The record that is bad."},
    {.kind = ConfigKey::kLong, .name = "seek.to", .fallback = "-1", .doc = "Where open() resumes."},
    {.kind = ConfigKey::kString,
     .name = "position.file",
     .fallback = "",
     .doc = "Keeps the position of partition 0 as a target does that holds its offsets."},
    {.kind = ConfigKey::kString,
     .name = "how",
     .fallback = "good",
     .doc = "Which failure.",
     .one_of = "good|throw|retry|retry_for_ever|record|reject"},
};

class CountingSource final : public SourceTask {
 public:
  void start(const Config& config, SourceContext& context) override {
    topic_ = config.text("topic");
    how_ = config.text("how");
    count_ = config.number("count");
    bad_ = config.number("bad.at");
    context_ = &context;
    if (how_ == "start_retry") throw RetriableError("the outside is not there");
    const std::string_view names[] = {"n"};
    partition_ = context.partition(R"({"source":"probe"})", names);
    if (const auto stored = context.stored(partition_); !stored.empty()) next_ = stored[0].i;
    SchemaSpec number{.type = Type::kInt64};
    SchemaSpec text{.type = Type::kString, .optional = true};
    SchemaSpec real{.type = Type::kFloat64};
    const Field fields[] = {{"n", context.schema(number)},
                            {"text", context.schema(text)},
                            {"real", context.schema(real)}};
    SchemaSpec row{.type = Type::kStruct, .name = "row", .fields = fields};
    schema_ = context.schema(row);
    key_ = fields[0].schema;
  }
  Polled poll(Block& out) override {
    context_->count("polls", 1);
    if (how_ == "hang") {
      std::unique_lock lock(mutex_);
      stopped_.wait(lock, [this] { return context_->stopping(); });
    }
    if (how_ == "exit") std::_Exit(42);
    if (how_ == "segv") std::abort();
    std::size_t bad = 0;
    bool found = false;
    while (!out.full() && next_ < count_) {
      if (next_ == bad_ && how_ == "throw") throw std::runtime_error("the cable is cut");
      if (next_ == bad_ && how_ == "retry" && tries_++ < 2) throw RetriableError("locked");
      Record& record = out.add();
      record.topic = topic_;
      record.key_schema = key_;
      record.key = Value::integer(next_);
      record.value_schema = schema_;
      const auto values = out.values(3);
      values[0] = Value::integer(next_);
      values[1] = Value::string(out.copy("row " + std::to_string(next_)));
      values[2] = Value::float64(next_ == bad_ && how_ == "nan" ? __builtin_nan("") : 0.5);
      record.value = Value::row(values);
      if (next_ == bad_ && how_ == "record") {
        bad = out.size() - 1;
        found = true;
      }
      ++next_;
      const auto offset = out.values(1);
      offset[0] = Value::integer(next_);
      record.source = {partition_, offset};
    }
    if (found) throw RecordError(bad, "the row is damaged");
    if (next_ < count_) return Polled::kMore;
    return how_ == "idle" ? Polled::kIdle : Polled::kEnd;
  }
  void committed(const SourceOffset& offset) override {
    context_->count("committed", static_cast<double>(offset.fields[0].i) - seen_);
    seen_ = static_cast<double>(offset.fields[0].i);
  }

  void stop() noexcept override {
    const std::lock_guard lock(mutex_);
    stopped_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable stopped_;
  std::string topic_, how_;
  std::int64_t count_ = 0, bad_ = -1, next_ = 0;
  int tries_ = 0;
  double seen_ = 0;
  std::uint32_t partition_ = 0;
  SourceContext* context_ = nullptr;
  const Schema* schema_ = nullptr;
  const Schema* key_ = nullptr;
};

class LineSink final : public SinkTask {
 public:
  void start(const Config& config, SinkContext& context) override {
    context_ = &context;
    file_ = config.text("file");
    how_ = config.text("how");
    bad_ = config.number("bad.at");
    seek_ = config.number("seek.to");
    position_file_ = config.text("position.file");
    if (!position_file_.empty()) std::ifstream(position_file_) >> seek_;
  }
  void open(std::span<const TopicPartition> partitions) override {
    if (context_->cluster_id().empty())
      throw std::runtime_error("open() came without a cluster id");
    for (const auto& partition : partitions) {
      context_->count("opened", 1);
      topic_ = partition.topic;
      if (seek_ >= 0) context_->seek({partition.topic, partition.partition, seek_});
    }
  }
  void put(std::span<const Record> records) override {
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < records.size(); ++i) {
      const bool bad = records[i].offset == bad_;
      if (bad && how_ == "throw") throw std::runtime_error("the disk is on fire");
      if (bad && how_ == "retry" && tries_++ < 2) throw RetriableError("locked");
      if (bad && how_ == "retry_for_ever") throw RetriableError("locked");
      if (bad && how_ == "record") throw RecordError(i, "does not fit");
      if (bad && how_ == "reject") {
        context_->reject(records[i], "not wanted");
        continue;
      }
      lines.push_back(line(records[i]));
    }
    for (auto& one : lines) pending_ += one + "\n";
  }
  void flush() override {
    std::ofstream(file_, std::ios::app) << pending_;
    pending_.clear();
    if (!position_file_.empty()) std::ofstream(position_file_) << context_->passed(topic_, 0);
  }
  void close(std::span<const TopicPartition>) override {
    std::ofstream(file_, std::ios::app) << "closed\n";
  }

 private:
  static std::string line(const Record& record) {
    std::string out = std::string(record.topic) + "@" + std::to_string(record.offset);
    if (record.value.type == Type::kStruct)
      return out + " " + std::to_string(record.value.items[0].i) + " " +
             std::string(record.value.items[1].text());
    if (record.value.type == Type::kMap)
      return out + " map " + std::to_string(record.value.size / 2);
    if (record.value.is_null()) return out + " null";
    return out;
  }
  SinkContext* context_ = nullptr;
  std::string file_, how_, pending_, position_file_, topic_;
  std::int64_t bad_ = -1, seek_ = -1;
  int tries_ = 0;
};

class ProbeConnector final : public Connector {
 public:
  void validate(const Config& config, Problems& problems) override {
    if (config.number("count") == 13)
      problems.add("count", "13 brings bad luck; choose another number");
  }
  void tasks(const Config&, int max, TaskConfigs& out) override {
    for (int i = 0; i < max && i < 2; ++i) {
      out.add();
      out.set("topic", "t" + std::to_string(i));
    }
  }
  void created(const Config& config) override {
    if (config.text("how") == "throw") throw std::runtime_error("no");
  }
};

const ConnectorDescriptor kConnectors[] = {
    with_connector<ProbeConnector>(source<CountingSource>(
        "CountingSource", "org.example.CountingSourceConnector", "Counts.", kSourceKeys)),
    sink<LineSink>("LineSink", "", "Writes lines.", kSinkKeys),
};

}  // namespace

PENSTOCK_PLUGIN("probe", "1.2.3", kConnectors);
