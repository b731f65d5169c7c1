#pragma once
// A small host for source tasks under test: settings from a list of keys, stored offsets in a map;
// the rest is the host's own.

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "framework/config/definition.h"
#include "framework/connect/host/block.h"
#include "framework/connect/host/plugin_config.h"
#include "framework/connect/host/schema_interner.h"
#include "penstock/plugin.h"

namespace penstock::testing {

using Settings = std::map<std::string, std::string, std::less<>>;

/// Checked as the runner checks it; throws std::invalid_argument with the first problem.
class TestConfig {
 public:
  TestConfig(std::span<const ConfigKey> keys, const Settings& given)
      : config_(check(keys, given)) {}
  operator const Config&() const {
    return config_;
  }  // NOLINT: a test hands it over as what it stands for

 private:
  static config::Settings check(std::span<const ConfigKey> keys, const Settings& given) {
    const config::Definition definition = host::definition_of(keys);
    config::Checked checked = definition.check_strictly(given);
    for (const config::Problem& problem : checked.problems)
      throw std::invalid_argument(problem.key + ": " + problem.text);
    return std::move(checked.settings);
  }
  host::PluginConfig config_;
};

class TestBlock {
 public:
  explicit TestBlock(std::size_t soft_records = 1000) : block_({.soft_records = soft_records}) {}
  operator Block&() { return block_; }  // NOLINT: as above
  [[nodiscard]] std::size_t size() const { return block_.size(); }
  [[nodiscard]] std::span<Record> records() { return block_.records(); }
  void clear() { block_.reset(); }

 private:
  host::HostBlock block_;
};

class TestContext final : public SourceContext {
 public:
  const Schema* schema(const SchemaSpec& spec) override { return schemas_.intern(spec); }
  void log(LogLevel, std::string_view text) override { lines.emplace_back(text); }
  void count(std::string_view, double) override {}
  bool stopping() const override { return false; }
  std::string_view connector_name() const override { return "test"; }
  int task_id() const override { return task; }
  void replan() override { ++replans; }
  std::uint32_t partition(std::string_view json, std::span<const std::string_view>) override {
    for (std::size_t i = 0; i < partitions.size(); ++i) {
      if (partitions[i] == json) return static_cast<std::uint32_t>(i);
    }
    partitions.emplace_back(json);
    return static_cast<std::uint32_t>(partitions.size() - 1);
  }
  std::span<const Value> stored(std::uint32_t partition) override {
    return offsets[partitions[partition]];
  }
  std::span<const Value> stored_as(std::string_view json,
                                   std::span<const std::string_view>) override {
    return offsets[std::string(json)];
  }
  void wake() override {}

  /// What the host does once records are acknowledged.
  void store(const Record& record) {
    if (record.source.partition == SourceOffset::kNone) return;
    offsets[partitions[record.source.partition]].assign(record.source.fields.begin(),
                                                        record.source.fields.end());
  }

  std::vector<std::string> partitions, lines;
  std::map<std::string, std::vector<Value>> offsets;
  int replans = 0, task = 0;

 private:
  host::SchemaInterner schemas_;
};

class TestTasks final : public TaskConfigs {
 public:
  void add() override { all.emplace_back(); }
  void set(std::string_view key, std::string_view value) override {
    all.back()[std::string(key)] = value;
  }
  std::vector<Settings> all;
};

class TestProblems final : public Problems {
 public:
  void add(std::string_view key, std::string_view text) override {
    all.push_back(std::string(key) + ": " + std::string(text));
  }
  std::vector<std::string> all;
};

/// A value as short text: 1, 2.5, 'x', <00ff>, [1,2], {a=1,b=null}.
inline std::string shown(const Value& value, const Schema* schema = nullptr) {
  switch (value.type) {
    case Type::kNull:
      return "null";
    case Type::kAbsent:
      return "absent";
    case Type::kBool:
      return value.b ? "true" : "false";
    case Type::kFloat32:
    case Type::kFloat64: {
      char text[40];
      std::snprintf(text, sizeof text, "%.9g", value.d);
      return text;
    }
    case Type::kString:
      return "'" + std::string(value.text()) + "'";
    case Type::kBytes: {
      std::string out = "<";
      for (const char c : value.text()) {
        char hex[4];
        std::snprintf(hex, sizeof hex, "%02x",
                      static_cast<unsigned>(static_cast<unsigned char>(c)));
        out += hex;
      }
      return out + ">";
    }
    case Type::kArray: {
      std::string out;
      for (const Value& item : value.elements()) out += (out.empty() ? "" : ",") + shown(item);
      return "[" + out + "]";
    }
    case Type::kStruct: {
      std::string out;
      for (std::size_t i = 0; i < value.size; ++i) {
        const Field* field = schema == nullptr ? nullptr : &schema->fields()[i];
        out += (i == 0 ? "" : ",") + (field == nullptr ? "" : std::string(field->name) + "=") +
               shown(value.items[i], field == nullptr ? nullptr : field->schema);
      }
      return "{" + out + "}";
    }
    default:
      return std::to_string(value.i);
  }
}

/// "int64", "float64?", "struct? penstock.sqlite.Any": type, optional, name.
inline std::string shown(const Schema* schema) {
  constexpr const char* kNames[] = {"null",  "absent", "bool",    "int8",    "int16",
                                    "int32", "int64",  "float32", "float64", "string",
                                    "bytes", "array",  "map",     "struct"};
  std::string out = kNames[static_cast<int>(schema->type())];
  if (schema->type() == Type::kArray) out += " of " + shown(schema->items());
  if (schema->optional()) out += "?";
  if (!schema->name().empty()) out += " " + std::string(schema->name());
  if (!schema->parameter("scale").empty())
    out += " scale " + std::string(schema->parameter("scale"));
  return out;
}

/// A task with its settings and context; collects what it hands over.
template <class Task>
class Driver {
 public:
  Driver(std::span<const ConfigKey> declared, const Settings& settings, TestContext& context)
      : config_(declared, settings), context_(context), task_(std::make_unique<Task>()) {
    task_->start(config_, context);
  }
  /// Polls until the task is idle; returns one text for each record: topic value.
  std::vector<std::string> until_idle(std::size_t records_max = 1000) {
    std::vector<std::string> out;
    for (;;) {
      TestBlock block(records_max);
      const Polled polled = poll(block, out);
      if (polled == Polled::kIdle) return out;
    }
  }
  Polled poll(TestBlock& block, std::vector<std::string>& out) {
    Polled polled = Polled::kMore;
    std::size_t bad = SIZE_MAX;
    try {
      polled = task_->poll(block);
    } catch (const RecordError& e) {
      bad = e.index;
      errors.emplace_back(e.what());
    }
    for (std::size_t i = 0; i < block.size(); ++i) {
      const Record& record = block.records()[i];
      const auto wrong = host::mismatch(record.value_schema, record.value);
      if (wrong && i != bad) throw std::logic_error("value: " + *wrong);
      if (i != bad) {
        out.push_back(std::string(record.topic) + " " + shown(record.value, record.value_schema));
        keys.push_back(record.key_schema == nullptr ? "none"
                                                    : shown(record.key, record.key_schema));
        source_offsets.push_back(
            record.source.partition == SourceOffset::kNone ? "none" : shown_offset(record));
        last_schema = record.value_schema;
        last_key_schema = record.key_schema;
      }
      context_.store(record);
    }
    return polled;
  }
  static std::string shown_offset(const Record& record) {
    std::string out;
    for (const Value& field : record.source.fields) out += (out.empty() ? "" : " ") + shown(field);
    return out;
  }
  Task& task() { return *task_; }

  std::vector<std::string> errors, keys, source_offsets;
  const Schema* last_schema = nullptr;
  const Schema* last_key_schema = nullptr;

 private:
  TestConfig config_;
  TestContext& context_;
  std::unique_ptr<Task> task_;
};

}  // namespace penstock::testing
