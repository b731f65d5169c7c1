#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/coordinator/consumer_records.h"
#include "broker/coordinator/embedded_consumer.h"
#include "broker/coordinator/offsets_records.h"
#include "framework/protocol/codec.h"
#include "tests/unit/broker/coordinator/group_driver.h"

// Consumers of both protocols as their clients behave, against one group.
namespace penstock::broker {

struct SubscriptionToWrite {
  struct Topic {
    std::string name;
    std::vector<std::int32_t> partitions;
    template <class V>
    void fields(V& v) {
      v(name);
      v(partitions);
    }
  };
  std::vector<std::string> topics;
  std::optional<ByteView> user_data;
  std::vector<Topic> owned;
  template <class V>
  void fields(V& v) {
    v(topics);
    v(user_data);
    v(owned, protocol::since(1));
  }
};

inline std::string subscription(const std::set<std::string>& topics,
                                const NamedPartitions& owned = {}, std::int16_t version = 1) {
  SubscriptionToWrite out;
  out.topics.assign(topics.begin(), topics.end());
  for (const auto& [name, partitions] : owned)
    out.owned.push_back({name, {partitions.begin(), partitions.end()}});
  std::vector<std::byte> bytes(sizeof version);
  store_be(bytes.data(), version);
  protocol::encode(out, bytes, version, false);
  return std::string(as_text(bytes));
}

inline Uuid topic_id(const std::string& name) {
  return Uuid{static_cast<std::uint64_t>(name[0]), 7};
}

/// The group and what its clients need.
class Migration : public GroupDriver {
 public:
  Migration() {
    limits.initial_rebalance_delay_ms = 0;
    set_topics({{"t", 4}, {"u", 2}});
  }
  void set_topics(const std::map<std::string, std::int32_t>& all) {
    auto fresh = std::make_shared<GroupTopics>();
    fresh->version = topics ? topics->version + 1 : 1;
    for (const auto& [name, partitions] : all) {
      fresh->by_name[name] = {topic_id(name), partitions};
      fresh->names[topic_id(name)] = name;
    }
    topics = fresh;
  }
  AnswerId next() { return next_++; }

  /// What a restart makes of what was stored.
  [[nodiscard]] Group reread() const {
    Group out;
    for (const Store::Record& record : log) {
      const auto key = decode_key(record.key);
      EXPECT_TRUE(key.has_value());
      std::optional<std::string_view> value;
      if (record.value) value = *record.value;
      if (const auto* part = std::get_if<ConsumerRecordKey>(&*key)) {
        EXPECT_TRUE(apply_consumer_record(out, *part, value).has_value());
      } else if (std::holds_alternative<GroupRecordKey>(*key)) {
        Group read;
        if (value) read = *decode_group("g", *value);
        read.consumer = std::move(out.consumer);
        out = std::move(read);
      }
    }
    out.id = "g";
    return out;
  }

 private:
  AnswerId next_ = 1;
};

/// Speaks the classic protocol with the assignor `range`: eagerly, it lets go of all before it
/// joins; otherwise as cooperative consumers do, it keeps what it has and lets go of what it no
/// longer gets.
class ClassicClient {
 public:
  ClassicClient(Migration& to, bool eager) : to_(to), eager_(eager) {}

  void work() {
    if (waits_ != 0) return look();
    if (id_.empty() || must_join_) return join();
    HeartbeatEvent e{to_.next(), generation_, id_, instance, to_.topics};
    const AnswerId answer = e.answer;
    to_.feed(std::move(e));
    took(*to_.code(answer));
  }
  void leave() {
    LeaveEvent e;
    e.answer = to_.next();
    e.members = {{id_, instance}};
    e.known_topics = to_.topics;
    to_.feed(std::move(e));
    owned.clear();
    id_.clear();
  }
  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] bool settled() const { return waits_ == 0 && !id_.empty() && !must_join_; }

  NamedPartitions owned;
  std::optional<std::string> instance;
  std::set<std::string> reads = {"t", "u"};

 private:
  void join() {
    if (eager_) owned.clear();
    JoinEvent e = GroupDriver::join(to_.next(), id_, "range", subscription(reads, owned));
    e.member_id_required = true;
    e.instance_id = instance;
    e.known_topics = to_.topics;
    waits_ = e.answer;
    to_.feed(std::move(e));
    look();
  }
  void look() {
    if (!to_.answers.contains(waits_)) return;
    const AnswerId answer = std::exchange(waits_, 0);
    if (const auto* joined = to_.answer<JoinAnswer>(answer)) return joined_as(*joined);
    const auto* synced = to_.answer<SyncAnswer>(answer);
    if (synced->error != protocol::ErrorCode::kNone) return took(synced->error);
    const auto assignment = read_assignment(synced->assignment);
    ASSERT_TRUE(assignment);
    must_join_ = false;
    for (const auto& [topic, partitions] : owned) {
      for (const std::int32_t partition : partitions) {
        const auto at = assignment->partitions.find(topic);
        if (at == assignment->partitions.end() || !at->second.contains(partition))
          must_join_ = true;  // it lets go, and says so
      }
    }
    owned = assignment->partitions;
  }
  void joined_as(const JoinAnswer& joined) {
    if (joined.error == protocol::ErrorCode::kMemberIdRequired) {
      id_ = joined.member_id;
      must_join_ = true;
      return;
    }
    if (joined.error != protocol::ErrorCode::kNone) return took(joined.error);
    id_ = joined.member_id;
    generation_ = joined.generation;
    SyncEvent e;
    e.answer = to_.next();
    e.generation = generation_;
    e.member_id = id_;
    e.instance_id = instance;
    e.protocol_type = "consumer";
    e.protocol = joined.protocol;
    e.known_topics = to_.topics;
    if (joined.leader == id_) e.assignments = assign(joined.members);
    waits_ = e.answer;
    to_.feed(std::move(e));
    look();
  }
  /// One after the other; eager only, as a cooperative assignor would have to wait for its members.
  std::map<std::string, std::string> assign(const std::vector<JoinedMember>& members) {
    std::vector<NamedPartitions> gets(members.size());
    std::size_t turn = 0;
    for (const auto& [name, topic] : to_.topics->by_name) {
      for (std::int32_t partition = 0; partition < topic.partitions; ++partition)
        gets[turn++ % gets.size()][name].insert(partition);
    }
    std::map<std::string, std::string> out;
    for (std::size_t i = 0; i < members.size(); ++i)
      out[members[i].id] = write_assignment(gets[i], 1);
    return out;
  }
  void took(protocol::ErrorCode error) {
    using protocol::ErrorCode;
    if (error == ErrorCode::kNone) return;
    must_join_ = true;
    if (error == ErrorCode::kRebalanceInProgress) return;
    owned.clear();
    if (error == ErrorCode::kUnknownMemberId) id_.clear();
    EXPECT_TRUE(error == ErrorCode::kUnknownMemberId || error == ErrorCode::kIllegalGeneration)
        << static_cast<int>(error);
  }

  Migration& to_;
  bool eager_;
  std::string id_;
  std::int32_t generation_ = -1;
  bool must_join_ = false;
  AnswerId waits_ = 0;
};

/// Speaks the consumer protocol.
class ConsumerClient {
 public:
  ConsumerClient(Migration& to, std::string id) : to_(to), id_(std::move(id)) {}

  ConsumerHeartbeatEvent event() {
    ConsumerHeartbeatEvent e;
    e.answer = to_.next();
    e.member_id = id_;
    e.epoch = epoch_;
    e.instance_id = instance;
    e.client_id = "c";
    e.client_host = "/h";
    e.known_topics = to_.topics;
    if (epoch_ == 0) {
      e.rebalance_timeout_ms = 60'000;
      e.topics.emplace(reads.begin(), reads.end());
      owned.clear();
    }
    e.owned.emplace();
    for (const auto& [name, partitions] : owned) (*e.owned)[topic_id(name)] = partitions;
    return e;
  }
  protocol::ErrorCode work() {
    ConsumerHeartbeatEvent e = event();
    const AnswerId answer = e.answer;
    to_.feed(std::move(e));
    const auto* out = to_.answer<ConsumerHeartbeatAnswer>(answer);
    if (out == nullptr) return protocol::ErrorCode::kRequestTimedOut;  // its append failed
    message = out->message.value_or("");
    if (out->error != protocol::ErrorCode::kNone) {
      epoch_ = 0;
      owned.clear();
      return out->error;
    }
    epoch_ = out->epoch;
    if (!out->assignment) return out->error;
    owned.clear();
    for (const auto& [topic, partitions] : *out->assignment)
      owned[to_.topics->names.at(topic)] = partitions;
    return out->error;
  }
  void leave(std::int32_t epoch = kLeaveEpoch) {
    ConsumerHeartbeatEvent e = event();
    e.epoch = epoch;
    to_.feed(std::move(e));
    epoch_ = 0;
    owned.clear();
  }

  NamedPartitions owned;
  std::optional<std::string> instance;
  std::set<std::string> reads = {"t", "u"};
  std::string message;

 private:
  Migration& to_;
  std::string id_;
  std::int32_t epoch_ = 0;
};

}  // namespace penstock::broker
