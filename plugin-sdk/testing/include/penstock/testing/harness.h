#pragma once
// Drives one task of a plugin as the runner does, without broker or worker: a host's Block, stored
// offsets in memory, a recorded log. What a task breaks of its contract is thrown as ContractError;
// what it throws itself comes out unchanged. Not thread-safe, except stop().

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "penstock/descriptor.h"
#include "penstock/plugin.h"

namespace penstock::testing {

using Settings = std::map<std::string, std::string, std::less<>>;

/// The task did what plugin.h forbids.
struct ContractError : std::logic_error {
  using logic_error::logic_error;
};

struct LogLine {
  LogLevel level;
  std::string text;
};

/// A value as JSON-like text, for comparisons: structs with their field names, blobs as x'00ff',
/// absent fields left out.
std::string to_text(const Schema* schema, const Value& value);
/// "topic key value", without schemas, offsets and headers.
std::string to_text(const Record& record);

/// Stored offsets in memory; shared by the tasks that are given the same one.
class Offsets {
 public:
  Offsets();
  ~Offsets();
  /// What is stored under a source partition, as text such as {"incrementing":5}; "" when nothing
  /// is.
  [[nodiscard]] std::string text(std::string_view partition_json) const;
  [[nodiscard]] std::size_t size() const;

 private:
  friend class SourceHarness;
  struct State;
  std::unique_ptr<State> state_;
};

struct Options {
  std::string connector_name = "test";
  int task_id = 0;
  std::string cluster_id = "test-cluster";
  std::map<std::string, std::string, std::less<>> topic_ids = {};  // of a sink's topics
  std::size_t soft_records = 1000;
  std::size_t soft_bytes = 4 * 1024 * 1024;
  std::shared_ptr<Offsets> offsets = nullptr;  // nullptr: an empty store of its own
};

/// Problems of `settings` by the definition of the connector, and then by Connector::validate();
/// empty: fine.
std::vector<std::string> validate(const ConnectorDescriptor& connector, const Settings& settings);
/// The configurations of its tasks; one without a connector class. Throws std::invalid_argument
/// with all problems.
std::vector<Settings> plan(const ConnectorDescriptor& connector, const Settings& settings,
                           int max_tasks);

class SourceHarness {
 public:
  /// Throws std::invalid_argument with all problems of `settings`.
  SourceHarness(const ConnectorDescriptor& connector, Settings settings, Options options = {});
  ~SourceHarness();
  SourceHarness(const SourceHarness&) = delete;
  SourceHarness& operator=(const SourceHarness&) = delete;

  /// A new task, started; a former one is destroyed first. Unacknowledged records are forgotten, as
  /// after a crash.
  void start();
  void restart() { start(); }
  /// One poll into an emptied Block; checks every record.
  Polled poll();
  /// Of the last poll(), until the next.
  [[nodiscard]] std::span<const Record> records() const;
  /// The first `count` records of the last poll() are in the broker: stores their offsets and tells
  /// the task.
  void acknowledge(std::size_t count = SIZE_MAX);
  /// Polls and acknowledges until the source is idle or ended, or `records_max` came; all records
  /// as text.
  std::vector<std::string> drain(std::size_t records_max = SIZE_MAX);
  void tick();
  /// Any thread.
  void stop();

  [[nodiscard]] Polled last() const;
  [[nodiscard]] std::vector<LogLine> log() const;
  [[nodiscard]] double counter(std::string_view metric) const;
  [[nodiscard]] bool replan_asked() const;
  [[nodiscard]] const std::shared_ptr<Offsets>& offsets() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct Rejected {
  std::string topic;
  std::int32_t partition;
  std::int64_t offset;
  std::string why;
};

class SinkHarness {
 public:
  SinkHarness(const ConnectorDescriptor& connector, Settings settings, Options options = {});
  ~SinkHarness();
  SinkHarness(const SinkHarness&) = delete;
  SinkHarness& operator=(const SinkHarness&) = delete;

  /// A new task, started; a former one is destroyed without flush or close, as in a crash.
  void start();
  void restart() { start(); }
  void open(std::string_view topic, std::int32_t partition = 0, std::int64_t next_offset = 0);
  /// Where the task asked to resume in open(), or -1.
  [[nodiscard]] std::int64_t sought(std::string_view topic, std::int32_t partition = 0) const;

  /// Memory and schemas for the records to put.
  [[nodiscard]] Block& block();
  const Schema* schema(const SchemaSpec& spec);
  /// A record of the next put(): topic, partition, next offset and a timestamp are set. Valid until
  /// the next add().
  Record& add(std::string_view topic, std::int32_t partition = 0);
  /// Hands the added records over; afterwards their memory is overwritten, so that views that were
  /// kept are garbage.
  void put();
  /// Like put(), but keeps the records for another try; discard() drops them.
  void try_put();
  void discard();
  /// Records before `next_offset` went elsewhere, as after a RecordError: SinkContext::passed().
  void pass(std::string_view topic, std::int32_t partition, std::int64_t next_offset);
  void flush();
  void tick();
  /// flush() and close() of everything that is open.
  void close();
  /// Any thread.
  void stop();

  [[nodiscard]] const std::vector<Rejected>& rejected() const;
  [[nodiscard]] std::vector<LogLine> log() const;
  [[nodiscard]] double counter(std::string_view metric) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace penstock::testing
