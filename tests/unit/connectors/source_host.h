#pragma once
// A small host for source tasks under test: settings from a list of keys, stored offsets in a map, blocks in memory.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "penstock/plugin.h"

namespace penstock::testing {

using Settings = std::map<std::string, std::string, std::less<>>;

class TestConfig final : public Config {
 public:
  TestConfig(std::span<const ConfigKey> keys, const Settings& given) {
    for (const auto& [name, value] : given) values_[name] = value;
    for (const ConfigKey& key : keys) {
      kinds_[key.name] = key.kind;
      if (!values_.contains(key.name)) {
        if (key.fallback == nullptr) throw std::invalid_argument(std::string(key.name) + " is required");
        values_[key.name] = key.fallback;
      }
    }
    for (const auto& [name, value] : given) kinds_.at(name);
    for (const auto& [name, value] : values_) split(name, value);
  }
  std::string_view text(std::string_view key) const override { return values_.find(key)->second; }
  std::int64_t number(std::string_view key) const override { return std::stoll(values_.find(key)->second); }
  double real(std::string_view key) const override { return std::stod(values_.find(key)->second); }
  bool flag(std::string_view key) const override { return values_.find(key)->second == "true"; }
  std::span<const std::string_view> list(std::string_view key) const override { return lists_.find(key)->second; }
  bool given(std::string_view) const override { return true; }

 private:
  void split(const std::string& name, const std::string& value) {
    std::vector<std::string_view>& items = lists_[name];
    std::string_view rest = value;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(','), rest.size());
      items.push_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  Settings values_;
  std::map<std::string, ConfigKey::Kind, std::less<>> kinds_;
  std::map<std::string, std::vector<std::string_view>, std::less<>> lists_;
};

class TestBlock final : public Block {
 public:
  explicit TestBlock(std::size_t soft_records = 1000, std::size_t soft_bytes = 1 << 20) {
    soft_records_ = soft_records;
    soft_bytes_ = soft_bytes;
  }
  ~TestBlock() override { ::operator delete(records_); }
  void clear() {
    count_ = 0;
    used_ = 0;
    if (slabs_.size() > 1) slabs_.resize(1);
    at_ = slabs_.empty() ? nullptr : slabs_[0].get();
    end_ = slabs_.empty() ? nullptr : at_ + kSlab;
  }

 protected:
  void* grow(std::size_t size) override {
    const std::size_t room = std::max(size, kSlab);
    slabs_.push_back(std::make_unique<char[]>(room));
    at_ = slabs_.back().get() + size;
    end_ = slabs_.back().get() + room;
    return slabs_.back().get();
  }
  void grow_records() override {
    const std::size_t capacity = std::max<std::size_t>(64, capacity_ * 2);
    auto* fresh = static_cast<Record*>(::operator new(capacity * sizeof(Record)));
    for (std::size_t i = 0; i < count_; ++i) new (fresh + i) Record(records_[i]);
    ::operator delete(records_);
    records_ = fresh;
    capacity_ = capacity;
  }

 private:
  static constexpr std::size_t kSlab = 1 << 22;
  std::vector<std::unique_ptr<char[]>> slabs_;
};

class TestSchema final : public Schema {
 public:
  explicit TestSchema(const SchemaSpec& spec) : Schema(spec) {}
};

class TestContext final : public SourceContext {
 public:
  const Schema* schema(const SchemaSpec& spec) override {
    std::string key = describe(spec);
    auto& found = schemas_[std::move(key)];
    if (found == nullptr) found = keep(spec);
    return found.get();
  }
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
  std::span<const Value> stored(std::uint32_t partition) override { return offsets[partitions[partition]]; }
  std::span<const Value> stored_as(std::string_view json, std::span<const std::string_view>) override {
    return offsets[std::string(json)];
  }
  void wake() override {}

  /// What the host does once records are acknowledged.
  void store(const Record& record) {
    if (record.source.partition == SourceOffset::kNone) return;
    offsets[partitions[record.source.partition]].assign(record.source.fields.begin(), record.source.fields.end());
  }

  std::vector<std::string> partitions, lines;
  std::map<std::string, std::vector<Value>> offsets;
  int replans = 0, task = 0;

 private:
  static std::string describe(const SchemaSpec& spec) {
    std::string out = std::to_string(static_cast<int>(spec.type)) + (spec.optional ? "?" : "") + std::string(spec.name) + "(";
    for (const Parameter& p : spec.parameters) out += std::string(p.name) + "=" + std::string(p.value) + ",";
    for (const Field& f : spec.fields) {
      out += std::string(f.name) + ":" + std::to_string(reinterpret_cast<std::uintptr_t>(f.schema)) + ",";
    }
    return out + ")" + std::to_string(reinterpret_cast<std::uintptr_t>(spec.items));
  }
  std::string_view own(std::string_view text) { return texts_.emplace_back(text); }
  std::unique_ptr<TestSchema> keep(const SchemaSpec& spec) {
    SchemaSpec copy = spec;
    copy.name = own(spec.name);
    auto& parameters = parameters_.emplace_back();
    for (const Parameter& p : spec.parameters) parameters.push_back({own(p.name), own(p.value)});
    copy.parameters = parameters;
    auto& fields = fields_.emplace_back();
    for (const Field& f : spec.fields) fields.push_back({own(f.name), f.schema});
    copy.fields = fields;
    return std::make_unique<TestSchema>(copy);
  }
  std::map<std::string, std::unique_ptr<TestSchema>> schemas_;
  std::deque<std::string> texts_;
  std::deque<std::vector<Parameter>> parameters_;
  std::deque<std::vector<Field>> fields_;
};

class TestTasks final : public TaskConfigs {
 public:
  void add() override { all.emplace_back(); }
  void set(std::string_view key, std::string_view value) override { all.back()[std::string(key)] = value; }
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
    case Type::kNull: return "null";
    case Type::kAbsent: return "absent";
    case Type::kBool: return value.b ? "true" : "false";
    case Type::kFloat32:
    case Type::kFloat64: {
      char text[40];
      std::snprintf(text, sizeof text, "%.9g", value.d);
      return text;
    }
    case Type::kString: return "'" + std::string(value.text()) + "'";
    case Type::kBytes: {
      std::string out = "<";
      for (const char c : value.text()) {
        char hex[4];
        std::snprintf(hex, sizeof hex, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
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
    default: return std::to_string(value.i);
  }
}

/// "int64", "float64?", "struct? penstock.sqlite.Any": type, optional, name.
inline std::string shown(const Schema* schema) {
  constexpr const char* kNames[] = {"null", "absent", "bool", "int8", "int16", "int32", "int64", "float32",
                                    "float64", "string", "bytes", "array", "map", "struct"};
  std::string out = kNames[static_cast<int>(schema->type())];
  if (schema->type() == Type::kArray) out += " of " + shown(schema->items());
  if (schema->optional()) out += "?";
  if (!schema->name().empty()) out += " " + std::string(schema->name());
  if (!schema->parameter("scale").empty()) out += " scale " + std::string(schema->parameter("scale"));
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
      if (i != bad) {
        out.push_back(std::string(record.topic) + " " + shown(record.value, record.value_schema));
        keys.push_back(record.key_schema == nullptr ? "none" : shown(record.key, record.key_schema));
        source_offsets.push_back(record.source.partition == SourceOffset::kNone ? "none" : shown_offset(record));
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
