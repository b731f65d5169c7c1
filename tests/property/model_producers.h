#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "framework/base/ids.h"
#include "framework/record/batch.h"

// What a list of batches means for its producers and transactions, for tests that compare a log
// with it.
namespace penstock::log {

using Bytes = std::vector<std::byte>;

struct ModelBatch {
  Offset base;
  Offset last;
  std::int64_t max_timestamp_ms;
  Bytes bytes;
};

inline constexpr std::int64_t kProducers = 3;
inline constexpr std::int16_t kAbort = 0;
inline constexpr std::int16_t kCommit = 1;

/// What the batches say about their producers, told without the log's own code.
struct ModelProducers {
  struct Producer {
    std::int32_t next_sequence = 0;
    const ModelBatch* last = nullptr;  // of its data
    std::optional<Offset> open_since;
  };
  struct Aborted {
    std::int64_t producer;
    Offset first;
    Offset last;
    bool operator==(const Aborted&) const = default;
  };
  std::map<std::int64_t, Producer> producers;
  std::vector<Aborted> aborted;

  void take(const ModelBatch& batch) {
    const auto header = record::parse_header(batch.bytes);
    if (header->producer_id.value < 0) return;
    Producer& producer = producers[header->producer_id.value];
    if (!header->control()) {
      producer.next_sequence = header->base_sequence + header->last_offset_delta + 1;
      producer.last = &batch;
      if (header->transactional() && !producer.open_since) producer.open_since = batch.base;
      return;
    }
    const auto marker = record::read_marker(*record::BatchView::parse(batch.bytes));
    if (producer.open_since && (*marker)->type == kAbort)
      aborted.push_back({header->producer_id.value, *producer.open_since, batch.last});
    producer.open_since.reset();
  }
  [[nodiscard]] std::optional<Offset> first_unstable() const {
    std::optional<Offset> first;
    for (const auto& [id, producer] : producers) {
      if (producer.open_since)
        first = std::min(first.value_or(*producer.open_since), *producer.open_since);
    }
    return first;
  }
};

inline Bytes marker_batch(std::int64_t producer, std::int16_t type, std::int64_t timestamp_ms,
                          LeaderEpoch epoch, Offset base) {
  record::BatchBuilder::Options options;
  options.producer_id = ProducerId(producer);
  options.producer_epoch = ProducerEpoch(0);
  options.transactional = true;
  options.control = true;
  options.leader_epoch = epoch;
  record::BatchBuilder builder(options);
  const char key[4] = {0, 0, 0, static_cast<char>(type)};
  const char value[6] = {};
  builder.add(timestamp_ms, std::string_view(key, sizeof key),
              std::string_view(value, sizeof value));
  return builder.finish(base);
}

}  // namespace penstock::log
