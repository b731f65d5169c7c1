#include "broker/coordinator/transaction_records.h"

#include <vector>

#include "framework/protocol/codec.h"

namespace penstock::broker {

namespace {

using protocol::since;

constexpr std::int16_t kKeyVersion = 0;
constexpr std::int16_t kValueVersionMax = 1;
constexpr std::int16_t kValueFlexibleFrom = 1;

struct WireKey {
  std::string transactional_id;
  template <class V>
  void fields(V& v) {
    v(transactional_id);
  }
};

/// A producer id of a tagged field, which is left out when there is none.
struct OptionalId {
  using rep = std::int64_t;
  rep value = -1;
  bool operator==(const OptionalId&) const = default;
};

/// Tag 3 (next producer epoch, for two-phase commit) is left out: nothing here sets it.
struct WireValue {
  struct Topic {
    std::string name;
    std::vector<std::int32_t> partitions;
    template <class V>
    void fields(V& v) {
      v(name);
      v(partitions);
    }
  };
  ProducerId producer_id;
  ProducerEpoch epoch;
  std::int32_t timeout_ms = 0;
  std::int8_t state = 0;
  std::optional<std::vector<Topic>> topics;
  std::int64_t last_update_ms = -1;
  std::int64_t start_ms = -1;
  OptionalId previous_producer_id;
  OptionalId next_producer_id;
  std::int16_t client_version = 0;
  template <class V>
  void fields(V& v) {
    v(producer_id);
    v(epoch);
    v(timeout_ms);
    v(state);
    v(topics);
    v(last_update_ms);
    v(start_ms);
    v.tagged(0, previous_producer_id, since(kValueFlexibleFrom));
    v.tagged(1, next_producer_id, since(kValueFlexibleFrom));
    v.tagged(2, client_version, since(kValueFlexibleFrom));
  }
};

template <class T>
std::string versioned(std::int16_t version, const T& message) {
  std::vector<std::byte> out(sizeof version);
  store_be(out.data(), version);
  protocol::encode(message, out, version, version >= kValueFlexibleFrom);
  return std::string(as_text(out));
}

Result<std::int16_t> version_of(std::string_view bytes) {
  if (bytes.size() < sizeof(std::int16_t))
    return fail(Errc::kCorrupt, "transaction record without a version");
  return load_be<std::int16_t>(as_bytes(bytes).data());
}

}  // namespace

std::string encode_transaction_key(std::string_view transactional_id) {
  return versioned(kKeyVersion, WireKey{std::string(transactional_id)});
}

Result<std::optional<std::string>> decode_transaction_key(std::string_view bytes) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::int16_t version, version_of(bytes));
  if (version != kKeyVersion) return std::optional<std::string>();
  WireKey key;
  if (!protocol::decode(key, as_bytes(bytes).subspan(sizeof version), version, false))
    return fail(Errc::kCorrupt, "malformed transaction key");
  return std::optional<std::string>(std::move(key.transactional_id));
}

std::string encode_transaction(const TransactionData& data, std::int16_t transaction_version) {
  WireValue wire;
  wire.producer_id = data.producer_id;
  wire.epoch = data.epoch;
  wire.timeout_ms = data.timeout_ms;
  wire.state = static_cast<std::int8_t>(data.state);
  if (data.state != TransactionState::kEmpty) {
    wire.topics.emplace();
    for (const auto& [topic, partition] : data.partitions) {  // in order of topics
      if (wire.topics->empty() || wire.topics->back().name != topic)
        wire.topics->emplace_back().name = topic;
      wire.topics->back().partitions.push_back(partition);
    }
  }
  wire.last_update_ms = data.last_update_ms;
  wire.start_ms = data.start_ms;
  wire.previous_producer_id.value = data.previous_producer_id.value;
  wire.next_producer_id.value = data.next_producer_id.value;
  wire.client_version = data.client_version;
  const bool flexible = transaction_version >= kTransactionVersionFlexible;
  return versioned(flexible ? kValueFlexibleFrom : std::int16_t{0}, wire);
}

Result<TransactionData> decode_transaction(std::string_view bytes) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::int16_t version, version_of(bytes));
  if (version < 0 || version > kValueVersionMax)
    return fail(Errc::kCorrupt, "transaction of unknown version " + std::to_string(version));
  WireValue wire;
  const ByteView body = as_bytes(bytes).subspan(sizeof version);
  if (auto read = protocol::decode(wire, body, version, version >= kValueFlexibleFrom); !read)
    return fail(Errc::kCorrupt, "transaction: " + read.error().text);
  if (wire.state < 0 || wire.state > static_cast<std::int8_t>(TransactionState::kCompleteAbort))
    return fail(Errc::kCorrupt, "transaction in unknown state " + std::to_string(wire.state));
  TransactionData data;
  data.producer_id = wire.producer_id;
  data.previous_producer_id = ProducerId(wire.previous_producer_id.value);
  data.next_producer_id = ProducerId(wire.next_producer_id.value);
  data.epoch = wire.epoch;
  data.timeout_ms = wire.timeout_ms;
  data.state = static_cast<TransactionState>(wire.state);
  if (data.state != TransactionState::kEmpty && wire.topics) {
    for (const WireValue::Topic& topic : *wire.topics) {
      for (const std::int32_t partition : topic.partitions)
        data.partitions.emplace(topic.name, partition);
    }
  }
  data.start_ms = wire.start_ms;
  data.last_update_ms = wire.last_update_ms;
  data.client_version = wire.client_version;
  return data;
}

}  // namespace penstock::broker
