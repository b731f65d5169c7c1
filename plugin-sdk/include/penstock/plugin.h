#pragma once
// What a source, a sink and a connector implement, and what the host gives them. Standard library
// only. Memory at the boundary is always the host's (value.h). Exceptions may leave any call that
// is not noexcept; they stop at one place in the host, which adds connector, task, call and record
// to the text.

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "penstock/config.h"
#include "penstock/value.h"

namespace penstock {

/// The outside system is not there now: the same call is made again, with backoff. After
/// errors.retry.timeout the task fails.
struct RetriableError : std::runtime_error {
  using runtime_error::runtime_error;
};
/// Record `index` of the span given to put() (or of the block filled by poll()) is bad. None of
/// that put() is stored: the host puts the records before it again, sends it to the dead letter
/// queue or fails the task, then puts those behind it.
struct RecordError : std::runtime_error {
  RecordError(std::size_t i, const std::string& text) : runtime_error(text), index(i) {}
  std::size_t index;
};

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarn, kError };

/// What every task is given. Valid until the task is destroyed; any thread.
class Context {
 public:
  virtual ~Context() = default;
  /// Interns a schema. Throws std::invalid_argument when the definition is not one.
  virtual const Schema* schema(const SchemaSpec& spec) = 0;
  /// One line into the worker's log; rate-limited; must hold no secret.
  virtual void log(LogLevel level, std::string_view text) = 0;
  /// Adds `by` to a counter that is shown with the task.
  virtual void count(std::string_view metric, double by) = 0;
  /// True from the moment that stop is asked for.
  [[nodiscard]] virtual bool stopping() const = 0;
  [[nodiscard]] virtual std::string_view connector_name() const = 0;
  [[nodiscard]] virtual int task_id() const = 0;
  /// The outside system changed in a way that needs another split into tasks: Connector::tasks() is
  /// called again.
  virtual void replan() = 0;
};

class SourceContext : public Context {
 public:
  /// Registers a source partition, a flat JSON object such as {"protocol":"1","table":"flights"}
  /// whose bytes are the key under which offsets are stored, and the names of its offset fields,
  /// once; returns a small number. The same json again returns the same number. Throws
  /// std::invalid_argument when json is not a flat object.
  virtual std::uint32_t partition(std::string_view json,
                                  std::span<const std::string_view> offset_fields) = 0;
  /// The stored offset in the order of its field names; a field that was not stored is kAbsent.
  /// Empty: never stored. The task's thread; valid until the next call. Throws RetriableError when
  /// the store does not answer.
  virtual std::span<const Value> stored(std::uint32_t partition) = 0;
  /// What was stored under another spelling of a partition (an older format), read as
  /// `offset_fields`; empty when nothing was.
  virtual std::span<const Value> stored_as(std::string_view json,
                                           std::span<const std::string_view> offset_fields) = 0;
  /// Any thread: end an idle wait early.
  virtual void wake() = 0;
};

/// kMore: call again at once. kIdle: caught up, nothing now (poll is called again after a short
/// wait or wake()). kEnd: finite input, fully handed over; poll is not called again.
enum class Polled : std::uint8_t { kMore, kIdle, kEnd };

/// Calls come on the task's own thread, one at a time, in the order start, (poll | tick |
/// committed)*, destructor; except stop().
class SourceTask {
 public:
  virtual ~SourceTask() = default;
  /// Connects and reads stored offsets. Must finish in 60 s. `config` and `context` live until the
  /// destructor has run.
  virtual void start(const Config& config, SourceContext& context) = 0;
  /// Fills `out`; returns within about a second (10 s deadline); not called while the broker is
  /// behind or the task is paused. A RecordError names a record in `out` that cannot be sent; the
  /// others are.
  virtual Polled poll(Block& out) = 0;
  /// At least once a second whenever poll() is not: keepalives, feedback.
  virtual void tick() {}
  /// Every record up to `offset` of its partition is acknowledged and the offset itself is stored.
  /// Coalesced: last wins.
  virtual void committed(const SourceOffset& offset) { static_cast<void>(offset); }
  /// ANOTHER thread: make a blocked call return soon; then the destructor runs on the task's
  /// thread.
  virtual void stop() noexcept {}
};

struct TopicPartition {
  std::string_view topic;
  std::int32_t partition = 0;
  std::int64_t next_offset = -1;  // the next record that put() will get
  bool committed = false;  // open(): the consumer group has stored next_offset; else it is where a
                           // new group begins
  static constexpr std::int64_t kBeginning =
      -2;  // seek() only: the first record that the log still has
};

class SinkContext : public Context {
 public:
  /// From open() only: resume this partition at `next_offset` (or kBeginning), where the target
  /// says. An offset beyond the end of the log or below its start fails the task; it is never
  /// reset.
  virtual void seek(const TopicPartition& at) = 0;
  /// From put() only: this record goes to the dead letter queue (errors.tolerance=all) or fails the
  /// task; flush() waits until it is durable.
  virtual void reject(const Record& record, std::string_view why) = 0;
  /// The identity of the cluster that the records come from, for a key of what open() finds in the
  /// target: offsets mean nothing in another cluster. Current from each open() on; empty before the
  /// first, and when the cluster does not say.
  [[nodiscard]] virtual std::string_view cluster_id() const = 0;
  /// Since ABI 1.1. How far an assigned partition has come: every record before this offset was put
  /// and went through, or is durable in the dead letter queue, or may be passed over. What flush()
  /// should store in a target that keeps offsets, so that a record that was sent away does not come
  /// again. -1 before the first record.
  [[nodiscard]] virtual std::int64_t passed(std::string_view topic,
                                            std::int32_t partition) const = 0;
  /// Since ABI 1.1. The id of an assigned topic, another one when it is deleted and made again:
  /// offsets of the former one mean nothing then. From open() on, the task's thread; "" when the
  /// cluster gives none (before Kafka 2.8) or is reached by TLS or SASL. Throws RetriableError when
  /// no broker answers. Once asked for, a change while the task runs fails it.
  virtual std::string_view topic_id(std::string_view topic) = 0;
};

/// Calls come on the task's own thread: start, open, (put | flush | tick)*, flush, close,
/// destructor; except stop().
class SinkTask {
 public:
  virtual ~SinkTask() = default;
  virtual void start(const Config& config, SinkContext& context) = 0;
  /// Assigned, before their first put(). More partitions may be opened later, others closed.
  virtual void open(std::span<const TopicPartition> partitions) { static_cast<void>(partitions); }
  /// Hands records over, in offset order within a partition; the views die on return. May buffer
  /// copies. Throw RetriableError to get the same records again, RecordError(i) to send record i
  /// away; anything else fails the task.
  virtual void put(std::span<const Record> records) = 0;
  /// On return, all that was put is durable in the outside system.
  virtual void flush() = 0;
  virtual void tick() {}
  /// Revoked, or the end; after flush().
  virtual void close(std::span<const TopicPartition> partitions) { static_cast<void>(partitions); }
  /// ANOTHER thread: make a blocked call return soon.
  virtual void stop() noexcept {}
};

/// Where Connector::tasks() puts one configuration for each task: the connector's own, with these
/// keys set.
class TaskConfigs {
 public:
  virtual ~TaskConfigs() = default;
  virtual void add() = 0;  // a further task
  virtual void set(std::string_view key,
                   std::string_view value) = 0;  // of the last one added; declared keys only
};

/// Optional: without one, one task gets the whole configuration. Each call may come on a fresh
/// instance in a process of its own.
class Connector {
 public:
  virtual ~Connector() = default;
  /// Checks across fields and a connection test. Single fields were checked against their
  /// definitions before.
  virtual void validate(const Config&, Problems&) {}
  /// Splits the work into 1 to `max` tasks. Called again after Context::replan().
  virtual void tasks(const Config& config, int max, TaskConfigs& out) = 0;
  virtual void created(const Config&) {}
  virtual void updated(const Config&) {}
  virtual void deleted(const Config&) {}  // drop slots, triggers
};

/// Changes records in place. One instance a task, on its thread.
class Transform {
 public:
  virtual ~Transform() = default;
  virtual void start(const Config& config, Context& context) = 0;
  /// False drops the record. New bytes come from `memory`.
  virtual bool apply(Record& record, Block& memory) = 0;
};

}  // namespace penstock
