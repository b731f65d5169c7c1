#include "broker/coordinator/embedded_consumer.h"

#include <algorithm>
#include <vector>

#include "framework/protocol/codec.h"

namespace penstock::broker {

namespace {

using protocol::since;

constexpr std::int16_t kVersionMax = 3;

struct WireTopic {
  std::string name;
  std::vector<std::int32_t> partitions;
  template <class V>
  void fields(V& v) {
    v(name);
    v(partitions);
  }
};

struct WireTopics {
  std::vector<std::string> names;
  template <class V>
  void fields(V& v) {
    v(names);
  }
};

struct WireSubscription {
  std::vector<std::string> topics;
  std::optional<ByteView> user_data;
  std::vector<WireTopic> owned;
  std::int32_t generation = -1;
  std::optional<std::string> rack_id;
  template <class V>
  void fields(V& v) {
    v(topics);
    v(user_data);
    v(owned, since(1));
    v(generation, since(2));
    v(rack_id, since(3));
  }
};

struct WireAssignment {
  std::vector<WireTopic> assigned;
  std::optional<ByteView> user_data;
  template <class V>
  void fields(V& v) {
    v(assigned);
    v(user_data);
  }
};

/// What follows the version; what follows that is a newer version's, and read over.
template <class T>
std::optional<T> read(std::string_view bytes, std::int16_t& version) {
  if (bytes.size() < sizeof version) return std::nullopt;
  version = std::min(load_be<std::int16_t>(as_bytes(bytes).data()), kVersionMax);
  if (version < 0) return std::nullopt;
  const ByteView body = as_bytes(bytes).subspan(sizeof version);
  protocol::Reader reader(
      body, version, false,
      std::min(protocol::decode_budget(body.size()), protocol::kRequestBudgetMax),
      protocol::kRequestElementsMax);
  T out;
  reader.structure(out);
  if (!reader.ok()) return std::nullopt;
  return out;
}

NamedPartitions named(const std::vector<WireTopic>& topics) {
  NamedPartitions out;
  for (const WireTopic& topic : topics)
    out[topic.name].insert(topic.partitions.begin(), topic.partitions.end());
  return out;
}

}  // namespace

std::optional<EmbeddedSubscription> read_subscription(std::string_view bytes) {
  EmbeddedSubscription out;
  auto wire = read<WireSubscription>(bytes, out.version);
  if (!wire) return std::nullopt;
  out.topics = {wire->topics.begin(), wire->topics.end()};
  out.owned = named(wire->owned);
  out.rack_id = std::move(wire->rack_id);
  return out;
}

std::optional<std::set<std::string, std::less<>>> read_subscribed_topics(std::string_view bytes) {
  std::int16_t version = 0;
  const auto wire = read<WireTopics>(bytes, version);
  if (!wire) return std::nullopt;
  return std::set<std::string, std::less<>>(wire->names.begin(), wire->names.end());
}

std::optional<EmbeddedAssignment> read_assignment(std::string_view bytes) {
  EmbeddedAssignment out;
  if (bytes.empty()) return out;
  std::int16_t version = 0;
  const auto wire = read<WireAssignment>(bytes, version);
  if (!wire) return std::nullopt;
  out.partitions = named(wire->assigned);
  out.has_user_data = wire->user_data && !wire->user_data->empty();
  return out;
}

std::string write_assignment(const NamedPartitions& partitions, std::int16_t version) {
  const std::int16_t used = std::clamp<std::int16_t>(version, 0, kVersionMax);
  std::vector<std::byte> out(sizeof used);
  store_be(out.data(), used);
  WireAssignment wire;
  for (const auto& [topic, numbers] : partitions)
    wire.assigned.push_back({topic, {numbers.begin(), numbers.end()}});
  protocol::encode(wire, out, used, false);
  return std::string(as_text(out));
}

}  // namespace penstock::broker
