#include "tests/support/broker_process.h"
#include "tests/unit/broker/broker_in_process.h"
#include "tests/unit/broker/faulty_files.h"

namespace penstock::broker {
namespace {

using penstock::testing::TempDirectory;
using protocol::ErrorCode;

/// One partition of a broker without its listener, and one producer that writes to it.
class PartitionTransactions : public ::testing::Test {
 protected:
  PartitionTransactions() : broker_(directory_.path(), files_) {
    files_.on_open = [this](const std::string& path) -> Status {
      if (path.ends_with(".txnindex")) ++index_opens_;
      return {};
    };
    broker_.open();
    EXPECT_TRUE(broker_.create("t"));
  }

  static std::vector<std::byte> batch(std::int64_t producer, std::int16_t epoch,
                                      std::int32_t sequence) {
    record::BatchBuilder::Options options;
    options.producer_id = ProducerId(producer);
    options.producer_epoch = ProducerEpoch(epoch);
    options.base_sequence = sequence;
    options.transactional = true;
    record::BatchBuilder builder(options);
    builder.add(1, "key", "value");
    return builder.finish();
  }
  template <class Work>
  auto on(Work work) {
    const PartitionRef handle = broker_.partition("t");
    return broker_.on_shard([&] { return work(*handle->partition); });
  }
  AppendOutcome append(std::int64_t producer, std::int16_t epoch, std::int32_t sequence,
                       std::uint64_t guard = 0) {
    return on([&](Partition& partition) {
      auto bytes = batch(producer, epoch, sequence);
      return partition.append(bytes, record::BatchView::parse(bytes)->header(), -1, guard);
    });
  }
  std::uint64_t begin(std::int64_t producer, std::int16_t epoch, bool adds = false) {
    return on([&](Partition& partition) {
      return partition.verifications().begin(ProducerId(producer), ProducerEpoch(epoch), adds);
    });
  }
  void end(std::int64_t producer, std::uint64_t guard) {
    on([&](Partition& partition) {
      partition.verifications().end(ProducerId(producer), guard);
      return 0;
    });
  }
  void open_transaction(std::int64_t producer, std::int16_t epoch, std::int32_t sequence = 0) {
    const std::uint64_t guard = begin(producer, epoch);
    EXPECT_EQ(append(producer, epoch, sequence, guard).error, ErrorCode::kNone);
    end(producer, guard);
  }
  ErrorCode mark(std::int64_t producer, std::int16_t epoch, bool commit, std::int16_t version = 0,
                 std::int32_t coordinator_epoch = 0) {
    TransactionMarker marker{ProducerId(producer), ProducerEpoch(epoch), commit, coordinator_epoch,
                             version};
    return on([&](Partition& partition) { return partition.append_marker(marker).error; });
  }
  ReadOutcome read_committed(std::int64_t from) {
    return on([&](Partition& partition) {
      return partition.read({Offset(from), 1 << 20, true, true, LeaderEpoch(-1)});
    });
  }

  TempDirectory directory_;
  FaultyFiles files_;
  std::atomic<int> index_opens_ = 0;
  BrokerInProcess broker_;
};

TEST_F(PartitionTransactions, TheFirstBatchNeedsTheCoordinatorsWord) {
  const AppendOutcome refused = append(1, 0, 0);
  EXPECT_TRUE(refused.unverified);
  EXPECT_EQ(refused.end, Offset::kNone);
  open_transaction(1, 0);
  EXPECT_EQ(append(1, 0, 1).base_offset, Offset(1));
}

TEST_F(PartitionTransactions, AMarkerInBetweenMakesTheWordVoid) {
  const std::uint64_t guard = begin(1, 0);
  EXPECT_EQ(mark(1, 0, false), ErrorCode::kNone);
  EXPECT_EQ(append(1, 0, 0, guard).error, ErrorCode::kInvalidTxnState);
  end(1, guard);
  EXPECT_FALSE(on([](Partition& p) { return p.verifications().under_way(ProducerId(1)); }));
}

TEST_F(PartitionTransactions, WithEpochBumpsTheMarkerOfTheTransactionBeforeDoesNot) {
  const std::uint64_t guard = begin(1, 1, true);
  EXPECT_EQ(mark(1, 1, true, 2), ErrorCode::kNone);
  EXPECT_EQ(append(1, 1, 0, guard).error, ErrorCode::kNone);
}

TEST_F(PartitionTransactions, WhatComesBehindWaitsItsTurn) {
  const std::uint64_t guard = begin(1, 0);
  EXPECT_TRUE(append(1, 0, 1).unverified) << "not out of order: the first one is on its way";
  EXPECT_EQ(begin(1, 0), 0U);
  std::string order;
  on([&](Partition& partition) {
    partition.verifications().after(ProducerId(1), [&order] { order += "a"; });
    partition.verifications().after(ProducerId(1), [&order] { order += "b"; });
    return 0;
  });
  end(1, guard);
  EXPECT_EQ(order, "ab");
}

TEST_F(PartitionTransactions, CommittedReadersStopAtTheFirstOpenOne) {
  EXPECT_EQ(broker_.append("t"), ErrorCode::kNone);
  open_transaction(1, 0);
  EXPECT_EQ(broker_.append("t"), ErrorCode::kNone);
  EXPECT_EQ(read_committed(0).last_stable, Offset(1));
  EXPECT_EQ(mark(1, 0, true), ErrorCode::kNone);
  const ReadOutcome all = read_committed(0);
  EXPECT_EQ(all.last_stable, Offset(4));
  EXPECT_TRUE(all.aborted.empty());
}

TEST_F(PartitionTransactions, AbortedOnesAreNamed) {
  open_transaction(1, 0);
  open_transaction(2, 0);
  EXPECT_EQ(mark(2, 0, true), ErrorCode::kNone);
  EXPECT_EQ(mark(1, 0, false), ErrorCode::kNone);
  const ReadOutcome all = read_committed(0);
  ASSERT_EQ(all.aborted.size(), 1U);
  EXPECT_EQ(all.aborted[0].producer_id, ProducerId(1));
  EXPECT_EQ(all.aborted[0].first, Offset(0));
}

TEST_F(PartitionTransactions, ManyAbortedOnesAreNamedOnlyWhereTheyWereRead) {
  for (std::int32_t n = 0; n < 40; ++n) {
    open_transaction(1, 0, n);
    EXPECT_EQ(mark(1, 0, false), ErrorCode::kNone);
  }
  const ReadOutcome one = on([](Partition& partition) {
    return partition.read({Offset(0), 1, true, true, LeaderEpoch(-1)});
  });
  ASSERT_EQ(one.aborted.size(), 1U);
  EXPECT_EQ(one.aborted[0].first, Offset(0));
}

TEST_F(PartitionTransactions, AFetchDoesNotReadTheIndexesOfLaterSegments) {
  constexpr std::int32_t kSegments = 20;
  for (std::int32_t n = 0; n < kSegments; ++n) {
    open_transaction(1, 0, n);
    EXPECT_EQ(mark(1, 0, false), ErrorCode::kNone);
    EXPECT_TRUE(on([](Partition& partition) { return partition.log().roll().has_value(); }));
  }
  index_opens_ = 0;
  const ReadOutcome one = on([](Partition& partition) {
    return partition.read({Offset(0), 1, true, true, LeaderEpoch(-1)});
  });
  ASSERT_EQ(one.aborted.size(), 1U);
  EXPECT_EQ(one.aborted[0].first, Offset(0));
  EXPECT_EQ(index_opens_, 1);
}

TEST_F(PartitionTransactions, MarkersOfZombiesAreRefused) {
  open_transaction(1, 3);
  EXPECT_EQ(mark(1, 2, true), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(mark(1, 3, true, 2), ErrorCode::kInvalidProducerEpoch);
  EXPECT_EQ(mark(1, 4, true, 2, 5), ErrorCode::kNone);
  EXPECT_EQ(mark(1, 4, true, 2, 5), ErrorCode::kNone) << "the same once more";
  EXPECT_EQ(mark(1, 5, true, 2, 4), ErrorCode::kTransactionCoordinatorFenced);
  EXPECT_EQ(append(1, 3, 1).error, ErrorCode::kInvalidProducerEpoch);
}

TEST_F(PartitionTransactions, AMarkerByHandDoesNotFenceTheCoordinator) {
  open_transaction(1, 0);
  const auto by_hand = [&](std::int32_t coordinator_epoch, std::int32_t reached) {
    TransactionMarker marker{ProducerId(1), ProducerEpoch(0), false, coordinator_epoch, 0, reached};
    return on([&](Partition& partition) { return partition.append_marker(marker).error; });
  };
  EXPECT_EQ(by_hand(6, 5), ErrorCode::kInvalidRequest);
  EXPECT_EQ(by_hand(5, 5), ErrorCode::kNone);
  EXPECT_EQ(by_hand(5, 4), ErrorCode::kNone) << "it is known there";
}

TEST_F(PartitionTransactions, AProducerThatAddsBeginsAtZero) {
  const std::uint64_t guard = begin(1, 0, true);
  EXPECT_EQ(append(1, 0, 5, guard).error, ErrorCode::kOutOfOrderSequenceNumber);
}

}  // namespace
}  // namespace penstock::broker
