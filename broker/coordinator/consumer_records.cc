#include "broker/coordinator/consumer_records.h"

#include <algorithm>
#include <array>

#include "framework/protocol/codec.h"

namespace penstock::broker {

namespace {

constexpr std::int16_t kValueVersion = 0;

struct WireKey {
  std::string group;
  template <class V>
  void fields(V& v) {
    v(group);
  }
};

struct WireNamedKey {
  std::string group;
  std::string name;
  template <class V>
  void fields(V& v) {
    v(group);
    v(name);
  }
};

struct WireGroupEpoch {
  std::int32_t epoch = 0;
  std::int64_t hash = 0;
  template <class V>
  void fields(V& v) {
    v(epoch);
    v.tagged(0, hash);
  }
};

struct WireEpoch {
  std::int32_t epoch = 0;
  std::int64_t assigned_ms = 0;
  template <class V>
  void fields(V& v) {
    v(epoch);
    v.tagged(0, assigned_ms);
  }
};

struct WireClassic {
  struct Protocol {
    std::string name;
    ByteView metadata;
    template <class V>
    void fields(V& v) {
      v(name);
      v(metadata);
    }
  };
  std::int32_t session_timeout_ms = 0;
  std::vector<Protocol> protocols;
  template <class V>
  void fields(V& v) {
    v(session_timeout_ms);
    v(protocols);
  }
};

struct WireMember {
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::string client_id;
  std::string client_host;
  std::vector<std::string> topics;
  std::optional<std::string> regex;
  std::int32_t rebalance_timeout_ms = -1;
  std::optional<std::string> assignor;
  std::optional<WireClassic> classic;
  template <class V>
  void fields(V& v) {
    v(instance_id);
    v(rack_id);
    v(client_id);
    v(client_host);
    v(topics);
    v(regex);
    v(rebalance_timeout_ms);
    v(assignor);
    v.tagged(0, classic);
  }
};

struct WireTarget {
  struct Topic {
    Uuid id;
    std::vector<std::int32_t> partitions;
    template <class V>
    void fields(V& v) {
      v(id);
      v(partitions);
    }
  };
  std::vector<Topic> topics;
  template <class V>
  void fields(V& v) {
    v(topics);
  }
};

struct WireCurrent {
  struct Topic {
    Uuid id;
    std::vector<std::int32_t> partitions;
    std::optional<std::vector<std::int32_t>> epochs;  // as long as `partitions`
    template <class V>
    void fields(V& v) {
      v(id);
      v(partitions);
      v.tagged(0, epochs);
    }
  };
  std::int32_t epoch = 0;
  std::int32_t previous_epoch = 0;
  std::int8_t state = 0;
  std::vector<Topic> assigned;
  std::vector<Topic> revoking;
  template <class V>
  void fields(V& v) {
    v(epoch);
    v(previous_epoch);
    v(state);
    v(assigned);
    v(revoking);
  }
};

struct WireRegex {
  std::vector<std::string> topics;
  std::int64_t version = 0;
  std::int64_t resolved_ms = 0;
  template <class V>
  void fields(V& v) {
    v(topics);
    v(version);
    v(resolved_ms);
  }
};

bool is_named(ConsumerRecord kind) {
  return kind == ConsumerRecord::kMember || kind == ConsumerRecord::kTarget ||
         kind == ConsumerRecord::kCurrent || kind == ConsumerRecord::kRegex;
}

template <class T>
std::string value_of(const T& message) {
  std::vector<std::byte> out(sizeof kValueVersion);
  store_be(out.data(), kValueVersion);
  protocol::encode(message, out, kValueVersion, true);
  return std::string(as_text(out));
}

template <class T>
Result<T> decode(std::string_view bytes) {
  if (bytes.size() < sizeof kValueVersion ||
      load_be<std::int16_t>(as_bytes(bytes).data()) != kValueVersion)
    return fail(Errc::kCorrupt, "consumer group value of an unknown version");
  T out;
  if (auto read =
          protocol::decode(out, as_bytes(bytes).subspan(sizeof kValueVersion), kValueVersion, true);
      !read)
    return fail(Errc::kCorrupt, "consumer group value: " + read.error().text);
  return out;
}

std::vector<WireCurrent::Topic> wire(const Holdings& holdings) {
  std::vector<WireCurrent::Topic> out;
  for (const auto& [topic, partitions] : holdings) {
    WireCurrent::Topic& to = out.emplace_back();
    to.id = topic;
    to.epochs.emplace();
    for (const auto& [partition, epoch] : partitions) {
      to.partitions.push_back(partition);
      to.epochs->push_back(epoch);
    }
  }
  return out;
}

Holdings holdings(const std::vector<WireCurrent::Topic>& topics, std::int32_t member_epoch) {
  Holdings out;
  for (const WireCurrent::Topic& topic : topics) {
    const bool known = topic.epochs && topic.epochs->size() == topic.partitions.size();
    for (std::size_t i = 0; i < topic.partitions.size(); ++i)
      out[topic.id][topic.partitions[i]] = known ? (*topic.epochs)[i] : member_epoch;
  }
  return out;
}

std::string encode_member(const ConsumerMember& member) {
  WireMember out;
  out.instance_id = member.instance_id;
  out.rack_id = member.rack_id;
  out.client_id = member.client_id;
  out.client_host = member.client_host;
  out.topics.assign(member.topics.begin(), member.topics.end());
  out.regex = member.regex;  // empty, not null, when there is none: as Kafka
  out.rebalance_timeout_ms = member.rebalance_timeout_ms;
  out.assignor = member.assignor;
  if (member.classic) {
    out.classic.emplace();
    out.classic->session_timeout_ms = member.classic->session_timeout_ms;
    for (const GroupProtocol& p : member.classic->protocols)
      out.classic->protocols.push_back({p.name, as_bytes(p.metadata)});
  }
  return value_of(out);
}

std::string encode_current(const ConsumerMember& member) {
  WireCurrent out;
  out.epoch = member.epoch;
  out.previous_epoch = member.previous_epoch;
  out.state = static_cast<std::int8_t>(member.state);
  out.assigned = wire(member.assigned);
  out.revoking = wire(member.revoking);
  return value_of(out);
}

std::string encode_target(const Assignment& target) {
  WireTarget out;
  for (const auto& [topic, partitions] : target)
    out.topics.push_back({topic, {partitions.begin(), partitions.end()}});
  return value_of(out);
}

std::string encode_regex(const ResolvedRegex& regex) {
  // Kafka's version counts images of its metadata; a reader looks again in any case.
  return value_of(WireRegex{{regex.topics.begin(), regex.topics.end()}, 0, regex.resolved_ms});
}

ConsumerMember& member_of(ConsumerGroup& group, const std::string& id) {
  ConsumerMember& member = group.members[id];
  member.id = id;
  return member;
}

Status apply_member(ConsumerGroup& group, const std::string& id,
                    std::optional<std::string_view> value) {
  if (!value) {
    const auto at = group.members.find(id);
    if (at == group.members.end()) return {};
    group.release_instance(at->second);
    group.members.erase(at);
    return {};
  }
  PENSTOCK_ASSIGN_OR_RETURN(WireMember in, decode<WireMember>(*value));
  ConsumerMember& member = member_of(group, id);
  group.set_instance(member, std::move(in.instance_id));
  member.rack_id = std::move(in.rack_id);
  member.client_id = std::move(in.client_id);
  member.client_host = std::move(in.client_host);
  member.topics = {in.topics.begin(), in.topics.end()};
  member.regex = in.regex.value_or("");
  member.rebalance_timeout_ms = in.rebalance_timeout_ms;
  member.assignor = std::move(in.assignor);
  member.classic.reset();
  if (!in.classic) return {};
  if (in.classic->protocols.empty())
    return fail(Errc::kCorrupt, "classic member of a consumer group without a protocol");
  member.classic.emplace();
  member.classic->session_timeout_ms = in.classic->session_timeout_ms;
  for (WireClassic::Protocol& p : in.classic->protocols)
    member.classic->protocols.push_back({std::move(p.name), std::string(as_text(p.metadata))});
  return {};
}

Status apply_current(ConsumerGroup& group, const std::string& id,
                     std::optional<std::string_view> value) {
  if (!value) {
    const auto at = group.members.find(id);
    if (at == group.members.end()) return {};
    at->second.epoch = at->second.previous_epoch = 0;
    at->second.state = ConsumerMemberState::kStable;
    at->second.assigned.clear();
    at->second.revoking.clear();
    return {};
  }
  PENSTOCK_ASSIGN_OR_RETURN(const WireCurrent in, decode<WireCurrent>(*value));
  if (in.state < 0 || in.state > static_cast<std::int8_t>(ConsumerMemberState::kUnreleased))
    return fail(Errc::kCorrupt, "consumer group member of an unknown state");
  ConsumerMember& member = member_of(group, id);
  member.epoch = in.epoch;
  member.previous_epoch = in.previous_epoch;
  member.state = static_cast<ConsumerMemberState>(in.state);
  member.assigned = holdings(in.assigned, in.epoch);
  member.revoking = holdings(in.revoking, in.epoch);
  return {};
}

Status apply_target(ConsumerGroup& group, const std::string& id,
                    std::optional<std::string_view> value) {
  group.targets.erase(id);
  if (!value) return {};
  PENSTOCK_ASSIGN_OR_RETURN(const WireTarget in, decode<WireTarget>(*value));
  Assignment& target = group.targets[id];
  for (const WireTarget::Topic& topic : in.topics)
    target[topic.id].insert(topic.partitions.begin(), topic.partitions.end());
  return {};
}

}  // namespace

bool is_consumer_record(std::int16_t key_version) {
  constexpr std::array kKinds = {ConsumerRecord::kGroup,  ConsumerRecord::kPartitions,
                                 ConsumerRecord::kMember, ConsumerRecord::kTargetEpoch,
                                 ConsumerRecord::kTarget, ConsumerRecord::kCurrent,
                                 ConsumerRecord::kRegex};
  return std::any_of(kKinds.begin(), kKinds.end(), [key_version](ConsumerRecord kind) {
    return static_cast<std::int16_t>(kind) == key_version;
  });
}

std::string encode_key(const ConsumerRecordKey& key) {
  const auto version = static_cast<std::int16_t>(key.kind);
  std::vector<std::byte> out(sizeof version);
  store_be(out.data(), version);
  if (is_named(key.kind))
    protocol::encode(WireNamedKey{key.group, key.name}, out, version, false);
  else
    protocol::encode(WireKey{key.group}, out, version, false);
  return std::string(as_text(out));
}

Result<ConsumerRecordKey> decode_consumer_key(ConsumerRecord kind, ByteView bytes) {
  WireNamedKey key;
  WireKey plain;
  const auto version = static_cast<std::int16_t>(kind);
  const bool read = is_named(kind) ? protocol::decode(key, bytes, version, false).has_value()
                                   : protocol::decode(plain, bytes, version, false).has_value();
  if (!read) return fail(Errc::kCorrupt, "malformed consumer group key");
  return ConsumerRecordKey{kind, is_named(kind) ? std::move(key.group) : std::move(plain.group),
                           std::move(key.name)};
}

Store::Record consumer_record(const Group& of, const ConsumerRecordKey& key) {
  Store::Record out{encode_key(key), std::nullopt};
  if (!of.consumer) return out;
  const ConsumerGroup& group = *of.consumer;
  const auto member = group.members.find(key.name);
  switch (key.kind) {
    case ConsumerRecord::kGroup:
      out.value = value_of(WireGroupEpoch{group.epoch, group.metadata_hash});
      break;
    case ConsumerRecord::kTargetEpoch:
      out.value = value_of(WireEpoch{group.assignment_epoch, group.assigned_ms});
      break;
    case ConsumerRecord::kMember:
      if (member != group.members.end()) out.value = encode_member(member->second);
      break;
    case ConsumerRecord::kCurrent:
      if (member != group.members.end()) out.value = encode_current(member->second);
      break;
    case ConsumerRecord::kTarget:
      if (const auto at = group.targets.find(key.name); at != group.targets.end())
        out.value = encode_target(at->second);
      break;
    case ConsumerRecord::kRegex:
      if (const auto at = group.regexes.find(key.name); at != group.regexes.end())
        out.value = encode_regex(at->second);
      break;
    case ConsumerRecord::kClassic:
    case ConsumerRecord::kPartitions:
      break;
  }
  return out;
}

std::vector<ConsumerRecordKey> consumer_keys(const Group& of) {
  std::vector<ConsumerRecordKey> out;
  if (!of.consumer) return out;
  const ConsumerGroup& group = *of.consumer;
  out.push_back({ConsumerRecord::kGroup, of.id, ""});
  out.push_back({ConsumerRecord::kTargetEpoch, of.id, ""});
  for (const auto& [id, member] : group.members) {
    out.push_back({ConsumerRecord::kMember, of.id, id});
    out.push_back({ConsumerRecord::kCurrent, of.id, id});
  }
  for (const auto& [id, target] : group.targets)
    out.push_back({ConsumerRecord::kTarget, of.id, id});
  for (const auto& [pattern, topics] : group.regexes)
    out.push_back({ConsumerRecord::kRegex, of.id, pattern});
  return out;
}

Status apply_consumer_record(Group& of, const ConsumerRecordKey& key,
                             std::optional<std::string_view> value) {
  if (key.kind == ConsumerRecord::kPartitions) return {};
  if (!value && !of.consumer) return {};
  if (!value && key.kind == ConsumerRecord::kGroup) {
    of.consumer.reset();
    return {};
  }
  if (!of.consumer) of.consumer.emplace();
  ConsumerGroup& group = *of.consumer;
  switch (key.kind) {
    case ConsumerRecord::kGroup: {
      PENSTOCK_ASSIGN_OR_RETURN(const WireGroupEpoch in, decode<WireGroupEpoch>(*value));
      group.epoch = in.epoch;
      group.metadata_hash = in.hash;
      return {};
    }
    case ConsumerRecord::kTargetEpoch: {
      group.assignment_epoch = 0;
      group.assigned_ms = 0;
      if (!value) return {};
      PENSTOCK_ASSIGN_OR_RETURN(const WireEpoch in, decode<WireEpoch>(*value));
      group.assignment_epoch = in.epoch;
      group.assigned_ms = in.assigned_ms;
      return {};
    }
    case ConsumerRecord::kMember:
      return apply_member(group, key.name, value);
    case ConsumerRecord::kCurrent:
      return apply_current(group, key.name, value);
    case ConsumerRecord::kTarget:
      return apply_target(group, key.name, value);
    case ConsumerRecord::kRegex: {
      group.regexes.erase(key.name);
      if (!value) return {};
      PENSTOCK_ASSIGN_OR_RETURN(const WireRegex in, decode<WireRegex>(*value));
      group.regexes[key.name] = {{in.topics.begin(), in.topics.end()}, 0, in.resolved_ms};
      return {};
    }
    case ConsumerRecord::kClassic:
    case ConsumerRecord::kPartitions:
      break;
  }
  return {};
}

}  // namespace penstock::broker
