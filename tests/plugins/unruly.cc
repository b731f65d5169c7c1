// Well-built, and wrong at run time: each class goes wrong in one call in one way; until then it
// works.

#include <string>

#include "misbehave.h"
#include "penstock/descriptor.h"

namespace penstock::wrong {
namespace {

constexpr ConfigKey kSourceKeys[] = {
    {ConfigKey::kString, "topic", "unruly", "Topic of the records."},
    {ConfigKey::kLong, "count", "1000000000", "Records before the end.", nullptr, nullptr, 1},
    {ConfigKey::kLong, "after", "0", "Goes wrong once this many records were produced."},
};
constexpr ConfigKey kSinkKeys[] = {
    {ConfigKey::kLong, "after", "0", "Goes wrong once this many records were put."},
    {ConfigKey::kString, "poison", "", "Goes wrong only at a put() with a record of this value."},
};

template <How how, Where where>
class Source final : public SourceTask {
 public:
  Source() { at(Where::kConstructor); }
  void start(const Config& config, SourceContext& context) override {
    topic_ = config.text("topic");
    count_ = config.number("count");
    after_ = config.number("after");
    at(Where::kStart);
    static constexpr std::string_view kFields[] = {"n"};
    partition_ = context.partition(R"({"unruly":"1"})", kFields);
    if (const auto stored = context.stored(partition_); !stored.empty()) next_ = stored[0].i;
    schema_ = context.schema({.type = Type::kInt64});
  }
  Polled poll(Block& out) override {
    for (int i = 0; i < 10 && next_ < count_; ++i) {
      Record& record = out.add();
      record.topic = topic_;
      record.value_schema = schema_;
      record.value = Value::integer(next_++);
      const auto offset = out.values(1);
      offset[0] = Value::integer(next_);
      record.source = {partition_, offset};
    }
    if (next_ > after_) at(Where::kPoll);
    return next_ < count_ ? Polled::kMore : Polled::kEnd;
  }
  void tick() override { at(Where::kTick); }
  void committed(const SourceOffset&) override { at(Where::kCommitted); }

 private:
  static void at(Where now) {
    if (now == where) misbehave(how);
  }
  std::string topic_;
  std::int64_t count_ = 0, after_ = 0, next_ = 0;
  std::uint32_t partition_ = 0;
  const Schema* schema_ = nullptr;
};

template <How how, Where where>
class Sink final : public SinkTask {
 public:
  void start(const Config& config, SinkContext&) override {
    after_ = config.number("after");
    poison_ = config.text("poison");
    at(Where::kStart);
  }
  void open(std::span<const TopicPartition>) override { at(Where::kOpen); }
  void put(std::span<const Record> records) override {
    put_ += static_cast<std::int64_t>(records.size());
    bool wrong = poison_.empty() && put_ > after_;
    for (const Record& record : records)
      wrong = wrong || (!poison_.empty() && record.value.type == Type::kString &&
                        record.value.text() == poison_);
    if (wrong) at(Where::kPut);
  }
  void flush() override { at(Where::kFlush); }
  void close(std::span<const TopicPartition>) override { at(Where::kClose); }

 private:
  static void at(Where now) {
    if (now == where) misbehave(how);
  }
  std::string poison_;
  std::int64_t after_ = 0, put_ = 0;
};

template <How how, Where where>
class Planner final : public Connector {
  void validate(const Config&, Problems&) override {
    if (where == Where::kValidate) misbehave(how);
  }
  void tasks(const Config&, int, TaskConfigs& out) override {
    if (where == Where::kTasks) misbehave(how);
    out.add();
  }
};

SourceTask* no_source() { return nullptr; }
SinkTask* no_sink() { return nullptr; }

constexpr ConnectorDescriptor null_source() {
  auto d = source<Source<How::kThrow, Where::kTick>>("NullSource", "", "Its factory returns null.",
                                                     kSourceKeys);
  d.make_source = &no_source;
  return d;
}
constexpr ConnectorDescriptor null_sink() {
  auto d = sink<Sink<How::kThrow, Where::kClose>>("NullSink", "", "Its factory returns null.",
                                                  kSinkKeys);
  d.make_sink = &no_sink;
  return d;
}
template <How how, Where where>
constexpr ConnectorDescriptor from(const char* name) {
  return source<Source<how, where>>(name, "", "Wrong on purpose.", kSourceKeys);
}
template <How how, Where where>
constexpr ConnectorDescriptor into(const char* name) {
  return sink<Sink<how, where>>(name, "", "Wrong on purpose.", kSinkKeys);
}
template <How how, Where where>
constexpr ConnectorDescriptor planned(const char* name) {
  return with_connector<Planner<how, where>>(from<How::kThrow, Where::kTick>(name));
}

constexpr ConnectorDescriptor kConnectors[] = {
    null_source(),
    null_sink(),
    from<How::kThrow, Where::kConstructor>("ThrowInConstructorSource"),
    from<How::kThrow, Where::kStart>("ThrowInStartSource"),
    from<How::kThrow, Where::kPoll>("ThrowInPollSource"),
    from<How::kThrowInt, Where::kPoll>("ThrowIntInPollSource"),
    from<How::kRetriable, Where::kPoll>("RetriableInPollSource"),
    from<How::kRecordError, Where::kPoll>("RecordErrorInPollSource"),
    from<How::kThrow, Where::kTick>("ThrowInTickSource"),
    from<How::kThrow, Where::kCommitted>("ThrowInCommittedSource"),
    from<How::kCrash, Where::kStart>("CrashInStartSource"),
    from<How::kCrash, Where::kPoll>("CrashInPollSource"),
    from<How::kAbort, Where::kPoll>("AbortInPollSource"),
    from<How::kHang, Where::kStart>("HangInStartSource"),
    from<How::kHang, Where::kPoll>("HangInPollSource"),
    from<How::kExit, Where::kPoll>("ExitInPollSource"),
    from<How::kLeak, Where::kPoll>("LeakInPollSource"),
    into<How::kThrow, Where::kStart>("ThrowInStartSink"),
    into<How::kThrow, Where::kOpen>("ThrowInOpenSink"),
    into<How::kThrow, Where::kPut>("ThrowInPutSink"),
    into<How::kThrowInt, Where::kPut>("ThrowIntInPutSink"),
    into<How::kRetriable, Where::kPut>("RetriableInPutSink"),
    into<How::kRecordError, Where::kPut>("RecordErrorInPutSink"),
    into<How::kThrow, Where::kFlush>("ThrowInFlushSink"),
    into<How::kThrow, Where::kClose>("ThrowInCloseSink"),
    into<How::kCrash, Where::kPut>("CrashInPutSink"),
    into<How::kHang, Where::kPut>("HangInPutSink"),
    into<How::kExit, Where::kPut>("ExitInPutSink"),
    planned<How::kThrow, Where::kValidate>("ThrowInValidateSource"),
    planned<How::kThrow, Where::kTasks>("ThrowInTasksSource"),
    planned<How::kCrash, Where::kValidate>("CrashInValidateSource"),
    planned<How::kHang, Where::kValidate>("HangInValidateSource"),
    planned<How::kExit, Where::kValidate>("ExitInValidateSource"),
};

}  // namespace
}  // namespace penstock::wrong

PENSTOCK_PLUGIN("unruly", "1.0.0", penstock::wrong::kConnectors)
