#include <gtest/gtest.h>

#include "broker/coordinator/offsets_records.h"
#include "tests/unit/broker/coordinator/group_driver.h"

namespace penstock::broker {
namespace {

using protocol::ErrorCode;

const TopicPartition kPlace{"t", 0};

TransactionalCommitEvent in_transaction(AnswerId answer, std::int64_t offset,
                                        std::int64_t producer = 7) {
  TransactionalCommitEvent event;
  event.answer = answer;
  event.producer_id = producer;
  event.producer_epoch = 0;
  CommittedOffset committed;
  committed.offset = offset;
  event.offsets = {{kPlace, committed}};
  return event;
}

CommitEvent outside(AnswerId answer, std::int64_t offset) {
  CommitEvent event;
  event.answer = answer;
  CommittedOffset committed;
  committed.offset = offset;
  event.offsets = {{kPlace, committed}};
  return event;
}

TEST(GroupTransactions, OffsetsCountWhenTheTransactionIsCommitted) {
  GroupDriver d;
  d.feed(in_transaction(1, 42));
  EXPECT_EQ(d.code(1), ErrorCode::kNone);
  EXPECT_TRUE(d.group.offsets.empty());
  EXPECT_TRUE(d.group.unstable(kPlace));
  d.feed(TransactionEndedEvent{7, true});
  EXPECT_EQ(d.group.offsets.at(kPlace).offset, 42);
  EXPECT_FALSE(d.group.unstable(kPlace));
}

TEST(GroupTransactions, AnAbortLeavesNothingBehind) {
  GroupDriver d;
  d.feed(in_transaction(1, 42));
  d.feed(TransactionEndedEvent{7, false});
  EXPECT_TRUE(d.group.is_void());
}

TEST(GroupTransactions, ALaterCommitOutsideTheTransactionStays) {
  GroupDriver d;
  d.feed(in_transaction(1, 42));
  d.feed(outside(2, 50));
  d.feed(TransactionEndedEvent{7, true});
  EXPECT_EQ(d.group.offsets.at(kPlace).offset, 50);
  d.feed(outside(3, 60));
  d.feed(in_transaction(4, 61));
  d.feed(TransactionEndedEvent{7, true});
  EXPECT_EQ(d.group.offsets.at(kPlace).offset, 61);
}

TEST(GroupTransactions, ARecordThatIsNotTakenIsNotPending) {
  GroupDriver d;
  d.confirm = false;
  d.feed(in_transaction(1, 42));
  EXPECT_TRUE(d.group.unstable(kPlace));
  d.confirm_all(ErrorCode::kInvalidTxnState);
  EXPECT_EQ(d.code(1), ErrorCode::kInvalidTxnState);
  EXPECT_TRUE(d.group.is_void());
}

TEST(GroupTransactions, TwoProducersEndApart) {
  GroupDriver d;
  d.feed(in_transaction(1, 1, 7));
  d.feed(in_transaction(2, 2, 8));
  d.feed(TransactionEndedEvent{8, false});
  EXPECT_TRUE(d.group.unstable(kPlace));
  d.feed(TransactionEndedEvent{7, true});
  EXPECT_EQ(d.group.offsets.at(kPlace).offset, 1);
}

TEST(GroupTransactions, AGenerationThatNobodyHasIsRefused) {
  GroupDriver d;
  auto event = in_transaction(1, 1);
  event.generation = 3;
  d.feed(event);
  EXPECT_EQ(d.code(1), ErrorCode::kIllegalGeneration);
}

TEST(GroupTransactions, ATombstoneTakesOnlyWhatWasStoredBeforeIt) {
  GroupDriver d;
  d.feed(outside(1, 5));
  d.confirm = false;
  d.feed(TopicDeletedEvent{"t", std::numeric_limits<std::int64_t>::max(), 2});
  d.feed(in_transaction(3, 42));
  d.confirm_all();
  EXPECT_TRUE(d.group.offsets.empty());
  EXPECT_TRUE(d.group.unstable(kPlace));
  d.feed(TransactionEndedEvent{7, true});
  EXPECT_EQ(d.group.offsets.at(kPlace).offset, 42);
}

TEST(GroupTransactions, DeletingTheGroupDropsThem) {
  GroupDriver d;
  d.feed(outside(1, 5));
  d.feed(in_transaction(2, 42));
  d.feed(DeleteEvent{3});
  EXPECT_EQ(d.code(3), ErrorCode::kNone);
  EXPECT_EQ(d.group.state, GroupState::kDead);
  EXPECT_FALSE(d.group.unstable(kPlace));
}

}  // namespace
}  // namespace penstock::broker
