#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "framework/connect/host/schema_interner.h"
#include "framework/connect/task/source_offsets.h"
#include "framework/connect/task/task_setup.h"
#include "penstock/plugin.h"

namespace penstock::connect {

/// What SourceContext and SinkContext share.
class TaskBasics {
 public:
  explicit TaskBasics(const TaskSetup& setup) : setup_(setup) {}
  const Schema* schema(const SchemaSpec& spec) { return schemas_.intern(spec); }
  void log(LogLevel level, std::string_view text) { setup_.link->log(level, text); }
  void count(std::string_view metric, double by);
  void add_counters(std::map<std::string, double>& values) const;
  [[nodiscard]] const TaskSetup& setup() const { return setup_; }

 private:
  const TaskSetup& setup_;
  host::SchemaInterner schemas_;
  // Guards counters_: plugins count from threads of their own.
  mutable std::mutex mutex_;
  std::map<std::string, double, std::less<>> counters_;
};

class SourceTaskContext final : public SourceContext {
 public:
  explicit SourceTaskContext(const TaskSetup& setup)
      : basics_(setup), offsets_(*this, *setup.link) {}
  const Schema* schema(const SchemaSpec& spec) override { return basics_.schema(spec); }
  void log(LogLevel level, std::string_view text) override { basics_.log(level, text); }
  void count(std::string_view metric, double by) override { basics_.count(metric, by); }
  [[nodiscard]] bool stopping() const override { return basics_.setup().signal->stopping(); }
  [[nodiscard]] std::string_view connector_name() const override {
    return basics_.setup().connector;
  }
  [[nodiscard]] int task_id() const override { return basics_.setup().task; }
  void replan() override { basics_.setup().link->send(message::Replan{}); }
  std::uint32_t partition(std::string_view json,
                          std::span<const std::string_view> fields) override {
    return offsets_.partition(json, fields);
  }
  std::span<const Value> stored(std::uint32_t partition) override {
    return offsets_.stored(partition);
  }
  std::span<const Value> stored_as(std::string_view json,
                                   std::span<const std::string_view> fields) override {
    return offsets_.stored_as(json, fields);
  }
  void wake() override { basics_.setup().signal->wake(); }

  TaskBasics& basics() { return basics_; }
  SourceOffsets& offsets() { return offsets_; }

 private:
  TaskBasics basics_;
  SourceOffsets offsets_;
};

/// seek() and reject() are kept until the loop takes them.
class SinkTaskContext final : public SinkContext {
 public:
  struct Seek {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
  };
  struct Reject {
    std::string topic;
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::string why;
  };
  explicit SinkTaskContext(const TaskSetup& setup) : basics_(setup) {}
  const Schema* schema(const SchemaSpec& spec) override { return basics_.schema(spec); }
  void log(LogLevel level, std::string_view text) override { basics_.log(level, text); }
  void count(std::string_view metric, double by) override { basics_.count(metric, by); }
  [[nodiscard]] bool stopping() const override { return basics_.setup().signal->stopping(); }
  [[nodiscard]] std::string_view connector_name() const override {
    return basics_.setup().connector;
  }
  [[nodiscard]] int task_id() const override { return basics_.setup().task; }
  void replan() override { basics_.setup().link->send(message::Replan{}); }
  void seek(const TopicPartition& at) override;
  void reject(const Record& record, std::string_view why) override;
  [[nodiscard]] std::string_view cluster_id() const override { return cluster_id_; }
  [[nodiscard]] std::int64_t passed(std::string_view topic, std::int32_t partition) const override;
  std::string_view topic_id(std::string_view topic) override;

  TaskBasics& basics() { return basics_; }
  void set_cluster_id(std::string id) { cluster_id_ = std::move(id); }
  void set_passed(const std::string& topic, std::int32_t partition, std::int64_t next_offset) {
    passed_[{topic, partition}] = next_offset;
  }
  void forget(const std::string& topic, std::int32_t partition) {
    passed_.erase({topic, partition});
  }
  /// Where topic ids are asked for; "" nowhere.
  void set_bootstrap(std::string servers) { bootstrap_ = std::move(servers); }
  void forget_topic_ids() { topic_ids_.clear(); }
  /// kConflict: a topic whose id was asked for has another one now.
  Status check_topic_ids();
  /// Between these, seek() or reject() is allowed.
  void allow_seek(bool on) { may_seek_ = on; }
  void allow_reject(bool on) { may_reject_ = on; }
  std::vector<Seek> take_seeks() { return std::exchange(seeks_, {}); }
  std::vector<Reject> take_rejects() { return std::exchange(rejects_, {}); }

 private:
  TaskBasics basics_;
  std::string cluster_id_;
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> passed_;
  std::string bootstrap_;
  std::map<std::string, std::string, std::less<>> topic_ids_;  // as asked for
  bool may_seek_ = false;
  bool may_reject_ = false;
  std::vector<Seek> seeks_;
  std::vector<Reject> rejects_;
};

}  // namespace penstock::connect
