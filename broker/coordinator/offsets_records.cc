#include "broker/coordinator/offsets_records.h"

#include "broker/coordinator/consumer_records.h"
#include "framework/protocol/codec.h"

namespace penstock::broker {

namespace {

using protocol::between;
using protocol::since;

constexpr std::int16_t kOffsetKeyVersion = 1;
constexpr std::int16_t kGroupKeyVersion = 2;
constexpr std::int16_t kValueVersion = 3;
constexpr std::int16_t kExpiringVersion = 1;  // the one with a time to expire at
constexpr std::int16_t kValueVersionMax = 4;
constexpr std::int16_t kValueFlexibleFrom = 4;

struct WireOffsetKey {
  std::string group;
  std::string topic;
  std::int32_t partition = 0;
  template <class V>
  void fields(V& v) {
    v(group);
    v(topic);
    v(partition);
  }
};

struct WireGroupKey {
  std::string group;
  template <class V>
  void fields(V& v) {
    v(group);
  }
};

struct WireOffset {
  std::int64_t offset = -1;
  std::int32_t leader_epoch = -1;
  std::string metadata;
  std::int64_t commit_ms = 0;
  std::int64_t expire_ms = -1;
  template <class V>
  void fields(V& v) {
    v(offset);
    v(leader_epoch, since(3));
    v(metadata);
    v(commit_ms);
    v(expire_ms, between(1, 1));
  }
};

struct WireGroup {
  struct Member {
    std::string id;
    std::optional<std::string> instance_id;
    std::string client_id;
    std::string client_host;
    std::int32_t rebalance_timeout_ms = -1;
    std::int32_t session_timeout_ms = 0;
    ByteView subscription;
    ByteView assignment;
    template <class V>
    void fields(V& v) {
      v(id);
      v(instance_id, since(3));
      v(client_id);
      v(client_host);
      v(rebalance_timeout_ms, since(1));
      v(session_timeout_ms);
      v(subscription);
      v(assignment);
    }
  };
  std::string protocol_type;
  std::int32_t generation = 0;
  std::optional<std::string> protocol;
  std::optional<std::string> leader;
  std::int64_t state_since_ms = -1;
  std::vector<Member> members;
  template <class V>
  void fields(V& v) {
    v(protocol_type);
    v(generation);
    v(protocol);
    v(leader);
    v(state_since_ms, since(2));
    v(members);
  }
};

template <class T>
std::string versioned(std::int16_t version, const T& message) {
  std::vector<std::byte> out(sizeof version);
  store_be(out.data(), version);
  protocol::encode(message, out, version, false);
  return std::string(as_text(out));
}

Result<std::int16_t> version_of(std::string_view bytes, std::string_view what) {
  if (bytes.size() < sizeof(std::int16_t))
    return fail(Errc::kCorrupt, std::string(what) + " without a version");
  return load_be<std::int16_t>(as_bytes(bytes).data());
}

template <class T>
Result<T> decode_value(std::string_view bytes, std::string_view what) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::int16_t version, version_of(bytes, what));
  if (version < 0 || version > kValueVersionMax) {
    return fail(Errc::kCorrupt,
                std::string(what) + " of unknown version " + std::to_string(version));
  }
  T out;
  const ByteView body = as_bytes(bytes).subspan(sizeof version);
  if (auto read = protocol::decode(out, body, version, version >= kValueFlexibleFrom); !read) {
    return fail(Errc::kCorrupt, std::string(what) + ": " + read.error().text);
  }
  return out;
}

}  // namespace

std::string encode_key(const OffsetRecordKey& key) {
  return versioned(kOffsetKeyVersion,
                   WireOffsetKey{key.group, key.partition.first, key.partition.second});
}

std::string encode_key(const GroupRecordKey& key) {
  return versioned(kGroupKeyVersion, WireGroupKey{key.group});
}

Result<RecordKey> decode_key(std::string_view bytes) {
  PENSTOCK_ASSIGN_OR_RETURN(const std::int16_t version, version_of(bytes, "key"));
  const ByteView body = as_bytes(bytes).subspan(sizeof version);
  if (version == 0 || version == kOffsetKeyVersion) {
    WireOffsetKey key;
    if (!protocol::decode(key, body, version, false))
      return fail(Errc::kCorrupt, "malformed offset key");
    return OffsetRecordKey{std::move(key.group), {std::move(key.topic), key.partition}};
  }
  if (version == kGroupKeyVersion) {
    WireGroupKey key;
    if (!protocol::decode(key, body, version, false))
      return fail(Errc::kCorrupt, "malformed group key");
    return GroupRecordKey{std::move(key.group)};
  }
  if (is_consumer_record(version)) {
    PENSTOCK_ASSIGN_OR_RETURN(auto key,
                              decode_consumer_key(static_cast<ConsumerRecord>(version), body));
    return RecordKey(std::move(key));
  }
  if (version < 0) return fail(Errc::kCorrupt, "key of version " + std::to_string(version));
  return OtherRecordKey{version};
}

std::string encode_value(const CommittedOffset& offset) {
  return versioned(offset.expire_ms < 0 ? kValueVersion : kExpiringVersion,
                   WireOffset{offset.offset, offset.leader_epoch, offset.metadata, offset.commit_ms,
                              offset.expire_ms});
}

Result<CommittedOffset> decode_offset(std::string_view bytes) {
  PENSTOCK_ASSIGN_OR_RETURN(WireOffset wire, decode_value<WireOffset>(bytes, "offset value"));
  return CommittedOffset{wire.offset, wire.leader_epoch, std::move(wire.metadata), wire.commit_ms,
                         wire.expire_ms};
}

std::string encode_value(const Group& group, const std::map<std::string, std::string>* assignments,
                         std::int64_t state_since_ms) {
  WireGroup wire;
  wire.protocol_type = group.protocol_type.value_or("");
  wire.generation = group.generation;
  wire.protocol = group.protocol;
  wire.leader = group.leader;
  wire.state_since_ms = state_since_ms;
  for (const auto& [id, member] : group.members) {
    WireGroup::Member out;
    out.id = id;
    out.instance_id = member.instance_id;
    out.client_id = member.client_id;
    out.client_host = member.client_host;
    out.rebalance_timeout_ms = member.rebalance_timeout_ms;
    out.session_timeout_ms = member.session_timeout_ms;
    const std::string* metadata = group.protocol ? member.metadata(*group.protocol) : nullptr;
    if (metadata != nullptr) out.subscription = as_bytes(*metadata);
    out.assignment = as_bytes(member.assignment);
    if (assignments != nullptr) {
      const auto at = assignments->find(id);
      out.assignment = at != assignments->end() ? as_bytes(at->second) : ByteView{};
    }
    wire.members.push_back(std::move(out));
  }
  return versioned(kValueVersion, wire);
}

Result<Group> decode_group(std::string_view id, std::string_view bytes) {
  PENSTOCK_ASSIGN_OR_RETURN(const WireGroup wire, decode_value<WireGroup>(bytes, "group value"));
  Group group;
  group.id = id;
  if (!wire.protocol_type.empty()) group.protocol_type = wire.protocol_type;
  group.generation = wire.generation;
  group.state_since_ms = wire.state_since_ms;
  if (wire.members.empty()) return group;
  group.state = GroupState::kStable;
  group.protocol = wire.protocol;
  group.leader = wire.leader;
  // Of a group that came back from the consumer protocol and did not rebalance since.
  if (!group.leader) group.state = GroupState::kPreparingRebalance;
  for (const WireGroup::Member& in : wire.members) {
    Member member;
    member.id = in.id;
    member.instance_id = in.instance_id;
    member.client_id = in.client_id;
    member.client_host = in.client_host;
    member.session_timeout_ms = in.session_timeout_ms;
    member.rebalance_timeout_ms =
        in.rebalance_timeout_ms >= 0 ? in.rebalance_timeout_ms : in.session_timeout_ms;
    member.protocols.push_back({wire.protocol.value_or(""), std::string(as_text(in.subscription))});
    member.assignment = as_text(in.assignment);
    if (member.instance_id) group.static_members[*member.instance_id] = member.id;
    group.members.emplace(in.id, std::move(member));
  }
  return group;
}

}  // namespace penstock::broker
