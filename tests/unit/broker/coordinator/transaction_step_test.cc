#include "broker/coordinator/transaction_step.h"

#include <gtest/gtest.h>

#include "broker/coordinator/transaction_records.h"

namespace penstock::broker {
namespace {

using Code = protocol::ErrorCode;
using State = TransactionState;

/// One transactional id; appends are confirmed, and markers written, when the test says so.
class TransactionStep : public ::testing::Test {
 protected:
  TransactionStep() { txn_.id = "id"; }

  template <class Event>
  void feed(Event event) {
    if constexpr (requires { event.answer; }) event.answer = 7;
    const TransactionEvent any(event);
    if constexpr (requires { event.new_producer_id; }) {
      if (needs_producer_id(txn_, any)) event.new_producer_id = ProducerId(next_id_++);
    }
    take(step(txn_, event, {steady_ms_, wall_ms_}, limits_));
  }
  void stored(Code error = Code::kNone) {
    ASSERT_TRUE(store_);
    const StoreId id = store_->store;
    if (error == Code::kNone) kept_ = store_->value;
    store_.reset();
    take(step(txn_, TransactionStoredEvent{id, error}, {steady_ms_, wall_ms_}, limits_));
  }
  void markers_written() {
    ASSERT_TRUE(markers_);
    const WriteMarkers done = *markers_;
    markers_.reset();
    take(step(txn_, MarkersWrittenEvent{done.round, done.partitions}, {steady_ms_, wall_ms_},
              limits_));
  }
  void take(TransactionEffects effects) {
    producer_.reset();
    partitions_.reset();
    for (TransactionEffect& effect : effects) {
      if (auto* p = std::get_if<ProducerAnswer>(&effect)) producer_ = *p;
      if (auto* a = std::get_if<PartitionsAnswer>(&effect)) partitions_ = *a;
      if (auto* s = std::get_if<StoreTransaction>(&effect)) store_ = *s;
      if (auto* w = std::get_if<WriteMarkers>(&effect)) markers_ = *w;
    }
  }

  void init(std::optional<std::pair<ProducerId, ProducerEpoch>> expected = {}) {
    feed(InitTransactionEvent{0, 60'000, expected, kNoProducerId});
    if (store_) stored();
  }
  void add(const std::string& topic, std::int16_t version) {
    feed(AddPartitionsEvent{0, txn_.data.producer_id, txn_.data.epoch, {{topic, 0}}, version});
    if (store_) stored();
  }
  void end(bool commit, std::int16_t version, ProducerEpoch epoch) {
    feed(EndTransactionEvent{0, txn_.data.producer_id, epoch, commit, version, kNoProducerId});
  }
  /// As after a restart.
  void reload() {
    ASSERT_TRUE(kept_);
    const auto read = decode_transaction(*kept_);
    ASSERT_TRUE(read);
    txn_ = Transaction();
    txn_.id = "id";
    txn_.data = *read;
    store_.reset();
    markers_.reset();
    take(step(txn_, TransactionLoadedEvent{}, {steady_ms_, wall_ms_}, limits_));
  }

  Transaction txn_;
  TransactionLimits limits_;
  std::int64_t steady_ms_ = 1'000;
  std::int64_t wall_ms_ = 1'700'000'000'000;
  std::int64_t next_id_ = 100;
  std::optional<ProducerAnswer> producer_;
  std::optional<PartitionsAnswer> partitions_;
  std::optional<StoreTransaction> store_;
  std::optional<WriteMarkers> markers_;
  std::optional<std::string> kept_;
};

TEST_F(TransactionStep, InitGivesAnIdAndThenHigherEpochs) {
  init();
  EXPECT_EQ(producer_->producer_id, ProducerId(100));
  EXPECT_EQ(producer_->epoch, ProducerEpoch(0));
  init();
  EXPECT_EQ(producer_->producer_id, ProducerId(100));
  EXPECT_EQ(producer_->epoch, ProducerEpoch(1));
}

TEST_F(TransactionStep, InitRefusesATimeoutOutOfBounds) {
  feed(InitTransactionEvent{0, 900'001, {}, kNoProducerId});
  EXPECT_EQ(producer_->error, Code::kInvalidTransactionTimeout);
  feed(InitTransactionEvent{0, 0, {}, kNoProducerId});
  EXPECT_EQ(producer_->error, Code::kInvalidTransactionTimeout);
  EXPECT_TRUE(txn_.is_void());
}

TEST_F(TransactionStep, InitWithTheEpochInHandIsARetryOnlyOnce) {
  init();
  init(std::pair(ProducerId(100), ProducerEpoch(0)));
  EXPECT_EQ(producer_->epoch, ProducerEpoch(1));
  init(std::pair(ProducerId(100), ProducerEpoch(0)));
  EXPECT_EQ(producer_->epoch, ProducerEpoch(1));
  init();
  EXPECT_EQ(producer_->epoch, ProducerEpoch(2));
  init(std::pair(ProducerId(100), ProducerEpoch(1)));
  EXPECT_EQ(producer_->error, Code::kProducerFenced);
  init(std::pair(ProducerId(99), ProducerEpoch(2)));
  EXPECT_EQ(producer_->error, Code::kProducerFenced);
}

TEST_F(TransactionStep, WhileAnAppendIsUnderWayOthersWait) {
  init();
  feed(AddPartitionsEvent{0, ProducerId(100), ProducerEpoch(0), {{"a", 0}}, 0});
  EXPECT_FALSE(partitions_);
  feed(AddPartitionsEvent{0, ProducerId(100), ProducerEpoch(0), {{"b", 0}}, 0});
  EXPECT_EQ(partitions_->error, Code::kConcurrentTransactions);
  end(true, 0, ProducerEpoch(0));
  EXPECT_EQ(producer_->error, Code::kConcurrentTransactions);
  stored();
  EXPECT_EQ(partitions_->error, Code::kNone);
  EXPECT_EQ(txn_.data.state, State::kOngoing);
}

TEST_F(TransactionStep, AFailedAppendChangesNothing) {
  init();
  feed(AddPartitionsEvent{0, ProducerId(100), ProducerEpoch(0), {{"a", 0}}, 0});
  stored(Code::kStorageError);
  EXPECT_EQ(partitions_->error, Code::kNotCoordinator);
  EXPECT_EQ(txn_.data.state, State::kEmpty);
  add("a", 0);
  EXPECT_EQ(partitions_->error, Code::kNone);
}

TEST_F(TransactionStep, StrangersAreRefused) {
  feed(AddPartitionsEvent{0, kNoProducerId, kNoProducerEpoch, {{"a", 0}}, 0});
  EXPECT_EQ(partitions_->error, Code::kInvalidProducerIdMapping);
  init();
  feed(AddPartitionsEvent{0, ProducerId(5), ProducerEpoch(0), {{"a", 0}}, 0});
  EXPECT_EQ(partitions_->error, Code::kInvalidProducerIdMapping);
  feed(AddPartitionsEvent{0, ProducerId(100), ProducerEpoch(1), {{"a", 0}}, 0});
  EXPECT_EQ(partitions_->error, Code::kProducerFenced);
  end(true, 0, ProducerEpoch(1));
  EXPECT_EQ(producer_->error, Code::kProducerFenced);
  end(true, 0, ProducerEpoch(0));
  EXPECT_EQ(producer_->error, Code::kInvalidTxnState);
}

TEST_F(TransactionStep, Version1CommitKeepsTheEpoch) {
  init();
  add("a", 0);
  add("b", 0);
  end(true, 0, ProducerEpoch(0));
  EXPECT_FALSE(producer_);
  stored();
  EXPECT_EQ(producer_->error, Code::kNone);
  ASSERT_TRUE(markers_);
  EXPECT_EQ(markers_->epoch, ProducerEpoch(0));
  EXPECT_TRUE(markers_->commit);
  EXPECT_EQ(markers_->partitions.size(), 2u);
  end(true, 0, ProducerEpoch(0));
  EXPECT_EQ(producer_->error, Code::kConcurrentTransactions);
  end(false, 0, ProducerEpoch(0));
  EXPECT_EQ(producer_->error, Code::kInvalidTxnState);
  init();
  EXPECT_EQ(producer_->error, Code::kConcurrentTransactions);
  markers_written();
  stored();
  EXPECT_EQ(txn_.data.state, State::kCompleteCommit);
  end(true, 0, ProducerEpoch(0));
  EXPECT_EQ(producer_->error, Code::kNone);
  end(false, 0, ProducerEpoch(0));
  EXPECT_EQ(producer_->error, Code::kInvalidTxnState);
}

TEST_F(TransactionStep, Version2CommitGivesANewEpochAndKnowsRetries) {
  init();
  add("a", 2);
  end(true, 2, ProducerEpoch(0));
  stored();
  EXPECT_EQ(producer_->epoch, ProducerEpoch(1));
  EXPECT_EQ(producer_->producer_id, ProducerId(100));
  EXPECT_EQ(markers_->epoch, ProducerEpoch(1));
  end(true, 2, ProducerEpoch(0));
  EXPECT_EQ(producer_->error, Code::kConcurrentTransactions);
  end(true, 2, ProducerEpoch(1));
  EXPECT_EQ(producer_->error, Code::kProducerFenced);
  markers_written();
  stored();
  end(true, 2, ProducerEpoch(0));
  EXPECT_EQ(producer_->error, Code::kNone);
  EXPECT_EQ(producer_->epoch, ProducerEpoch(1));
  end(false, 2, ProducerEpoch(0));
  EXPECT_EQ(producer_->error, Code::kInvalidTxnState);
  end(true, 2, ProducerEpoch(1));
  EXPECT_EQ(producer_->error, Code::kInvalidTxnState);
  end(false, 2, ProducerEpoch(1));
  stored();
  EXPECT_EQ(producer_->epoch, ProducerEpoch(2));
}

TEST_F(TransactionStep, Version2AbortOfNothingGivesANewEpoch) {
  init();
  end(false, 2, ProducerEpoch(0));
  stored();
  EXPECT_EQ(producer_->error, Code::kNone);
  EXPECT_EQ(producer_->epoch, ProducerEpoch(1));
  EXPECT_FALSE(markers_);
  stored();
  EXPECT_EQ(txn_.data.state, State::kCompleteAbort);
  EXPECT_EQ(txn_.data.start_ms, wall_ms_);
}

TEST_F(TransactionStep, AnExhaustedEpochGivesANewId) {
  init();
  txn_.data.epoch = kProducerEpochMax;
  add("a", 2);
  end(true, 2, kProducerEpochMax);
  stored();
  EXPECT_EQ(producer_->producer_id, ProducerId(101));
  EXPECT_EQ(producer_->epoch, ProducerEpoch(0));
  EXPECT_EQ(markers_->producer_id, ProducerId(100));
  EXPECT_EQ(markers_->epoch, ProducerEpoch(32767));
  markers_written();
  stored();
  EXPECT_EQ(txn_.data.producer_id, ProducerId(101));
  feed(EndTransactionEvent{0, ProducerId(100), kProducerEpochMax, true, 2, kNoProducerId});
  EXPECT_EQ(producer_->error, Code::kNone);
  EXPECT_EQ(producer_->producer_id, ProducerId(101));

  txn_.data.epoch = kProducerEpochMax;
  init();
  EXPECT_EQ(producer_->producer_id, ProducerId(102));
  EXPECT_EQ(producer_->epoch, ProducerEpoch(0));
}

TEST_F(TransactionStep, InitAbortsWhatIsOngoingAndIsAskedAgain) {
  for (const std::int16_t version : {std::int16_t{0}, std::int16_t{2}}) {
    SCOPED_TRACE(version);
    txn_ = Transaction();
    txn_.id = "id";
    limits_.version = version;
    init();
    add("a", version);
    feed(InitTransactionEvent{0, 60'000, {}, kNoProducerId});
    stored();
    EXPECT_EQ(producer_->error, Code::kConcurrentTransactions);
    EXPECT_EQ(markers_->epoch, ProducerEpoch(1));
    EXPECT_FALSE(markers_->commit);
    end(true, version, ProducerEpoch(0));
    EXPECT_NE(producer_->error, Code::kNone);
    markers_written();
    stored();
    init();
    EXPECT_EQ(producer_->epoch, ProducerEpoch(2));
  }
}

TEST_F(TransactionStep, ATimeoutAbortsAndFences) {
  init();
  add("a", 0);
  wall_ms_ += 60'000;
  feed(TimeOutEvent{});
  EXPECT_FALSE(store_);
  ++wall_ms_;
  feed(TimeOutEvent{});
  stored();
  EXPECT_FALSE(producer_);
  EXPECT_FALSE(markers_->commit);
  markers_written();
  stored();
  end(true, 0, ProducerEpoch(0));
  EXPECT_EQ(producer_->error, Code::kProducerFenced);
}

TEST_F(TransactionStep, WhatWasPreparedIsFinishedAfterARestart) {
  init();
  add("a", 2);
  end(true, 2, ProducerEpoch(0));
  stored();
  reload();
  ASSERT_TRUE(markers_);
  EXPECT_TRUE(markers_->commit);
  EXPECT_EQ(markers_->epoch, ProducerEpoch(1));
  EXPECT_EQ(markers_->client_version, 2);
  markers_written();
  stored();
  EXPECT_EQ(txn_.data.state, State::kCompleteCommit);
  end(true, 2, ProducerEpoch(0));
  EXPECT_EQ(producer_->error, Code::kNone);
}

TEST_F(TransactionStep, MarkersThatFailAreTriedAgainWithPauses) {
  init();
  add("a", 0);
  add("b", 0);
  end(false, 0, ProducerEpoch(0));
  stored();
  const WriteMarkers first = *markers_;
  markers_.reset();
  take(step(txn_, MarkersWrittenEvent{first.round, {{"a", 0}}}, {steady_ms_, wall_ms_}, limits_));
  EXPECT_FALSE(markers_);
  EXPECT_EQ(wake_ms(txn_), steady_ms_ + 20);
  steady_ms_ += 20;
  feed(TransactionTickEvent{});
  ASSERT_TRUE(markers_);
  EXPECT_EQ(markers_->partitions, (std::vector<TopicPartition>{{"b", 0}}));
  markers_written();
  stored(Code::kStorageError);
  ASSERT_TRUE(wake_ms(txn_));
  steady_ms_ = *wake_ms(txn_);
  feed(TransactionTickEvent{});
  stored();
  EXPECT_EQ(txn_.data.state, State::kCompleteAbort);
}

TEST_F(TransactionStep, VerifyingNamesWhatIsMissing) {
  init();
  add("a", 0);
  feed(VerifyPartitionsEvent{0, ProducerId(100), ProducerEpoch(0), {{"a", 0}, {"b", 0}}});
  EXPECT_EQ(partitions_->error, Code::kNone);
  EXPECT_EQ(partitions_->missing, (std::vector<TopicPartition>{{"b", 0}}));
  end(true, 0, ProducerEpoch(0));
  stored();
  feed(VerifyPartitionsEvent{0, ProducerId(100), ProducerEpoch(0), {{"a", 0}}});
  EXPECT_EQ(partitions_->error, Code::kConcurrentTransactions);
}

TEST_F(TransactionStep, AnIdThatNobodyUsesIsForgotten) {
  init();
  feed(ExpireTransactionEvent{});
  EXPECT_FALSE(store_);
  wall_ms_ += limits_.id_expiration_ms;
  feed(ExpireTransactionEvent{});
  ASSERT_TRUE(store_);
  EXPECT_FALSE(store_->value);
  stored();
  EXPECT_EQ(txn_.data.state, State::kDead);
}

TEST(TransactionRecords, ReadWhatTheyWrote) {
  TransactionData data;
  data.producer_id = ProducerId(4711);
  data.previous_producer_id = ProducerId(4710);
  data.next_producer_id = ProducerId(4712);
  data.epoch = ProducerEpoch(3);
  data.timeout_ms = 60'000;
  data.state = State::kPrepareCommit;
  data.partitions = {{"a", 0}, {"a", 1}, {"b", 7}};
  data.start_ms = 5;
  data.last_update_ms = 6;
  data.client_version = 2;
  EXPECT_EQ(*decode_transaction(encode_transaction(data, 2)), data);
  const auto old = decode_transaction(encode_transaction(data, 0));
  data.previous_producer_id = data.next_producer_id = kNoProducerId;
  data.client_version = 0;
  EXPECT_EQ(*old, data);
  EXPECT_EQ(**decode_transaction_key(encode_transaction_key("id")), "id");
  EXPECT_FALSE(decode_transaction("\0\7"));
  EXPECT_FALSE(decode_transaction(std::string("\0", 1)));
}

/// Built by hand from Kafka's TransactionLogValue: version 1, an empty transaction.
TEST(TransactionRecords, HaveKafkasBytes) {
  TransactionData data;
  data.producer_id = ProducerId(1);
  data.previous_producer_id = ProducerId(1);
  data.epoch = ProducerEpoch(2);
  data.timeout_ms = 3;
  data.last_update_ms = 4;
  const std::string expected(
      "\0\1"                              // version
      "\0\0\0\0\0\0\0\1\0\2\0\0\0\3\0"    // id, epoch, timeout, state
      "\0"                                // no partitions: null
      "\0\0\0\0\0\0\0\4"                  // last update
      "\377\377\377\377\377\377\377\377"  // no start
      "\1\0\10\0\0\0\0\0\0\0\1",          // one tag: the previous id
      2 + 15 + 1 + 8 + 8 + 11);
  EXPECT_EQ(encode_transaction(data, 2), expected);
}

}  // namespace
}  // namespace penstock::broker
