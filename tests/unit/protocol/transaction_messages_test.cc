#include <gtest/gtest.h>

#include "filler.h"
#include "framework/protocol/api.h"
#include "framework/protocol/messages/add_offsets_to_txn.h"
#include "framework/protocol/messages/add_partitions_to_txn.h"
#include "framework/protocol/messages/describe_producers.h"
#include "framework/protocol/messages/describe_transactions.h"
#include "framework/protocol/messages/end_txn.h"
#include "framework/protocol/messages/list_transactions.h"
#include "framework/protocol/messages/txn_offset_commit.h"
#include "framework/protocol/messages/write_txn_markers.h"

namespace penstock::protocol {
namespace {

constexpr std::uint64_t kSeeds = 40;

/// Fills, encodes, decodes and encodes again: the bytes must be the same.
template <class Message>
void round_trips(ApiKey api, std::int16_t low, std::int16_t high) {
  for (std::int16_t version = low; version <= high; ++version) {
    const bool flexible = is_flexible(api, version);
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      SCOPED_TRACE(std::string(to_string(api)) + " version " + std::to_string(version) + " seed " +
                   std::to_string(seed));
      testing::Filler filler(seed * 1000 + static_cast<std::uint64_t>(version));
      Message message;
      filler.fill(message);
      std::vector<std::byte> bytes;
      encode(message, bytes, version, flexible);
      Message again;
      ASSERT_TRUE(decode(again, bytes, version, flexible));
      std::vector<std::byte> second;
      encode(again, second, version, flexible);
      ASSERT_EQ(bytes, second);
    }
  }
}

TEST(TransactionMessages, AddPartitionsToTxn) {
  round_trips<AddPartitionsToTxnRequest>(ApiKey::kAddPartitionsToTxn, 0, 5);
  round_trips<AddPartitionsToTxnResponse>(ApiKey::kAddPartitionsToTxn, 0, 5);
}
TEST(TransactionMessages, AddOffsetsToTxn) {
  round_trips<AddOffsetsToTxnRequest>(ApiKey::kAddOffsetsToTxn, 0, 4);
  round_trips<AddOffsetsToTxnResponse>(ApiKey::kAddOffsetsToTxn, 0, 4);
}
TEST(TransactionMessages, EndTxn) {
  round_trips<EndTxnRequest>(ApiKey::kEndTxn, 0, 5);
  round_trips<EndTxnResponse>(ApiKey::kEndTxn, 0, 5);
}
TEST(TransactionMessages, WriteTxnMarkers) {
  round_trips<WriteTxnMarkersRequest>(ApiKey::kWriteTxnMarkers, 1, 2);
  round_trips<WriteTxnMarkersResponse>(ApiKey::kWriteTxnMarkers, 1, 2);
}
TEST(TransactionMessages, TxnOffsetCommit) {
  round_trips<TxnOffsetCommitRequest>(ApiKey::kTxnOffsetCommit, 0, 5);
  round_trips<TxnOffsetCommitResponse>(ApiKey::kTxnOffsetCommit, 0, 5);
}
TEST(TransactionMessages, DescribeAndList) {
  round_trips<DescribeProducersRequest>(ApiKey::kDescribeProducers, 0, 0);
  round_trips<DescribeProducersResponse>(ApiKey::kDescribeProducers, 0, 0);
  round_trips<DescribeTransactionsRequest>(ApiKey::kDescribeTransactions, 0, 0);
  round_trips<DescribeTransactionsResponse>(ApiKey::kDescribeTransactions, 0, 0);
  round_trips<ListTransactionsRequest>(ApiKey::kListTransactions, 0, 2);
  round_trips<ListTransactionsResponse>(ApiKey::kListTransactions, 0, 2);
}

}  // namespace
}  // namespace penstock::protocol
