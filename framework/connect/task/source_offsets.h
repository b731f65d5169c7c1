#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/error.h"
#include "framework/connect/channel/messages.h"
#include "framework/connect/convert/json_reader.h"
#include "framework/connect/host/block.h"
#include "framework/connect/task/task_link.h"

namespace penstock::connect {

/// A task's source partitions, and offsets on their way into the store. The task's thread, except
/// where said.
class SourceOffsets {
 public:
  /// `context` and `link` outlive this.
  SourceOffsets(Context& context, TaskLink& link);

  /// Throws std::invalid_argument when `json` is not a flat object.
  std::uint32_t partition(std::string_view json, std::span<const std::string_view> fields);
  /// Throws RetriableError. The values live until the next call.
  std::span<const Value> stored(std::uint32_t partition);
  std::span<const Value> stored_as(std::string_view json, std::span<const std::string_view> fields);

  /// `records` are acknowledged, and so is all before them: their last offset of each partition may
  /// be stored. Throws std::invalid_argument for an offset of an unregistered partition.
  void acknowledged(std::span<const Record> records);
  /// Something waits to be stored and nothing is on its way.
  [[nodiscard]] bool can_send() const { return !waiting_.empty() && sent_.empty(); }
  [[nodiscard]] bool all_stored() const { return waiting_.empty() && sent_.empty(); }
  /// Sends what waits; it is on its way until stored().
  void send(int task);
  /// What is on its way did not become durable: it waits again.
  void not_stored();
  /// What became durable with `sequence`; the offsets live until the next send().
  std::vector<SourceOffset> confirmed(std::int64_t sequence);
  /// {"partition":...,"offset":...} of one record, for errors.
  std::string describe(const SourceOffset& offset);

 private:
  struct Partition {
    std::string json;
    std::vector<std::string> fields;
  };
  struct Owned {
    std::vector<Value> values;
    std::deque<std::string> texts;
  };
  std::string offset_json(std::uint32_t partition, std::span<const Value> values);
  std::span<const Value> read(const std::string& json, const std::vector<std::string>& fields);
  static Owned own(std::span<const Value> values);

  Context& context_;
  TaskLink& link_;
  JsonReader reader_;
  JsonWriter writer_;
  ByteArena scratch_;
  host::HostBlock memory_;
  std::vector<Value> answer_;
  std::vector<Partition> partitions_;
  std::map<std::string, std::uint32_t, std::less<>> by_json_;
  std::map<std::uint32_t, Owned> waiting_, sent_, confirmed_;
  std::int64_t sequence_ = 0;
};

}  // namespace penstock::connect
