#include "broker/coordinator/group_step.h"

#include <gtest/gtest.h>

#include "tests/unit/broker/coordinator/group_driver.h"

namespace penstock::broker {
namespace {

using protocol::ErrorCode;

/// A stable group of two dynamic members, "new-1" (leader) and "new-2", in generation 1.
class StableGroup : public ::testing::Test {
 protected:
  void SetUp() override {
    d.feed(GroupDriver::join(1, ""));
    d.feed(GroupDriver::join(2, ""));
    d.pass(d.limits.initial_rebalance_delay_ms * 2);
    d.feed(GroupDriver::sync(3, 1, "new-2"));
    d.feed(GroupDriver::sync(4, 1, "new-1", {{"new-1", "a1"}, {"new-2", "a2"}}));
    ASSERT_EQ(d.group.state, GroupState::kStable);
    ASSERT_EQ(d.group.generation, 1);
  }
  GroupDriver d;
};

TEST_F(StableGroup, EachMemberGetsTheLeadersAssignment) {
  EXPECT_EQ(d.answer<SyncAnswer>(3)->assignment, "a2");
  EXPECT_EQ(d.answer<SyncAnswer>(4)->assignment, "a1");
  EXPECT_EQ(d.answer<JoinAnswer>(1)->members.size(), 2U);
  EXPECT_TRUE(d.answer<JoinAnswer>(2)->members.empty());
  EXPECT_EQ(d.answer<JoinAnswer>(2)->leader, "new-1");
}

TEST_F(StableGroup, HeartbeatsKeepMembersAlive) {
  for (AnswerId id = 10; id < 20; ++id) {
    d.pass(6'000);
    d.feed(HeartbeatEvent{id, 1, "new-1", {}});
    d.feed(HeartbeatEvent{id + 100, 1, "new-2", {}});
    EXPECT_EQ(d.code(id), ErrorCode::kNone);
  }
  EXPECT_EQ(d.group.members.size(), 2U);
}

TEST_F(StableGroup, ASilentMemberIsRemovedAndTheOtherOneRejoins) {
  d.pass(6'000);
  d.feed(HeartbeatEvent{10, 1, "new-1", {}});
  d.pass(5'000);
  EXPECT_EQ(d.group.state, GroupState::kPreparingRebalance);
  d.feed(HeartbeatEvent{11, 1, "new-1", {}});
  EXPECT_EQ(d.code(11), ErrorCode::kRebalanceInProgress);
  d.feed(GroupDriver::join(12, "new-1"));
  ASSERT_NE(d.answer<JoinAnswer>(12), nullptr);
  EXPECT_EQ(d.answer<JoinAnswer>(12)->generation, 2);
  EXPECT_EQ(d.answer<JoinAnswer>(12)->members.size(), 1U);
}

TEST_F(StableGroup, WrongGenerationsAndStrangersAreTurnedAway) {
  d.feed(HeartbeatEvent{10, 7, "new-1", {}});
  EXPECT_EQ(d.code(10), ErrorCode::kIllegalGeneration);
  d.feed(HeartbeatEvent{11, 1, "stranger", {}});
  EXPECT_EQ(d.code(11), ErrorCode::kUnknownMemberId);
  d.feed(GroupDriver::sync(12, 2, "new-1"));
  EXPECT_EQ(d.code(12), ErrorCode::kIllegalGeneration);
  d.feed(GroupDriver::join(13, "stranger"));
  EXPECT_EQ(d.code(13), ErrorCode::kUnknownMemberId);
}

TEST_F(StableGroup, AFollowerThatRejoinsUnchangedKeepsTheGeneration) {
  d.feed(GroupDriver::join(10, "new-2"));
  ASSERT_EQ(d.code(10), ErrorCode::kNone);
  EXPECT_EQ(d.answer<JoinAnswer>(10)->generation, 1);
  EXPECT_EQ(d.group.state, GroupState::kStable);
}

TEST_F(StableGroup, ALeaderThatRejoinsStartsARebalance) {
  d.feed(GroupDriver::join(10, "new-1"));
  EXPECT_EQ(d.group.state, GroupState::kPreparingRebalance);
  d.feed(GroupDriver::join(11, "new-2"));
  EXPECT_EQ(d.answer<JoinAnswer>(10)->generation, 2);
  EXPECT_EQ(d.answer<JoinAnswer>(11)->generation, 2);
}

TEST_F(StableGroup, MembersThatDoNotRejoinInTimeAreDropped) {
  d.feed(GroupDriver::join(10, ""));
  for (AnswerId id = 20; id < 32; ++id) {  // both heartbeat through the rebalance, only one rejoins
    d.pass(5'000);
    d.feed(HeartbeatEvent{id, d.group.generation, "new-1", {}});
    if (id == 20) d.feed(GroupDriver::join(11, "new-2"));
  }
  ASSERT_EQ(d.code(10), ErrorCode::kNone);
  ASSERT_EQ(d.code(11), ErrorCode::kNone);
  EXPECT_FALSE(d.group.members.contains("new-1"));
}

TEST_F(StableGroup, LastLeaveMakesItEmptyAndStoresThat) {
  LeaveEvent both;
  both.answer = 10;
  both.members = {{"new-1", {}}, {"new-2", {}}, {"stranger", {}}};
  d.feed(both);
  const auto* out = d.answer<LeaveAnswer>(10);
  ASSERT_NE(out, nullptr);
  EXPECT_EQ(out->members[0].error, ErrorCode::kNone);
  EXPECT_EQ(out->members[1].error, ErrorCode::kNone);
  EXPECT_EQ(out->members[2].error, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(d.group.state, GroupState::kEmpty);
  EXPECT_EQ(d.log.size(), 2U);
}

TEST_F(StableGroup, AMemberWithoutACommonProtocolIsRefused) {
  d.feed(GroupDriver::join(10, "", "sticky"));
  EXPECT_EQ(d.code(10), ErrorCode::kInconsistentGroupProtocol);
  JoinEvent other = GroupDriver::join(11, "");
  other.protocol_type = "connect";
  d.feed(other);
  EXPECT_EQ(d.code(11), ErrorCode::kInconsistentGroupProtocol);
}

TEST_F(StableGroup, GenerationOutcomeIsAnsweredOnlyOnceStored) {
  d.confirm = false;
  d.feed(GroupDriver::join(10, "new-1"));
  d.feed(GroupDriver::join(11, "new-2"));
  d.feed(GroupDriver::sync(12, 2, "new-2"));
  d.feed(GroupDriver::sync(13, 2, "new-1", {{"new-1", "b"}}));
  EXPECT_FALSE(d.code(12));
  EXPECT_FALSE(d.code(13));
  d.confirm_all();
  EXPECT_EQ(d.answer<SyncAnswer>(12)->assignment, "");
  EXPECT_EQ(d.answer<SyncAnswer>(13)->assignment, "b");
}

TEST_F(StableGroup, AnAssignmentThatCannotBeStoredFailsTheSyncsAndRebalances) {
  d.confirm = false;
  d.feed(GroupDriver::join(10, "new-1"));
  d.feed(GroupDriver::join(11, "new-2"));
  d.feed(GroupDriver::sync(12, 2, "new-2"));
  d.feed(GroupDriver::sync(13, 2, "new-1", {}));
  d.confirm_all(ErrorCode::kStorageError);
  EXPECT_EQ(d.code(12), ErrorCode::kNotCoordinator);
  EXPECT_EQ(d.code(13), ErrorCode::kNotCoordinator);
  EXPECT_EQ(d.group.state, GroupState::kPreparingRebalance);
}

TEST_F(StableGroup, AMemberThatNeverSyncsIsRemoved) {
  d.feed(GroupDriver::join(10, "new-1"));
  d.feed(GroupDriver::join(11, "new-2"));
  d.feed(GroupDriver::sync(12, 2, "new-1", {{"new-1", "x"}}));
  ASSERT_EQ(d.group.state, GroupState::kStable);
  for (AnswerId id = 20; id < 33; ++id) {
    d.pass(5'000);
    d.feed(HeartbeatEvent{id, 2, "new-1", {}});
    d.feed(HeartbeatEvent{id + 100, 2, "new-2", {}});
  }
  EXPECT_FALSE(d.group.members.contains("new-2"));
}

TEST(Group, FirstRebalanceWaitsForMoreMembersButNotForEver) {
  GroupDriver d;
  d.limits.initial_rebalance_delay_ms = 1'000;
  d.feed(GroupDriver::join(1, ""));
  d.pass(900);
  d.feed(GroupDriver::join(2, ""));
  d.pass(900);
  EXPECT_FALSE(d.code(1));
  d.pass(300);
  EXPECT_EQ(d.code(1), ErrorCode::kNone);
  EXPECT_EQ(d.code(2), ErrorCode::kNone);
  EXPECT_EQ(d.group.generation, 1);
}

TEST(Group, WithoutInitialDelayTheFirstMemberIsAnsweredAtOnce) {
  GroupDriver d;
  d.limits.initial_rebalance_delay_ms = 0;
  d.feed(GroupDriver::join(1, ""));
  EXPECT_EQ(d.code(1), ErrorCode::kNone);
}

TEST(Group, WithoutInitialDelayTheFirstMemberDoesNotWaitForOthersThatOnlyHaveAnId) {
  GroupDriver d;
  d.limits.initial_rebalance_delay_ms = 0;
  JoinEvent idle = GroupDriver::join(1, "");
  idle.member_id_required = true;
  d.feed(idle);
  d.feed(GroupDriver::join(2, ""));
  EXPECT_EQ(d.code(2), ErrorCode::kNone);
}

TEST(Group, NewClientsAreGivenAnIdFirst) {
  GroupDriver d;
  JoinEvent first = GroupDriver::join(1, "");
  first.member_id_required = true;
  d.feed(first);
  ASSERT_EQ(d.code(1), ErrorCode::kMemberIdRequired);
  const std::string id = d.answer<JoinAnswer>(1)->member_id;
  EXPECT_TRUE(d.group.members.empty());
  JoinEvent second = GroupDriver::join(2, id);
  second.member_id_required = true;
  d.feed(second);
  d.pass(200);
  ASSERT_EQ(d.code(2), ErrorCode::kNone);
  EXPECT_EQ(d.answer<JoinAnswer>(2)->leader, id);
}

TEST(Group, AnIdThatIsNotUsedLapsesAndLeavesNothing) {
  GroupDriver d;
  JoinEvent first = GroupDriver::join(1, "");
  first.member_id_required = true;
  d.feed(first);
  EXPECT_FALSE(d.group.is_void());
  d.pass(10'000);
  EXPECT_TRUE(d.group.is_void());
}

TEST(Group, SessionTimeoutsOutsideTheLimitsAreRefused) {
  GroupDriver d;
  JoinEvent e = GroupDriver::join(1, "");
  e.session_timeout_ms = 5'999;
  d.feed(e);
  EXPECT_EQ(d.code(1), ErrorCode::kInvalidSessionTimeout);
  e.answer = 2;
  e.session_timeout_ms = 1'800'001;
  d.feed(e);
  EXPECT_EQ(d.code(2), ErrorCode::kInvalidSessionTimeout);
}

TEST(Group, AFullGroupTakesNobodyElse) {
  GroupDriver d;
  d.limits.members_max = 1;
  d.feed(GroupDriver::join(1, ""));
  d.feed(GroupDriver::join(2, ""));
  EXPECT_EQ(d.code(2), ErrorCode::kGroupMaxSizeReached);
  d.pass(200);
  EXPECT_EQ(d.code(1), ErrorCode::kNone);
}

TEST(Group, TheProtocolThatMostMembersPreferWins) {
  GroupDriver d;
  JoinEvent a = GroupDriver::join(1, "");
  a.protocols = {{"x", ""}, {"y", ""}};
  JoinEvent b = GroupDriver::join(2, "");
  b.protocols = {{"z", ""}, {"y", ""}, {"x", ""}};
  JoinEvent c = GroupDriver::join(3, "");
  c.protocols = {{"y", ""}, {"x", ""}};
  for (const JoinEvent& e : {a, b, c}) d.feed(e);
  d.pass(500);
  EXPECT_EQ(d.answer<JoinAnswer>(1)->protocol, "y");
}

/// A stable group of one static member "one" (leader, "new-1") and one dynamic "new-2".
class StaticGroup : public ::testing::Test {
 protected:
  void SetUp() override {
    d.feed(again(1));
    d.feed(GroupDriver::join(2, ""));
    d.pass(d.limits.initial_rebalance_delay_ms * 2);
    d.feed(GroupDriver::sync(3, 1, "new-2"));
    d.feed(GroupDriver::sync(4, 1, "new-1", {{"new-1", "a1"}, {"new-2", "a2"}}));
    ASSERT_EQ(d.group.state, GroupState::kStable);
  }
  static JoinEvent again(AnswerId answer) {
    JoinEvent e = GroupDriver::join(answer, "");
    e.instance_id = "one";
    return e;
  }
  GroupDriver d;
};

TEST_F(StaticGroup, ARestartedStaticMemberKeepsItsAssignmentWithoutRebalance) {
  d.feed(again(10));
  ASSERT_EQ(d.code(10), ErrorCode::kNone);
  EXPECT_EQ(d.answer<JoinAnswer>(10)->generation, 1);
  EXPECT_EQ(d.answer<JoinAnswer>(10)->leader,
            "new-1");  // its old id: it must not compute assignments
  EXPECT_EQ(d.group.leader, "new-10");
  EXPECT_EQ(d.group.state, GroupState::kStable);
  d.feed(GroupDriver::sync(11, 1, "new-10"));
  EXPECT_EQ(d.answer<SyncAnswer>(11)->assignment, "a1");
}

TEST_F(StaticGroup, ItsOldSelfIsFenced) {
  d.feed(again(10));
  HeartbeatEvent old{11, 1, "new-1", "one"};
  d.feed(old);
  EXPECT_EQ(d.code(11), ErrorCode::kFencedInstanceId);
  CommitEvent commit;
  commit.answer = 12;
  commit.generation = 1;
  commit.member_id = "new-1";
  commit.instance_id = "one";
  commit.offsets = {{{"t", 0}, {}}};
  d.feed(commit);
  EXPECT_EQ(d.code(12), ErrorCode::kFencedInstanceId);
}

TEST_F(StaticGroup, FromVersion9OnALeaderIsToldToSkipTheAssignment) {
  JoinEvent e = again(10);
  e.skip_assignment_known = true;
  d.feed(e);
  const auto* out = d.answer<JoinAnswer>(10);
  EXPECT_TRUE(out->skip_assignment);
  EXPECT_EQ(out->leader, "new-10");
  EXPECT_EQ(out->members.size(), 2U);
}

TEST_F(StaticGroup, AReplacementThatCannotBeStoredIsUndone) {
  d.confirm = false;
  d.feed(again(10));
  d.confirm_all(ErrorCode::kStorageError);
  EXPECT_EQ(d.code(10), ErrorCode::kNotCoordinator);
  EXPECT_TRUE(d.group.members.contains("new-1"));
  EXPECT_EQ(d.group.static_members.at("one"), "new-1");
}

TEST_F(StaticGroup, AChangedProtocolStartsARebalance) {
  JoinEvent e = again(10);
  e.protocols = {{"other", ""}, {"range", ""}};
  d.feed(e);
  EXPECT_EQ(d.group.state, GroupState::kStable);  // "range" still wins: all speak it
  EXPECT_EQ(d.code(10), ErrorCode::kNone);
}

TEST_F(StaticGroup, AnOperatorRemovesAStaticMemberByItsNameAlone) {
  LeaveEvent leave;
  leave.answer = 10;
  leave.members = {{"", "one"}, {"", "unknown"}, {"wrong", "one"}};
  d.feed(leave);
  EXPECT_EQ(d.answer<LeaveAnswer>(10)->members[0].error, ErrorCode::kNone);
  EXPECT_EQ(d.answer<LeaveAnswer>(10)->members[1].error, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(d.answer<LeaveAnswer>(10)->members[2].error, ErrorCode::kUnknownMemberId);
  EXPECT_EQ(d.group.state, GroupState::kPreparingRebalance);
}

TEST_F(StaticGroup, AbsentStaticMembersKeepTheirPlaceInARebalanceUntilTheirSessionEnds) {
  d.feed(GroupDriver::join(10, "new-2", "range", "changed"));
  EXPECT_FALSE(d.code(10));
  d.pass(9'999);
  EXPECT_TRUE(d.group.members.contains("new-1"));
  d.pass(1);
  ASSERT_EQ(d.code(10), ErrorCode::kNone);
  EXPECT_EQ(d.answer<JoinAnswer>(10)->leader, "new-2");
}

}  // namespace
}  // namespace penstock::broker
