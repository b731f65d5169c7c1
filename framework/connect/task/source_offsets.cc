#include "framework/connect/task/source_offsets.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace penstock::connect {
namespace {

JsonOptions plain() {
  JsonOptions options;
  options.envelope = false;
  return options;
}

bool is_scalar(const Value& value) {
  return value.type != Type::kArray && value.type != Type::kMap && value.type != Type::kStruct;
}

}  // namespace

SourceOffsets::SourceOffsets(Context& context, TaskLink& link)
    : context_(context), link_(link), reader_(plain(), context), writer_(plain()) {}

std::uint32_t SourceOffsets::partition(std::string_view json,
                                       std::span<const std::string_view> fields) {
  if (const auto found = by_json_.find(json); found != by_json_.end()) return found->second;
  memory_.reset();
  const Schema* schema = nullptr;
  Value value;
  if (const auto read = reader_.read(json, memory_, schema, value); !read) {
    throw std::invalid_argument("source partition " + std::string(json) + ": " + read.error().text);
  }
  bool flat = value.type == Type::kMap;
  for (std::uint32_t i = 0; flat && i < value.size; ++i) flat = is_scalar(value.items[i]);
  if (!flat)
    throw std::invalid_argument("source partition " + std::string(json) +
                                " is not a flat JSON object");
  const auto number = static_cast<std::uint32_t>(partitions_.size());
  partitions_.push_back({std::string(json), {fields.begin(), fields.end()}});
  by_json_.emplace(std::string(json), number);
  return number;
}

std::span<const Value> SourceOffsets::read(const std::string& json,
                                           const std::vector<std::string>& fields) {
  auto values = link_.read_offsets({json});
  if (!values)
    throw RetriableError("reading the stored offset of " + json + ": " + values.error().text);
  if (values->empty() || !values->front()) return {};
  memory_.reset();
  const Schema* schema = nullptr;
  Value map;
  if (const auto read = reader_.read(*values->front(), memory_, schema, map);
      !read || map.type != Type::kMap) {
    throw std::runtime_error("the stored offset of " + json +
                             " is not a JSON object: " + *values->front());
  }
  answer_.assign(fields.size(), Value::absent());
  for (std::uint32_t i = 0; i + 1 < map.size; i += 2) {
    for (std::size_t field = 0; field < fields.size(); ++field) {
      if (map.items[i].text() == fields[field]) answer_[field] = map.items[i + 1];
    }
  }
  return answer_;
}

std::span<const Value> SourceOffsets::stored(std::uint32_t partition) {
  if (partition >= partitions_.size())
    throw std::invalid_argument("source partition was not registered");
  return read(partitions_[partition].json, partitions_[partition].fields);
}

std::span<const Value> SourceOffsets::stored_as(std::string_view json,
                                                std::span<const std::string_view> fields) {
  return read(std::string(json), {fields.begin(), fields.end()});
}

SourceOffsets::Owned SourceOffsets::own(std::span<const Value> values) {
  Owned out;
  out.values.assign(values.begin(), values.end());
  for (Value& value : out.values) {
    if (!is_scalar(value))
      throw std::invalid_argument("a source offset has a value that is no scalar");
    if (value.type == Type::kString || value.type == Type::kBytes) {
      out.texts.emplace_back(value.text());
      value.bytes = out.texts.back().data();
    }
  }
  return out;
}

void SourceOffsets::acknowledged(std::span<const Record> records) {
  std::vector<std::uint32_t> seen;
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    const auto partition = record->source.partition;
    if (partition == SourceOffset::kNone) continue;
    if (std::find(seen.begin(), seen.end(), partition) != seen.end()) continue;
    seen.push_back(partition);
    if (partition >= partitions_.size())
      throw std::invalid_argument("a record's source partition was not registered");
    if (record->source.fields.size() != partitions_[partition].fields.size()) {
      throw std::invalid_argument("a record's source offset has " +
                                  std::to_string(record->source.fields.size()) +
                                  " values; its partition was registered with " +
                                  std::to_string(partitions_[partition].fields.size()) + " fields");
    }
    waiting_.insert_or_assign(partition, own(record->source.fields));
  }
}

std::string SourceOffsets::offset_json(std::uint32_t partition, std::span<const Value> values) {
  std::vector<Value> pairs;
  const auto& fields = partitions_[partition].fields;
  for (std::size_t i = 0; i < fields.size() && i < values.size(); ++i) {
    if (values[i].type == Type::kAbsent) continue;
    pairs.push_back(Value::string(fields[i]));
    pairs.push_back(values[i]);
  }
  scratch_.reset();
  scratch_.begin();
  if (const auto written = writer_.write(nullptr, Value::map(pairs), scratch_); !written) {
    throw std::invalid_argument("source offset: " + written.error().text);
  }
  return std::string(scratch_.finish());
}

void SourceOffsets::send(int task) {
  message::StoreOffsets out;
  out.task = task;
  out.sequence = ++sequence_;
  for (const auto& [partition, owned] : waiting_) {
    out.entries.push_back({partitions_[partition].json, offset_json(partition, owned.values)});
  }
  confirmed_.clear();
  sent_ = std::move(waiting_);
  waiting_.clear();
  link_.send(std::move(out));
}

void SourceOffsets::not_stored() {
  waiting_.merge(sent_);  // keeps what is newer
  sent_.clear();
}

std::vector<SourceOffset> SourceOffsets::confirmed(std::int64_t sequence) {
  std::vector<SourceOffset> out;
  if (sent_.empty() || sequence < sequence_) return out;
  confirmed_ = std::move(sent_);
  sent_.clear();
  for (const auto& [partition, owned] : confirmed_) out.push_back({partition, owned.values});
  return out;
}

std::string SourceOffsets::describe(const SourceOffset& offset) {
  if (offset.partition == SourceOffset::kNone || offset.partition >= partitions_.size()) return {};
  try {
    return "{\"partition\":" + partitions_[offset.partition].json +
           ",\"offset\":" + offset_json(offset.partition, offset.fields) + "}";
  } catch (const std::invalid_argument&) {
    return "{\"partition\":" + partitions_[offset.partition].json + "}";
  }
}

}  // namespace penstock::connect
