#include <atomic>

#include "broker/coordinator/transaction_coordinator.h"
#include "broker/coordinator/transaction_records.h"
#include "tests/support/broker_process.h"
#include "tests/unit/broker/broker_in_process.h"
#include "tests/unit/broker/faulty_files.h"

namespace penstock::broker {
namespace {

using penstock::testing::TempDirectory;
using protocol::ErrorCode;

constexpr const char* kId = "id";
constexpr ProducerId kProducer{1};
constexpr std::int32_t kRetriesSeen = 2;

std::vector<std::string> settings() {
  return {"transaction.state.log.num.partitions=1", "offsets.topic.num.partitions=1",
          "log.flush.offset.checkpoint.interval.ms=20"};
}

std::string state_topic() { return std::string(kTransactionStateTopic); }

void write_in_transaction(BrokerInProcess& broker, std::int32_t sequence) {
  const PartitionRef handle = broker.partition("t");
  const ErrorCode error = broker.on_shard([&] {
    record::BatchBuilder::Options options;
    options.producer_id = kProducer;
    options.producer_epoch = ProducerEpoch(0);
    options.base_sequence = sequence;
    options.transactional = true;
    record::BatchBuilder builder(options);
    builder.add(1, "key", "value");
    std::vector<std::byte> batch = builder.finish();
    const auto view = record::BatchView::parse(batch);
    Partition& partition = *handle->partition;
    const std::uint64_t guard = partition.verifications().begin(kProducer, ProducerEpoch(0), false);
    const AppendOutcome outcome = partition.append(batch, view->header(), -1, guard);
    partition.verifications().end(kProducer, guard);
    return outcome.error;
  });
  ASSERT_EQ(error, ErrorCode::kNone);
}

/// As a broker leaves it that dies between the decision to commit and the marker in `t`.
void decide_to_commit(BrokerInProcess& broker) {
  ASSERT_TRUE(broker.create(state_topic()));
  TransactionData data;
  data.producer_id = kProducer;
  data.epoch = ProducerEpoch(0);
  data.timeout_ms = 60'000;
  data.state = TransactionState::kPrepareCommit;
  data.partitions = {{"t", 0}};
  data.start_ms = data.last_update_ms = broker->clock().wall_ms();
  record::BatchBuilder builder;
  builder.add(1, encode_transaction_key(kId), encode_transaction(data, 0));
  const PartitionRef state = broker.partition(state_topic());
  ASSERT_TRUE((BrokerInProcess::ask<bool>([&](auto done) {
    broker->shard(0).io().post([state, batch = builder.finish(), done]() mutable {
      append_internal(*state->partition, std::move(batch),
                      [done](const auto& stored) mutable { done(stored.has_value()); });
    });
  })));
}

Offset last_stable(BrokerInProcess& broker) {
  const PartitionRef handle = broker.partition("t");
  return broker.on_shard([&] { return handle->partition->last_stable(); });
}

std::optional<Transaction> transaction(BrokerInProcess& broker) {
  const PartitionRef state = broker.partition(state_topic());
  std::optional<Transaction> out;
  broker.on_shard([&] {
    return broker->shard(0).transactions().look(state, kId, [&](const Transaction* found) {
      if (found != nullptr) out = *found;
    });
  });
  return out;
}

ErrorCode look_at_all(BrokerInProcess& broker) {
  return broker.on_shard(
      [&] { return broker->shard(0).transactions().look_at_all([](const Transaction&) {}); });
}

TEST(TransactionLoading, DecidedOnesAreEndedOnceTheStateTopicCanBeOpened) {
  const TempDirectory directory;
  {
    BrokerInProcess broker(directory.path(), log::posix_file_system(), settings());
    broker.open();
    ASSERT_TRUE(broker.create("t"));
    write_in_transaction(broker, 0);
    decide_to_commit(broker);
  }
  std::atomic<bool> full = true;
  FaultyFiles files;
  files.on_open = [&](const std::string& path) -> Status {
    if (full && path.find("__transaction_state-0/0000") != std::string::npos)
      return fail(Errc::kStorageFull, "open " + path + ": No space left on device");
    return {};
  };
  BrokerInProcess broker(directory.path(), files, settings());
  broker.open();
  BrokerInProcess::wait_for(
      [&] { return look_at_all(broker) == ErrorCode::kCoordinatorNotAvailable; },
      "the load to fail, and to be told of");
  EXPECT_EQ(last_stable(broker), Offset(0));
  full = false;
  // No client asks for the id.
  BrokerInProcess::wait_for([&] { return last_stable(broker) == Offset(2); }, "the marker");
  EXPECT_EQ(look_at_all(broker), ErrorCode::kNone);
}

TEST(TransactionLoading, AFencedCoordinatorsTransactionIsNotTakenForEnded) {
  const TempDirectory directory;
  {
    BrokerInProcess broker(directory.path(), log::posix_file_system(), settings());
    broker.open();
    ASSERT_TRUE(broker.create("t"));
    const PartitionRef handle = broker.partition("t");
    const TransactionMarker marker{kProducer, ProducerEpoch(0), false, 50};
    ASSERT_EQ(broker.on_shard([&] { return handle->partition->append_marker(marker).error; }),
              ErrorCode::kNone);
    write_in_transaction(broker, 0);
    decide_to_commit(broker);
  }
  BrokerInProcess broker(directory.path(), log::posix_file_system(), settings());
  broker.open();
  BrokerInProcess::wait_for(
      [&] {
        const auto now = transaction(broker);
        return now && now->failed_rounds >= kRetriesSeen;
      },
      "the marker to be tried again");
  EXPECT_EQ(transaction(broker)->data.state, TransactionState::kPrepareCommit);
  EXPECT_EQ(last_stable(broker), Offset(1));
}

}  // namespace
}  // namespace penstock::broker
