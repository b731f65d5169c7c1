#include <gtest/gtest.h>

#include "broker/coordinator/offsets_records.h"
#include "tests/unit/broker/coordinator/group_driver.h"

namespace penstock::broker {
namespace {

using protocol::ErrorCode;

CommitEvent commit(AnswerId answer, std::int64_t offset, std::int32_t generation = -1,
                   std::string member = "", std::string topic = "t") {
  CommitEvent e;
  e.answer = answer;
  e.generation = generation;
  e.member_id = std::move(member);
  CommittedOffset o;
  o.offset = offset;
  o.metadata = "note";
  e.offsets = {{{std::move(topic), 0}, std::move(o)}};
  return e;
}

TEST(GroupOffsets, ASimpleConsumerCommitsWithoutMembers) {
  GroupDriver d;
  d.feed(commit(1, 42));
  EXPECT_EQ(d.code(1), ErrorCode::kNone);
  const auto& stored = d.group.offsets.at({"t", 0});
  EXPECT_EQ(stored.offset, 42);
  EXPECT_EQ(stored.commit_ms, d.now.wall_ms);
}

TEST(GroupOffsets, ACommitIsSeenAndAnsweredOnlyOnceStored) {
  GroupDriver d;
  d.confirm = false;
  d.feed(commit(1, 42));
  EXPECT_FALSE(d.code(1));
  EXPECT_TRUE(d.group.offsets.empty());
  d.confirm_all();
  EXPECT_EQ(d.code(1), ErrorCode::kNone);
  EXPECT_EQ(d.group.offsets.size(), 1U);
}

TEST(GroupOffsets, ACommitThatCannotBeStoredChangesNothing) {
  GroupDriver d;
  d.confirm = false;
  d.feed(commit(1, 42));
  d.confirm_all(ErrorCode::kMessageTooLarge);
  EXPECT_EQ(d.code(1), ErrorCode::kInvalidCommitOffsetSize);
  EXPECT_TRUE(d.group.is_void());
}

TEST(GroupOffsets, AnUnknownGroupTakesNoCommitOfAGeneration) {
  GroupDriver d;
  d.feed(commit(1, 42, 3, "somebody"));
  EXPECT_EQ(d.code(1), ErrorCode::kIllegalGeneration);
  CommitEvent newer = commit(2, 42, 3, "somebody");
  newer.knows_epochs = true;
  d.feed(newer);
  EXPECT_EQ(d.code(2), ErrorCode::kGroupIdNotFound);
}

TEST(GroupOffsets, OnlyMembersCommitWhileThereAreMembers) {
  GroupDriver d;
  d.feed(GroupDriver::join(1, ""));
  d.pass(200);
  d.feed(commit(2, 5));
  EXPECT_EQ(d.code(2), ErrorCode::kUnknownMemberId);
  d.feed(commit(3, 5, 1, "new-1"));
  EXPECT_EQ(d.code(3), ErrorCode::kRebalanceInProgress);
  d.feed(GroupDriver::sync(4, 1, "new-1", {}));
  d.feed(commit(5, 5, 1, "new-1"));
  EXPECT_EQ(d.code(5), ErrorCode::kNone);
  d.feed(commit(6, 5, 0, "new-1"));
  EXPECT_EQ(d.code(6), ErrorCode::kIllegalGeneration);
}

TEST(GroupOffsets, CommitsGoOnWhileARebalanceIsPrepared) {
  GroupDriver d;
  d.feed(GroupDriver::join(1, ""));
  d.pass(200);
  d.feed(GroupDriver::sync(2, 1, "new-1", {}));
  d.feed(GroupDriver::join(3, ""));
  ASSERT_EQ(d.group.state, GroupState::kPreparingRebalance);
  d.feed(commit(4, 7, 1, "new-1"));
  EXPECT_EQ(d.code(4), ErrorCode::kNone);
}

TEST(GroupOffsets, DeletingAGroupBuriesItsOffsetsAndThoseOnTheirWay) {
  GroupDriver d;
  d.feed(commit(1, 1));
  d.confirm = false;
  d.feed(commit(2, 2, -1, "", "other"));
  d.feed(DeleteEvent{3});
  d.feed(commit(4, 3));
  EXPECT_EQ(d.code(4), ErrorCode::kCoordinatorNotAvailable);
  d.confirm_all();
  EXPECT_EQ(d.code(3), ErrorCode::kNone);
  EXPECT_EQ(d.group.state, GroupState::kDead);
  std::map<std::string, bool> last;
  for (const auto& record : d.log) last[record.key] = record.value.has_value();
  EXPECT_EQ(last.size(), 3U);
  for (const auto& [key, alive] : last) EXPECT_FALSE(alive);
}

TEST(GroupOffsets, AGroupWithMembersIsNotDeleted) {
  GroupDriver d;
  d.feed(GroupDriver::join(1, ""));
  d.feed(DeleteEvent{2});
  EXPECT_EQ(d.code(2), ErrorCode::kNonEmptyGroup);
  GroupDriver none;
  none.feed(DeleteEvent{1});
  EXPECT_EQ(none.code(1), ErrorCode::kGroupIdNotFound);
}

TEST(GroupOffsets, OffsetsOfAnEmptyGroupExpireFromTheMomentItBecameEmpty) {
  GroupDriver d;
  d.limits.offsets_retention_ms = 100'000;
  d.feed(GroupDriver::join(1, ""));
  d.pass(200);
  d.feed(GroupDriver::sync(2, 1, "new-1", {}));
  d.feed(commit(3, 7, 1, "new-1"));
  for (AnswerId id = 10; id < 40; ++id) {
    d.pass(9'000);
    d.feed(HeartbeatEvent{id, 1, "new-1", {}});
  }
  LeaveEvent leave;
  leave.answer = 50;
  leave.members = {{"new-1", {}}};
  d.feed(leave);
  d.pass(99'999);
  d.feed(ExpireOffsetsEvent{});
  EXPECT_EQ(d.group.offsets.size(), 1U);
  d.pass(1);
  d.feed(ExpireOffsetsEvent{});
  EXPECT_EQ(d.group.state, GroupState::kDead);
  EXPECT_TRUE(d.group.offsets.empty());
}

TEST(GroupOffsets, ACommitMayHaveARetentionTimeOfItsOwn) {
  GroupDriver d;
  d.limits.offsets_retention_ms = 100'000;
  CommitEvent shorter = commit(1, 42);
  shorter.retention_ms = 500;
  d.feed(std::move(shorter));
  d.feed(commit(2, 43, -1, "", "other"));
  d.pass(499);
  d.feed(ExpireOffsetsEvent{});
  EXPECT_EQ(d.group.offsets.size(), 2U);
  d.pass(1);
  d.feed(ExpireOffsetsEvent{});
  EXPECT_EQ(d.group.offsets.size(), 1U);
  EXPECT_FALSE(d.group.offsets.contains({"t", 0}));
}

TEST(GroupOffsets, OffsetsOfADeletedTopicGo) {
  GroupDriver d;
  d.feed(commit(1, 1));
  d.feed(commit(2, 2, -1, "", "other"));
  d.feed(TopicDeletedEvent{"t"});
  EXPECT_EQ(d.group.offsets.size(), 1U);
  EXPECT_TRUE(d.group.offsets.contains({"other", 0}));
}

TEST(GroupOffsets, OffsetsCommittedAfterTheTopicWasDeletedStay) {
  GroupDriver d;
  d.feed(commit(1, 1));
  const std::int64_t deleted_ms = d.now.wall_ms;
  d.pass(10);
  d.feed(commit(2, 2, -1, "", "other"));
  d.feed(TopicDeletedEvent{"other", deleted_ms, 3});
  EXPECT_TRUE(d.group.offsets.contains({"other", 0}));
  d.feed(TopicDeletedEvent{"t", deleted_ms, 4});
  EXPECT_FALSE(d.group.offsets.contains({"t", 0}));
}

TEST(GroupOffsets, ADeletedTopicIsForgottenOnceItsTombstonesAreStored) {
  GroupDriver d;
  d.feed(commit(1, 1));
  d.confirm = false;
  d.feed(TopicDeletedEvent{"t", 1'000'000'000'000'000, 2});
  EXPECT_FALSE(d.answers.contains(2));
  d.confirm_all(protocol::ErrorCode::kStorageError);
  ASSERT_NE(d.answer<CodeAnswer>(2), nullptr);
  EXPECT_NE(d.answer<CodeAnswer>(2)->error, protocol::ErrorCode::kNone);
  d.feed(TopicDeletedEvent{"t", 1'000'000'000'000'000, 3});
  d.confirm_all();
  ASSERT_NE(d.answer<CodeAnswer>(3), nullptr);
  EXPECT_EQ(d.answer<CodeAnswer>(3)->error, protocol::ErrorCode::kNone);
  EXPECT_TRUE(d.group.offsets.empty());
}

TEST(GroupOffsets, OffsetDeleteKeepsWhatMembersSubscribeTo) {
  GroupDriver d;
  d.feed(commit(1, 1));
  d.feed(commit(2, 2, -1, "", "other"));
  const std::string subscription("\0\1\0\0\0\1\0\1t\377\377\377\377", 13);
  d.feed(GroupDriver::join(3, "", "range", subscription));
  DeleteOffsetsEvent e;
  e.answer = 4;
  e.offsets = {{"t", 0}, {"other", 0}};
  d.feed(e);
  const auto* out = d.answer<DeleteOffsetsAnswer>(4);
  ASSERT_NE(out, nullptr);
  EXPECT_EQ(out->kept, (std::vector<TopicPartition>{{"t", 0}}));
  EXPECT_TRUE(d.group.offsets.contains({"t", 0}));
  EXPECT_FALSE(d.group.offsets.contains({"other", 0}));
}

}  // namespace
}  // namespace penstock::broker
