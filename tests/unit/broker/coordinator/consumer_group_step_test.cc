#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "broker/coordinator/consumer_records.h"
#include "broker/coordinator/offsets_records.h"
#include "tests/unit/broker/coordinator/group_driver.h"

namespace penstock::broker {
namespace {

using protocol::ErrorCode;

/// A group of the consumer protocol with the topics `t` (4 partitions) and `u` (2).
class ConsumerGroupStep : public ::testing::Test {
 protected:
  ConsumerGroupStep() { topics({{"t", 4}, {"u", 2}}); }

  void topics(const std::map<std::string, std::int32_t>& all) {
    auto fresh = std::make_shared<GroupTopics>();
    fresh->version = known_ ? known_->version + 1 : 1;
    for (const auto& [name, partitions] : all) {
      fresh->by_name[name] = {id(name), partitions};
      fresh->names[id(name)] = name;
    }
    known_ = fresh;
  }
  static Uuid id(const std::string& name) { return Uuid{static_cast<std::uint64_t>(name[0]), 7}; }

  ConsumerHeartbeatEvent beat(const std::string& member, std::int32_t epoch) {
    ConsumerHeartbeatEvent e;
    e.answer = next_++;
    e.member_id = member;
    e.epoch = epoch;
    e.client_id = "c";
    e.client_host = "/h";
    e.known_topics = known_;
    return e;
  }
  ConsumerHeartbeatEvent join(const std::string& member, std::set<std::string, std::less<>> names) {
    ConsumerHeartbeatEvent e = beat(member, 0);
    e.rebalance_timeout_ms = 10'000;
    e.topics = std::move(names);
    e.owned.emplace();
    return e;
  }
  ConsumerHeartbeatAnswer ask(ConsumerHeartbeatEvent e) {
    const AnswerId to = e.answer;
    d_.feed(std::move(e));
    const auto* out = d_.answer<ConsumerHeartbeatAnswer>(to);
    if (out == nullptr) {
      ADD_FAILURE() << "no answer";
      return {};
    }
    return *out;
  }
  /// Heartbeats as a client sends them, until nothing changes.
  void settle(std::map<std::string, std::pair<std::int32_t, Assignment>>& members) {
    for (int round = 0; round < 8; ++round) {
      for (auto& [member, state] : members) {
        ConsumerHeartbeatEvent e = beat(member, state.first);
        e.owned = state.second;
        const ConsumerHeartbeatAnswer out = ask(std::move(e));
        ASSERT_EQ(out.error, ErrorCode::kNone);
        state.first = out.epoch;
        if (out.assignment) state.second = *out.assignment;
      }
    }
  }
  /// What a restart makes of what was stored.
  Group reread() {
    Group group;
    group.id = "g";
    for (const Store::Record& record : d_.log) {
      const auto key = decode_key(record.key);
      EXPECT_TRUE(key.has_value());
      if (const auto* part = std::get_if<ConsumerRecordKey>(&*key)) {
        std::optional<std::string_view> value;
        if (record.value) value = *record.value;
        EXPECT_TRUE(apply_consumer_record(group, *part, value).has_value());
      }
    }
    return group;
  }
  void check_stored() {
    const Group again = reread();
    ASSERT_EQ(again.consumer.has_value(), d_.group.consumer.has_value());
    if (!again.consumer) return;
    const ConsumerGroup& a = *again.consumer;
    const ConsumerGroup& b = *d_.group.consumer;
    EXPECT_EQ(a.epoch, b.epoch);
    EXPECT_EQ(a.assignment_epoch, b.assignment_epoch);
    EXPECT_EQ(a.targets, b.targets);
    EXPECT_EQ(a.static_members, b.static_members);
    ASSERT_EQ(a.members.size(), b.members.size());
    for (const auto& [member, state] : b.members) {
      EXPECT_TRUE(a.members.at(member).same_subscription(state)) << member;
      EXPECT_TRUE(a.members.at(member).same_assignment(state)) << member;
    }
  }

  GroupDriver d_;
  GroupTopicsRef known_;
  AnswerId next_ = 1;
};

TEST_F(ConsumerGroupStep, TheFirstMemberGetsAllAtOnce) {
  const auto out = ask(join("a", {"t", "u"}));
  EXPECT_EQ(out.error, ErrorCode::kNone);
  EXPECT_EQ(out.epoch, 2);
  EXPECT_EQ(out.heartbeat_interval_ms, 5'000);
  ASSERT_TRUE(out.assignment);
  EXPECT_EQ(out.assignment->at(id("t")).size(), 4u);
  EXPECT_EQ(out.assignment->at(id("u")).size(), 2u);
  EXPECT_EQ(state_name(*d_.group.consumer), "Stable");
  check_stored();
}

TEST_F(ConsumerGroupStep, AnAnswerWaitsUntilItIsStored) {
  d_.confirm = false;
  ConsumerHeartbeatEvent first = join("a", {"t"});
  const AnswerId to = first.answer;
  d_.feed(std::move(first));
  ConsumerHeartbeatEvent again = beat("a", 2);
  const AnswerId second = again.answer;
  d_.feed(std::move(again));
  EXPECT_EQ(d_.answer<ConsumerHeartbeatAnswer>(to), nullptr);
  EXPECT_EQ(d_.answer<ConsumerHeartbeatAnswer>(second), nullptr);
  d_.confirm_all();
  EXPECT_NE(d_.answer<ConsumerHeartbeatAnswer>(to), nullptr);
  EXPECT_NE(d_.answer<ConsumerHeartbeatAnswer>(second), nullptr);
}

TEST_F(ConsumerGroupStep, WhatCouldNotBeStoredIsStoredLater) {
  d_.confirm = false;
  ConsumerHeartbeatEvent first = join("a", {"t"});
  const AnswerId to = first.answer;
  d_.feed(std::move(first));
  d_.confirm_all(ErrorCode::kStorageError);
  EXPECT_EQ(d_.answer<ConsumerHeartbeatAnswer>(to)->error, ErrorCode::kNotCoordinator);
  d_.confirm = true;
  EXPECT_EQ(ask(join("b", {"t"})).error, ErrorCode::kNone);
  check_stored();
}

TEST_F(ConsumerGroupStep, APartitionIsGivenOnlyAfterItsOwnerLetGo) {
  const Assignment all = *ask(join("a", {"t"})).assignment;
  const auto joined = ask(join("b", {"t"}));
  EXPECT_EQ(joined.epoch, 3);
  EXPECT_TRUE(joined.assignment->empty());

  // The first is told to keep two, and stays in its epoch until it says that it did.
  ConsumerHeartbeatEvent told = beat("a", 2);
  const auto revoke = ask(std::move(told));
  EXPECT_EQ(revoke.epoch, 2);
  ASSERT_TRUE(revoke.assignment);
  EXPECT_EQ(revoke.assignment->at(id("t")).size(), 2u);
  EXPECT_FALSE(ask(beat("b", 3)).assignment);
  EXPECT_EQ(state_name(*d_.group.consumer), "Reconciling");

  ConsumerHeartbeatEvent still = beat("a", 2);
  still.owned = all;
  EXPECT_EQ(ask(std::move(still)).epoch, 2);
  EXPECT_FALSE(ask(beat("b", 3)).assignment);

  ConsumerHeartbeatEvent done = beat("a", 2);
  done.owned = revoke.assignment;
  EXPECT_EQ(ask(std::move(done)).epoch, 3);
  const auto given = ask(beat("b", 3));
  ASSERT_TRUE(given.assignment);
  EXPECT_EQ(given.assignment->at(id("t")).size(), 2u);
  EXPECT_EQ(state_name(*d_.group.consumer), "Stable");
  check_stored();
}

TEST_F(ConsumerGroupStep, WhoDoesNotLetGoInTimeIsFenced) {
  ASSERT_EQ(ask(join("a", {"t"})).error, ErrorCode::kNone);
  ASSERT_EQ(ask(join("b", {"t"})).error, ErrorCode::kNone);
  ASSERT_EQ(ask(beat("a", 2)).epoch, 2);
  d_.pass(10'001);
  EXPECT_FALSE(d_.group.consumer->members.contains("a"));
  EXPECT_EQ(ask(beat("a", 2)).error, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(ask(beat("b", 3)).assignment->at(id("t")).size(), 4u);
  check_stored();
}

TEST_F(ConsumerGroupStep, TargetsAreComputedAsOftenAsTheIntervalAllows) {
  d_.limits.consumer_assignment_interval_ms = 1'000;
  std::map<std::string, std::pair<std::int32_t, Assignment>> members;
  members["a"] = {ask(join("a", {"t"})).epoch, {{id("t"), {0, 1, 2, 3}}}};
  EXPECT_EQ(members["a"].first, 2) << "the first is computed at once";
  const auto second = ask(join("b", {"t"}));
  EXPECT_EQ(second.epoch, 2) << "of the target that there is";
  EXPECT_TRUE(second.assignment->empty());
  EXPECT_EQ(state_name(*d_.group.consumer), "Assigning");
  EXPECT_EQ(reread().consumer->assigned_ms, d_.group.consumer->assigned_ms);
  d_.pass(999);
  EXPECT_EQ(ask(beat("a", 2)).epoch, 2);
  d_.pass(1);
  members["b"] = {2, {}};
  settle(members);
  EXPECT_EQ(members["a"].second.at(id("t")).size(), 2u);
  EXPECT_EQ(members["b"].second.at(id("t")).size(), 2u);
  check_stored();
}

TEST_F(ConsumerGroupStep, ATopicThatIsNoLongerReadIsLetGoAtOnceAllTheSame) {
  d_.limits.consumer_assignment_interval_ms = 1'000;
  const std::int32_t epoch = ask(join("a", {"t", "u"})).epoch;
  ConsumerHeartbeatEvent e = beat("a", epoch);
  e.topics.emplace({std::string("u")});
  e.owned = Assignment{{id("t"), {0, 1, 2, 3}}, {id("u"), {0, 1}}};
  const auto out = ask(std::move(e));
  EXPECT_EQ(out.epoch, epoch);
  EXPECT_EQ(out.assignment, (Assignment{{id("u"), {0, 1}}}));
  EXPECT_EQ(d_.group.consumer->members.at("a").state, ConsumerMemberState::kUnrevoked);
  check_stored();
  ConsumerHeartbeatEvent done = beat("a", epoch);
  done.owned = Assignment{{id("u"), {0, 1}}};
  EXPECT_EQ(ask(std::move(done)).error, ErrorCode::kNone);
  EXPECT_EQ(d_.group.consumer->members.at("a").state, ConsumerMemberState::kStable);
  check_stored();
}

TEST_F(ConsumerGroupStep, WhoIsSilentIsFenced) {
  ASSERT_EQ(ask(join("a", {"t"})).error, ErrorCode::kNone);
  d_.pass(44'000);
  ASSERT_EQ(ask(beat("a", 2)).error, ErrorCode::kNone);
  d_.pass(44'000);
  EXPECT_TRUE(d_.group.consumer->members.contains("a"));
  d_.pass(1'001);
  EXPECT_TRUE(d_.group.consumer->members.empty());
  EXPECT_EQ(state_name(*d_.group.consumer), "Empty");
  check_stored();
}

TEST_F(ConsumerGroupStep, EpochsFence) {
  const auto first = ask(join("a", {"t"}));
  EXPECT_EQ(ask(beat("a", 3)).error, ErrorCode::kFencedMemberEpoch);
  EXPECT_EQ(ask(beat("x", 2)).error, ErrorCode::kUnknownMemberId);
  ASSERT_EQ(ask(join("b", {"t"})).error, ErrorCode::kNone);
  ConsumerHeartbeatEvent let_go = beat("a", 2);
  let_go.owned.emplace();
  ASSERT_EQ(ask(std::move(let_go)).epoch, 3);
  // The answer was lost: the old epoch is good while it owns no more than it should.
  ConsumerHeartbeatEvent lost = beat("a", 2);
  lost.owned.emplace();
  EXPECT_EQ(ask(std::move(lost)).epoch, 3);
  ConsumerHeartbeatEvent greedy = beat("a", 2);
  greedy.owned = first.assignment;
  EXPECT_EQ(ask(std::move(greedy)).error, ErrorCode::kFencedMemberEpoch);
}

TEST_F(ConsumerGroupStep, StaticMembersKeepTheirPlace) {
  ConsumerHeartbeatEvent first = join("a", {"t"});
  first.instance_id = "i";
  const auto before = ask(std::move(first));
  ConsumerHeartbeatEvent early = join("b", {"t"});
  early.instance_id = "i";
  EXPECT_EQ(ask(early).error, ErrorCode::kUnreleasedInstanceId);

  ConsumerHeartbeatEvent leave = beat("a", kLeaveStaticEpoch);
  leave.instance_id = "i";
  EXPECT_EQ(ask(std::move(leave)).epoch, kLeaveStaticEpoch);
  ConsumerHeartbeatEvent back = join("b", {"t"});
  back.instance_id = "i";
  const auto after = ask(std::move(back));
  EXPECT_EQ(after.error, ErrorCode::kNone);
  EXPECT_EQ(after.epoch, before.epoch);
  EXPECT_EQ(after.assignment, before.assignment);
  ConsumerHeartbeatEvent old = beat("a", 2);
  old.instance_id = "i";
  EXPECT_EQ(ask(std::move(old)).error, ErrorCode::kFencedInstanceId);
  check_stored();
}

TEST_F(ConsumerGroupStep, AMemberLetsGoOfTheInstanceIdThatItHad) {
  const auto join_as = [this](const std::string& member, const std::string& instance) {
    ConsumerHeartbeatEvent e = join(member, {"t"});
    e.instance_id = instance;
    return ask(std::move(e)).error;
  };
  const auto leave = [this](const std::string& member, std::int32_t epoch,
                            const std::string& instance) {
    ConsumerHeartbeatEvent e = beat(member, epoch);
    e.instance_id = instance;
    return ask(std::move(e)).error;
  };
  using Instances = std::map<std::string, std::string>;
  const auto instances = [this] { return d_.group.consumer->static_members; };
  EXPECT_EQ(join_as("m2", "A"), ErrorCode::kNone);
  EXPECT_EQ(join_as("m2", "B"), ErrorCode::kNone);
  EXPECT_EQ(instances(), (Instances{{"B", "m2"}}));
  check_stored();
  EXPECT_EQ(leave("m2", kLeaveEpoch, "B"), ErrorCode::kNone);
  EXPECT_EQ(instances(), Instances());
  EXPECT_EQ(leave("m2", 1, "A"), ErrorCode::kUnknownMemberId);

  // m4 takes the place of A, which left for a while, and was C until then.
  EXPECT_EQ(join_as("m3", "A"), ErrorCode::kNone);
  EXPECT_EQ(join_as("m4", "C"), ErrorCode::kNone);
  EXPECT_EQ(leave("m3", kLeaveStaticEpoch, "A"), ErrorCode::kNone);
  EXPECT_EQ(join_as("m4", "A"), ErrorCode::kNone);
  EXPECT_EQ(instances(), (Instances{{"A", "m4"}}));
  EXPECT_EQ(d_.group.consumer->members.size(), 1U);
  check_stored();
}

TEST_F(ConsumerGroupStep, InstancesAndMembersAgreeWhateverComes) {
  std::mt19937 random(5);
  const std::vector<std::string> members{"a", "b", "c"};
  const std::vector<std::string> instances{"", "i", "j"};
  for (int round = 0; round < 3'000; ++round) {
    const std::string& member = members[random() % members.size()];
    const std::string& instance = instances[random() % instances.size()];
    ConsumerHeartbeatEvent e = join(member, {random() % 2 == 0 ? "t" : "u"});
    e.epoch = static_cast<std::int32_t>(random() % 4) - 2;
    if (d_.group.consumer && e.epoch == 1 && d_.group.consumer->members.contains(member))
      e.epoch = d_.group.consumer->members.at(member).epoch;
    if (!instance.empty()) e.instance_id = instance;
    if (e.epoch != kLeaveStaticEpoch || e.instance_id) static_cast<void>(ask(std::move(e)));
    if (round % 50 == 0) d_.pass(60'000);  // all are silent too long
    if (!d_.group.consumer) continue;
    std::map<std::string, std::string> expected;
    for (const auto& [id, state] : d_.group.consumer->members) {
      if (state.instance_id) expected[*state.instance_id] = id;
    }
    ASSERT_EQ(d_.group.consumer->static_members, expected) << "round " << round;
  }
  check_stored();
}

TEST_F(ConsumerGroupStep, LeavingGivesPartitionsToTheOthers) {
  ASSERT_EQ(ask(join("a", {"t"})).error, ErrorCode::kNone);
  ASSERT_EQ(ask(join("b", {"t"})).error, ErrorCode::kNone);
  EXPECT_EQ(ask(beat("a", kLeaveEpoch)).epoch, kLeaveEpoch);
  EXPECT_EQ(ask(beat("b", 3)).assignment->at(id("t")).size(), 4u);
  check_stored();
}

TEST_F(ConsumerGroupStep, NewPartitionsAndDeletedTopicsAreSeen) {
  ASSERT_EQ(ask(join("a", {"t", "u"})).epoch, 2);
  topics({{"t", 5}, {"u", 2}});
  const auto grown = ask(beat("a", 2));
  EXPECT_EQ(grown.epoch, 3);
  EXPECT_EQ(grown.assignment->at(id("t")).size(), 5u);
  topics({{"t", 5}});
  const auto shrunk = ask(beat("a", 3));
  EXPECT_EQ(shrunk.epoch, 3);
  EXPECT_FALSE(shrunk.assignment->contains(id("u")));
  topics({{"t", 5}, {"z", 1}});
  ConsumerHeartbeatEvent owns = beat("a", 3);
  owns.owned = shrunk.assignment;
  EXPECT_EQ(ask(std::move(owns)).epoch, 4);
  EXPECT_EQ(ask(beat("a", 4)).epoch, 4);  // a topic that nobody reads changes nothing
}

TEST_F(ConsumerGroupStep, RegularExpressionsMatchWholeNamesNowAndLater) {
  ConsumerHeartbeatEvent e = join("a", {});
  e.regex = "t.?";
  EXPECT_EQ(ask(std::move(e)).assignment->size(), 1u);
  topics({{"t", 4}, {"u", 2}, {"ta", 1}, {"tab", 1}});
  EXPECT_EQ(subscribed_topics(*d_.group.consumer), (std::set<std::string, std::less<>>{"t"}));
  ASSERT_EQ(ask(beat("a", 2)).error, ErrorCode::kNone);
  EXPECT_EQ(subscribed_topics(*d_.group.consumer), (std::set<std::string, std::less<>>{"t", "ta"}));
  check_stored();
  ConsumerHeartbeatEvent wrong = beat("a", 3);
  wrong.regex = "(";
  EXPECT_EQ(ask(std::move(wrong)).error, ErrorCode::kInvalidRegularExpression);
  ConsumerHeartbeatEvent huge = beat("a", 3);
  huge.regex = "((a{100}){100}){100}";
  EXPECT_EQ(ask(std::move(huge)).error, ErrorCode::kInvalidRegularExpression);
}

TEST_F(ConsumerGroupStep, AssignorsAreThoseOfTheBroker) {
  ConsumerHeartbeatEvent e = join("a", {"t"});
  e.assignor = "sticky";
  EXPECT_EQ(ask(e).error, ErrorCode::kUnsupportedAssignor);
  EXPECT_TRUE(d_.group.is_void());
  e.answer = next_++;
  e.assignor = "range";
  EXPECT_EQ(ask(e).error, ErrorCode::kNone);
  EXPECT_EQ(assignor_of(*d_.group.consumer, "uniform"), "range");
}

TEST_F(ConsumerGroupStep, AStoredAssignorThatIsNotHereHasNoSay) {
  ConsumerGroup& group = d_.group.consumer.emplace();
  group.epoch = 3;
  for (const char* name : {"a", "b"}) {
    ConsumerMember& member = group.members[name];
    member.id = name;
    member.assignor = "of-another-broker";
    member.topics = {"t"};
    member.session_deadline_ms = d_.now.steady_ms + 60'000;
  }
  EXPECT_EQ(assignor_of(group, "uniform"), "uniform");
  const auto out = ask(join("c", {"t"}));
  EXPECT_EQ(out.error, ErrorCode::kNone);
  EXPECT_EQ(group.assignment_epoch, group.epoch);
  group.members["a"].assignor = "range";
  EXPECT_EQ(assignor_of(group, "uniform"), "range");
}

TEST_F(ConsumerGroupStep, GroupsHaveAMostSize) {
  d_.limits.consumer_members_max = 1;
  ASSERT_EQ(ask(join("a", {"t"})).error, ErrorCode::kNone);
  EXPECT_EQ(ask(join("b", {"t"})).error, ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(ask(join("a", {"t"})).error, ErrorCode::kNone);
}

TEST_F(ConsumerGroupStep, CommitsNeedTheMembersEpoch) {
  ASSERT_EQ(ask(join("a", {"t"})).error, ErrorCode::kNone);
  const auto commit = [&](std::string member, std::int32_t epoch, std::int32_t partition = 0,
                          bool knows = true) {
    CommitEvent e;
    e.answer = next_++;
    const AnswerId to = e.answer;
    e.member_id = std::move(member);
    e.generation = epoch;
    e.knows_epochs = knows;
    e.known_topics = known_;
    CommittedOffset offset;
    offset.offset = 5;
    e.offsets.emplace_back(TopicPartition("t", partition), offset);
    d_.feed(std::move(e));
    return d_.code(to);
  };
  EXPECT_EQ(commit("a", 2), ErrorCode::kNone);
  EXPECT_EQ(commit("a", 3), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(commit("x", 2), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(commit("", -1), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(commit("a", 2, 0, false), ErrorCode::kUnsupportedVersion);
  // Partitions that it has had since the older epoch may still be committed with that.
  ASSERT_EQ(ask(join("b", {"t"})).error, ErrorCode::kNone);
  ConsumerHeartbeatEvent let_go = beat("a", 2);
  let_go.owned.emplace();
  const auto kept = ask(std::move(let_go));
  ASSERT_EQ(kept.epoch, 3);
  const std::int32_t mine = *d_.group.consumer->targets.at("a").at(id("t")).begin();
  const std::int32_t other = *d_.group.consumer->targets.at("b").at(id("t")).begin();
  EXPECT_EQ(commit("a", 2, mine), ErrorCode::kNone);
  EXPECT_EQ(commit("a", 2, other), ErrorCode::kStaleMemberEpoch);
}

TEST_F(ConsumerGroupStep, CommitsInTransactionsNeedItToo) {
  const auto commit = [&](std::string member, std::int32_t epoch) {
    TransactionalCommitEvent e;
    e.answer = next_++;
    const AnswerId to = e.answer;
    e.member_id = std::move(member);
    e.generation = epoch;
    e.producer_id = 7;
    e.producer_epoch = 0;
    e.known_topics = known_;
    CommittedOffset offset;
    offset.offset = 5;
    e.offsets.emplace_back(TopicPartition("t", 0), offset);
    d_.feed(std::move(e));
    return d_.code(to);
  };
  const std::int32_t epoch = ask(join("a", {"t"})).epoch;
  EXPECT_EQ(commit("", -1), ErrorCode::kNone) << "a producer need not name a member";
  EXPECT_EQ(commit("x", epoch), ErrorCode::kUnknownMemberId);
  EXPECT_EQ(commit("a", epoch + 1), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(commit("a", -1), ErrorCode::kStaleMemberEpoch);
  EXPECT_EQ(commit("a", epoch), ErrorCode::kNone);
  d_.feed(TransactionEndedEvent{7, true});
  EXPECT_EQ(d_.group.offsets.at(TopicPartition("t", 0)).offset, 5);
  ASSERT_EQ(ask(beat("a", kLeaveEpoch)).error, ErrorCode::kNone);
  EXPECT_EQ(commit("", -1), ErrorCode::kNone) << "nobody is there";
}

TEST_F(ConsumerGroupStep, EmptyGroupsChangeTheirProtocol) {
  JoinEvent classic = GroupDriver::join(next_++, "");
  classic.member_id_required = false;
  d_.feed(classic);
  d_.pass(200);
  ASSERT_EQ(d_.group.members.size(), 1u);
  // With classic members that cannot be taken over it is not a consumer group.
  EXPECT_EQ(ask(join("a", {"t"})).error, ErrorCode::kGroupIdNotFound);
  LeaveEvent leave;
  leave.answer = next_++;
  leave.members.push_back({d_.group.members.begin()->first, std::nullopt});
  d_.feed(std::move(leave));
  ASSERT_EQ(ask(join("a", {"t"})).error, ErrorCode::kNone);
  EXPECT_EQ(d_.log.size() > 0, true);

  JoinEvent refused = GroupDriver::join(next_++, "");
  const AnswerId to = refused.answer;
  refused.known_topics = known_;
  d_.feed(refused);
  EXPECT_EQ(d_.code(to), ErrorCode::kInconsistentGroupProtocol);
  ASSERT_EQ(ask(beat("a", kLeaveEpoch)).error, ErrorCode::kNone);
  d_.feed(GroupDriver::join(next_++, ""));
  EXPECT_FALSE(d_.group.consumer);
  EXPECT_EQ(d_.group.members.size(), 1u);
  EXPECT_FALSE(reread().consumer);
}

TEST_F(ConsumerGroupStep, DeletionNeedsAnEmptyGroupAndLeavesNothing) {
  ASSERT_EQ(ask(join("a", {"t"})).error, ErrorCode::kNone);
  const auto remove = [&] {
    DeleteEvent e;
    e.answer = next_++;
    const AnswerId to = e.answer;
    d_.feed(e);
    return d_.code(to);
  };
  EXPECT_EQ(remove(), ErrorCode::kNonEmptyGroup);
  ASSERT_EQ(ask(beat("a", kLeaveEpoch)).error, ErrorCode::kNone);
  EXPECT_EQ(remove(), ErrorCode::kNone);
  EXPECT_EQ(d_.group.state, GroupState::kDead);
  EXPECT_FALSE(reread().consumer);
}

TEST_F(ConsumerGroupStep, OffsetsOfUnreadTopicsExpireAndThoseOfReadOnesStay) {
  d_.limits.offsets_retention_ms = 1'000;
  ASSERT_EQ(ask(join("a", {"t"})).error, ErrorCode::kNone);
  d_.group.offsets[{"t", 0}] = {1, -1, "", d_.now.wall_ms};
  d_.group.offsets[{"u", 0}] = {1, -1, "", d_.now.wall_ms};
  d_.pass(2'000);
  d_.feed(ExpireOffsetsEvent{});
  EXPECT_TRUE(d_.group.offsets.contains({"t", 0}));
  EXPECT_FALSE(d_.group.offsets.contains({"u", 0}));
  DeleteOffsetsEvent e;
  e.answer = next_++;
  const AnswerId to = e.answer;
  e.offsets = {{"t", 0}};
  d_.feed(std::move(e));
  EXPECT_EQ(d_.answer<DeleteOffsetsAnswer>(to)->kept.size(), 1u);
}

TEST_F(ConsumerGroupStep, ManyMembersSettleWithEveryPartitionAtOneOfThem) {
  std::map<std::string, std::pair<std::int32_t, Assignment>> members;
  for (const char* name : {"a", "b", "c"}) {
    const auto out = ask(join(name, {"t", "u"}));
    members[name] = {out.epoch, *out.assignment};
    settle(members);
  }
  EXPECT_EQ(state_name(*d_.group.consumer), "Stable");
  std::set<std::pair<Uuid, std::int32_t>> owned;
  for (const auto& [name, state] : members) {
    std::size_t load = 0;
    for (const auto& [of, partitions] : state.second) {
      for (const std::int32_t partition : partitions) {
        EXPECT_TRUE(owned.insert({of, partition}).second);
        ++load;
      }
    }
    EXPECT_EQ(load, 2u) << name;
  }
  EXPECT_EQ(owned.size(), 6u);
  check_stored();
}

}  // namespace
}  // namespace penstock::broker
