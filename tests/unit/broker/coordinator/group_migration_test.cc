#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

#include "tests/unit/broker/coordinator/migration_clients.h"

// A group of consumers goes from the classic to the consumer protocol and back while it is used.
namespace penstock::broker {
namespace {

using protocol::ErrorCode;

class GroupMigration : public ::testing::Test {
 protected:
  ClassicClient& classic(bool eager = true) { return classics_.emplace_back(m_, eager); }
  ConsumerClient& consumer(const std::string& id) { return consumers_.emplace_back(m_, id); }

  /// Every client works in turn; nobody may own what somebody else owns.
  void turns(int rounds = 12) {
    for (int i = 0; i < rounds; ++i) {
      for (ClassicClient& client : classics_) {
        client.work();
        check();
      }
      for (ConsumerClient& client : consumers_) {
        if (idle_.contains(&client)) continue;
        EXPECT_EQ(client.work(), ErrorCode::kNone);
        check();
      }
    }
  }
  [[nodiscard]] std::vector<const NamedPartitions*> owners() const {
    std::vector<const NamedPartitions*> out;
    for (const ClassicClient& client : classics_) out.push_back(&client.owned);
    for (const ConsumerClient& client : consumers_) out.push_back(&client.owned);
    return out;
  }
  void check() const {
    std::set<TopicPartition> seen;
    for (const NamedPartitions* owned : owners()) {
      for (const auto& [topic, partitions] : *owned) {
        for (const std::int32_t partition : partitions)
          EXPECT_TRUE(seen.insert({topic, partition}).second) << topic << partition;
      }
    }
  }
  [[nodiscard]] std::size_t owned() const {
    std::size_t out = 0;
    for (const NamedPartitions* of : owners()) {
      for (const auto& [topic, partitions] : *of) out += partitions.size();
    }
    return out;
  }
  void check_stored() const {
    const Group again = m_.reread();
    ASSERT_EQ(again.consumer.has_value(), m_.group.consumer.has_value());
    EXPECT_EQ(again.members.size(), m_.group.members.size());
    if (!again.consumer) return;
    EXPECT_EQ(again.consumer->epoch, m_.group.consumer->epoch);
    EXPECT_EQ(again.consumer->targets, m_.group.consumer->targets);
    ASSERT_EQ(again.consumer->members.size(), m_.group.consumer->members.size());
    for (const auto& [id, member] : m_.group.consumer->members) {
      EXPECT_TRUE(again.consumer->members.at(id).same_subscription(member)) << id;
      EXPECT_TRUE(again.consumer->members.at(id).same_assignment(member)) << id;
    }
  }
  ErrorCode heartbeat(const std::string& id, std::int32_t generation,
                      std::optional<std::string> instance = std::nullopt) {
    const AnswerId answer = m_.next();
    m_.feed(HeartbeatEvent{answer, generation, id, std::move(instance), m_.topics});
    return *m_.code(answer);
  }
  ErrorCode join(JoinEvent e) {
    e.known_topics = m_.topics;
    const AnswerId answer = e.answer;
    m_.feed(std::move(e));
    return *m_.code(answer);
  }

  Migration m_;
  std::deque<ClassicClient> classics_;
  std::deque<ConsumerClient> consumers_;
  std::set<const ConsumerClient*> idle_;
};

TEST_F(GroupMigration, ClassicMembersGoOnWhenTheFirstOfTheConsumerProtocolComes) {
  classic();
  classic();
  turns();
  ASSERT_EQ(owned(), 6u);
  ASSERT_FALSE(m_.group.consumer);
  const std::int32_t generation = m_.group.generation;
  ConsumerClient& first = consumer("new");
  EXPECT_EQ(first.work(), ErrorCode::kNone);
  ASSERT_TRUE(m_.group.consumer);
  EXPECT_EQ(m_.group.consumer->members.size(), 3u);
  EXPECT_EQ(m_.group.consumer->epoch, generation + 1);
  EXPECT_TRUE(first.owned.empty()) << "others have not let go";
  check_stored();
  turns();
  EXPECT_EQ(owned(), 6u);
  EXPECT_FALSE(first.owned.empty());
  for (const ClassicClient& client : classics_) {
    EXPECT_FALSE(client.owned.empty());
    EXPECT_TRUE(client.settled());
  }
  EXPECT_EQ(state_name(*m_.group.consumer), "Stable");
  check_stored();
}

TEST_F(GroupMigration, CooperativeMembersKeepWhatTheyKeep) {
  classic(false);
  turns();
  const NamedPartitions before = classics_[0].owned;
  ConsumerClient& first = consumer("new");
  turns(1);
  // It is told to let go of some, and reads the others meanwhile.
  EXPECT_FALSE(classics_[0].owned.empty());
  turns();
  EXPECT_EQ(owned(), 6u);
  EXPECT_FALSE(first.owned.empty());
  for (const auto& [topic, partitions] : classics_[0].owned) {
    for (const std::int32_t partition : partitions)
      EXPECT_TRUE(before.at(topic).contains(partition));
  }
}

TEST_F(GroupMigration, ARollingUpgradeAndBack) {
  classic();
  classic();
  turns();
  consumer("x");
  turns();
  classics_[0].leave();
  classics_.pop_front();
  consumer("y");
  turns();
  EXPECT_EQ(owned(), 6u);
  classics_[0].leave();
  classics_.pop_front();
  turns();
  EXPECT_EQ(owned(), 6u);
  ASSERT_TRUE(m_.group.consumer);
  EXPECT_EQ(m_.group.consumer->members.size(), 2u);
  check_stored();

  classic();
  turns();
  EXPECT_EQ(owned(), 6u);
  EXPECT_FALSE(classics_[0].owned.empty());
  consumers_[0].leave();
  consumers_.pop_front();
  classic();
  turns();
  EXPECT_EQ(owned(), 6u);
  const std::int32_t epoch = m_.group.consumer->epoch;
  consumers_[0].leave();
  consumers_.pop_front();
  ASSERT_FALSE(m_.group.consumer);
  EXPECT_EQ(m_.group.generation, epoch);
  EXPECT_EQ(m_.group.protocol_type, "consumer");
  EXPECT_EQ(m_.group.state, GroupState::kPreparingRebalance);
  check_stored();
  EXPECT_EQ(m_.reread().state, GroupState::kPreparingRebalance) << "after a restart too";
  turns();
  EXPECT_EQ(owned(), 6u);
  EXPECT_EQ(m_.group.state, GroupState::kStable);
  EXPECT_EQ(m_.reread().state, GroupState::kStable);
  check_stored();
}

TEST_F(GroupMigration, TheLastOfTheConsumerProtocolMayFallSilent) {
  classic();
  turns();
  consumer("x");
  turns();
  idle_.insert(&consumers_[0]);
  for (int i = 0; i < 10; ++i) {
    m_.pass(5'000);
    for (ClassicClient& client : classics_) client.work();
  }
  ASSERT_FALSE(m_.group.consumer);
  consumers_.clear();
  turns();
  EXPECT_EQ(owned(), 6u);
  check_stored();
}

TEST_F(GroupMigration, AClassicMemberThatDoesNotJoinAgainIsFenced) {
  classic();
  turns();
  ConsumerClient& x = consumer("x");
  EXPECT_EQ(x.work(), ErrorCode::kNone);
  const std::string id = classics_[0].id();
  const std::int32_t generation = m_.group.consumer->members.at(id).epoch;
  EXPECT_EQ(heartbeat(id, generation), ErrorCode::kRebalanceInProgress);
  for (int i = 0; i < 13 && m_.group.consumer->members.contains(id); ++i) {
    m_.pass(5'000);  // it goes on to be heard, but does not come
    if (m_.group.consumer->members.contains(id)) {
      EXPECT_EQ(heartbeat(id, generation), ErrorCode::kRebalanceInProgress);
    }
    EXPECT_EQ(x.work(), ErrorCode::kNone);
  }
  EXPECT_EQ(heartbeat(id, generation), ErrorCode::kUnknownMemberId);
  classics_.clear();
  turns();
  EXPECT_EQ(owned(), 6u);
}

TEST_F(GroupMigration, APolicyForbidsWhatItForbids) {
  classic();
  turns();
  for (const MigrationPolicy policy : {MigrationPolicy::kDisabled, MigrationPolicy::kDowngrade}) {
    m_.limits.migration = policy;
    ConsumerClient refused(m_, "x");
    EXPECT_EQ(refused.work(), ErrorCode::kGroupIdNotFound);
    EXPECT_EQ(refused.message,
              "Cannot upgrade classic group g to consumer group because online upgrade is "
              "disabled.");
  }
  ASSERT_FALSE(m_.group.consumer);
  m_.limits.migration = MigrationPolicy::kUpgrade;
  ConsumerClient& x = consumer("x");
  turns();
  x.leave();
  consumers_.clear();
  ASSERT_TRUE(m_.group.consumer) << "there is no way back";
  turns();
  EXPECT_EQ(owned(), 6u) << "classic members go on by themselves";
  m_.limits.migration = MigrationPolicy::kDisabled;
  EXPECT_EQ(join(GroupDriver::join(m_.next(), "", "range", subscription({"t"}))),
            ErrorCode::kInconsistentGroupProtocol);
}

TEST_F(GroupMigration, OnlyGroupsOfConsumersThatCanBeReadAreTakenOver) {
  JoinEvent connect = GroupDriver::join(m_.next(), "", "sessioned", "m");
  connect.protocol_type = "connect";
  m_.feed(connect);
  ConsumerClient x(m_, "x");
  EXPECT_EQ(x.work(), ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(x.message,
            "Cannot upgrade classic group g to consumer group because the group does not use the "
            "consumer embedded protocol.");

  Migration malformed;
  malformed.feed(GroupDriver::join(malformed.next(), "", "range", "m"));
  ConsumerClient y(malformed, "y");
  EXPECT_EQ(y.work(), ErrorCode::kGroupIdNotFound);
  EXPECT_EQ(y.message,
            "Cannot upgrade classic group g to consumer group because the embedded consumer "
            "protocol is malformed.");

  Migration custom;
  custom.feed(GroupDriver::join(custom.next(), "", "range", subscription({"t"})));
  const std::string id = custom.group.members.begin()->first;
  const std::string with_user_data("\0\0\0\0\0\0\0\0\0\1x", 11);
  custom.feed(GroupDriver::sync(custom.next(), 1, id, {{id, with_user_data}}));
  ConsumerClient z(custom, "z");
  EXPECT_EQ(z.work(), ErrorCode::kGroupIdNotFound);
  EXPECT_NE(z.message.find("unsupported custom assignor"), std::string::npos);

  Migration large;
  large.limits.consumer_members_max = 1;
  large.feed(GroupDriver::join(large.next(), "", "range", subscription({"t"})));
  ConsumerClient one(large, "one");
  EXPECT_EQ(one.work(), ErrorCode::kGroupMaxSizeReached);
  EXPECT_FALSE(large.group.consumer) << "a refused member changes nothing";
}

TEST_F(GroupMigration, WhoWaitsInTheClassicGroupIsSentToTheNewOne) {
  classic();
  turns();
  classic();
  classics_[1].work();
  classics_[1].work();  // waits for the first to come
  ASSERT_EQ(m_.group.state, GroupState::kPreparingRebalance);
  consumer("x");
  turns();
  EXPECT_TRUE(m_.group.consumer);
  EXPECT_EQ(owned(), 6u);
}

TEST_F(GroupMigration, RequestsOfClassicMembersAreChecked) {
  classic();
  turns();
  classics_[0].instance.reset();
  consumer("x");
  turns();
  const std::string id = classics_[0].id();
  const std::int32_t epoch = m_.group.consumer->members.at(id).epoch;
  EXPECT_EQ(heartbeat(id, epoch), ErrorCode::kNone);
  EXPECT_EQ(heartbeat(id, epoch - 1), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(heartbeat("stranger", epoch), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(heartbeat("x", epoch), ErrorCode::kUnknownMemberId) << "of the other protocol";
  EXPECT_EQ(heartbeat(id, epoch, "nobody"), ErrorCode::kUnknownMemberId);
  const auto sync = [&](std::int32_t generation, std::optional<std::string> type,
                        std::optional<std::string> protocol) {
    SyncEvent e = GroupDriver::sync(m_.next(), generation, id);
    e.protocol_type = std::move(type);
    e.protocol = std::move(protocol);
    e.known_topics = m_.topics;
    const AnswerId answer = e.answer;
    m_.feed(std::move(e));
    return *m_.code(answer);
  };
  EXPECT_EQ(sync(epoch, "consumer", "range"), ErrorCode::kNone);
  EXPECT_EQ(sync(epoch, std::nullopt, std::nullopt), ErrorCode::kNone);
  EXPECT_EQ(sync(epoch - 1, "consumer", "range"), ErrorCode::kIllegalGeneration);
  EXPECT_EQ(sync(epoch, "connect", "range"), ErrorCode::kInconsistentGroupProtocol);
  EXPECT_EQ(sync(epoch, "consumer", "other"), ErrorCode::kInconsistentGroupProtocol);
  const auto joins = [&](JoinEvent e) { return join(std::move(e)); };
  EXPECT_EQ(joins(GroupDriver::join(m_.next(), "", "other", subscription({"t"}))),
            ErrorCode::kInconsistentGroupProtocol);
  EXPECT_EQ(joins(GroupDriver::join(m_.next(), "", "range", "m")),
            ErrorCode::kInconsistentGroupProtocol);
  JoinEvent connect = GroupDriver::join(m_.next(), "", "range", subscription({"t"}));
  connect.protocol_type = "connect";
  EXPECT_EQ(joins(connect), ErrorCode::kInconsistentGroupProtocol);
  JoinEvent stranger = GroupDriver::join(m_.next(), "stranger", "range", subscription({"t"}));
  stranger.instance_id = "nobody";
  EXPECT_EQ(joins(stranger), ErrorCode::kUnknownMemberId);
  m_.limits.consumer_members_max = 2;
  EXPECT_EQ(joins(GroupDriver::join(m_.next(), "", "range", subscription({"t"}))),
            ErrorCode::kGroupMaxSizeReached);
  CommitEvent commit;
  commit.answer = m_.next();
  commit.member_id = id;
  commit.generation = epoch + 1;
  commit.known_topics = m_.topics;
  m_.feed(commit);
  EXPECT_EQ(m_.code(commit.answer), ErrorCode::kIllegalGeneration);
  commit.answer = m_.next();
  commit.generation = epoch;
  m_.feed(commit);
  EXPECT_EQ(m_.code(commit.answer), ErrorCode::kNone) << "though it does not know epochs";
}

TEST_F(GroupMigration, StaticMembersTakeTheirPlaceWithThem) {
  classic().instance = "one";
  classic().instance = "two";
  turns();
  ASSERT_EQ(owned(), 6u);
  // The first comes back with the other protocol, without a good-bye.
  const NamedPartitions before = classics_[0].owned;
  classics_.pop_front();
  consumer("new-one").instance = "one";
  turns();
  ASSERT_TRUE(m_.group.consumer);
  EXPECT_EQ(m_.group.consumer->members.size(), 2u);
  EXPECT_EQ(consumers_[0].owned, before);
  EXPECT_EQ(owned(), 6u);
  check_stored();
  // And back: it was the last, so the group is a classic one again, with nothing to rebalance.
  consumers_[0].leave(kLeaveStaticEpoch);
  consumers_.clear();
  ClassicClient& back = classics_.emplace_front(m_, true);
  back.instance = "one";
  back.work();
  ASSERT_FALSE(m_.group.consumer);
  EXPECT_EQ(m_.group.state, GroupState::kStable);
  EXPECT_EQ(back.owned, before);
  turns();
  EXPECT_EQ(owned(), 6u);
  check_stored();
}

// Its classic members wait for each other, and nobody has the partitions of the one that left.
TEST_F(GroupMigration, AStaticMemberThatComesInARebalanceLeavesNoPartitionBehind) {
  classic();
  classic().instance = "one";
  classic();
  turns();
  ASSERT_EQ(owned(), 6u);
  classics_.back().leave();
  classics_.pop_back();
  ASSERT_EQ(m_.group.state, GroupState::kPreparingRebalance);
  classics_.pop_back();
  consumer("new-one").instance = "one";
  turns();
  ASSERT_TRUE(m_.group.consumer);
  EXPECT_EQ(m_.group.consumer->members.size(), 2u);
  EXPECT_EQ(owned(), 6u);
  check_stored();
}

TEST_F(GroupMigration, SubscriptionsThatFillABatchAreNotTakenOver) {
  m_.limits.classic_bytes_max = 10;
  classic();
  turns();
  EXPECT_EQ(consumer("new").work(), ErrorCode::kGroupIdNotFound);
  EXPECT_FALSE(m_.group.consumer);
}

TEST_F(GroupMigration, AStaticMemberThatComesBackWithOtherTopicsRebalances) {
  classic().instance = "one";
  turns();
  ConsumerClient& x = consumer("x");
  x.instance = "two";
  turns();
  x.leave(kLeaveStaticEpoch);
  consumers_.clear();
  ClassicClient& back = classic();
  back.instance = "two";
  back.reads = {"t"};
  turns();
  ASSERT_FALSE(m_.group.consumer);
  EXPECT_EQ(m_.group.state, GroupState::kStable);
  EXPECT_EQ(owned(), 6u);
  check_stored();
}

TEST_F(GroupMigration, AWayBackThatIsNotFinishedForgetsNoOwner) {
  ClassicClient& owner = classic();
  turns();
  ClassicClient& other = classic();
  ConsumerClient& x = consumer("x");
  EXPECT_EQ(x.work(), ErrorCode::kNone);
  other.work();  // gets an id
  other.work();  // joins: the target gives it some, which the owner has not let go of
  x.leave();
  ASSERT_FALSE(m_.group.consumer);
  EXPECT_EQ(m_.group.members.at(owner.id()).assignment, write_assignment(owner.owned, 1));
  ConsumerClient& y = consumer("y");
  for (int i = 0; i < 3; ++i) {
    other.work();
    EXPECT_EQ(y.work(), ErrorCode::kNone);
    check();
  }
  turns();
  EXPECT_EQ(owned(), 6u);
}

TEST_F(GroupMigration, WhatCouldNotBeStoredOfAChangeIsStoredLater) {
  classic();
  turns();
  m_.confirm = false;
  consumer("x");
  EXPECT_EQ(consumers_[0].work(), ErrorCode::kRequestTimedOut);
  m_.confirm_all(ErrorCode::kStorageError);
  EXPECT_FALSE(m_.reread().consumer);
  EXPECT_FALSE(m_.group.unsaved.empty());
  m_.confirm = true;
  turns();
  EXPECT_TRUE(m_.group.unsaved.empty());
  EXPECT_TRUE(m_.reread().members.empty());
  check_stored();
  m_.confirm = false;
  consumers_[0].leave();
  m_.confirm_all(ErrorCode::kStorageError);
  EXPECT_TRUE(m_.reread().consumer);
  m_.confirm = true;
  consumers_.clear();
  turns();
  EXPECT_TRUE(m_.group.unsaved.empty());
  EXPECT_FALSE(m_.reread().consumer);
  EXPECT_EQ(m_.reread().members.size(), 1u);
}

/// Of Apache Kafka 4.3.0, for a member that it took over from the classic protocol.
const std::string kKafkasMember =
    "000000000d646966666572656e7469616c0b2f3132372e302e302e3102066d6f"
    "76656401000075300001002a0100007530020672616e67651c00030000000100"
    "056d6f766564ffffffff00000000ffffffffffff0000";

TEST_F(GroupMigration, AClassicMemberIsStoredAsKafkaStoresIt) {
  std::string bytes;
  for (std::size_t i = 0; i < kKafkasMember.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(kKafkasMember.substr(i, 2), nullptr, 16)));
  Group group;
  group.id = "moved";
  const ConsumerRecordKey key{ConsumerRecord::kMember, "moved", "member"};
  ASSERT_TRUE(apply_consumer_record(group, key, bytes));
  const ConsumerMember& member = group.consumer->members.at("member");
  ASSERT_TRUE(member.classic);
  EXPECT_EQ(member.classic->session_timeout_ms, 30'000);
  ASSERT_EQ(member.classic->protocols.size(), 1u);
  EXPECT_EQ(member.classic->protocols[0].name, "range");
  EXPECT_TRUE(read_subscription(member.classic->protocols[0].metadata)->topics.contains("moved"));
  EXPECT_EQ(consumer_record(group, key).value, bytes);
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(apply_consumer_record(group, key, bytes.substr(0, n))) << n;
}

TEST_F(GroupMigration, ManyClientsOfBothKindsNeverShareAPartition) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto pick = [&random](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  int names = 0;
  for (int i = 0; i < 1500 && !HasFailure(); ++i) {
    switch (pick(24)) {
      case 0:
        if (classics_.size() < 4) classic();
        break;
      case 1:
        if (consumers_.size() < 4) consumer("c" + std::to_string(names++));
        break;
      case 2:
        if (!classics_.empty() && classics_[0].settled()) {
          classics_[0].leave();
          classics_.pop_front();
        }
        break;
      case 3:
        if (!consumers_.empty()) {
          consumers_[0].leave();
          consumers_.pop_front();
        }
        break;
      case 4:
        m_.pass(static_cast<std::int64_t>(pick(200)));
        break;
      default:
        if (!classics_.empty() && pick(2) == 0)
          classics_[pick(classics_.size())].work();
        else if (!consumers_.empty())
          consumers_[pick(consumers_.size())].work();
    }
    check();
    EXPECT_EQ(m_.reread().consumer.has_value(), m_.group.consumer.has_value());
  }
  if (classics_.empty() && consumers_.empty()) classic();
  turns(30);
  EXPECT_EQ(owned(), 6u);
}

}  // namespace
}  // namespace penstock::broker
