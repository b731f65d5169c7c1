#include "broker/handlers/write_txn_markers.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "broker/gather.h"
#include "broker/transaction_marker.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::WriteTxnMarkersRequest;
using protocol::WriteTxnMarkersResponse;

namespace {
/// What the transaction coordinators have reached; which of them a producer id belongs to is not
/// said.
std::int32_t coordinator_epoch(const Topics& topics) {
  std::int32_t epoch = 0;
  const TopicRef topic = topics.find(kTransactionStateTopic);
  if (!topic) return epoch;
  for (const PartitionRef& partition : topic->partitions)
    epoch = std::max(epoch, partition->leader_epoch.value);
  return epoch;
}
}  // namespace

void handle_write_txn_markers(RequestContext context, WriteTxnMarkersRequest request,
                              Reply<WriteTxnMarkersResponse> reply) {
  struct Write {
    PartitionRef handle;
    TransactionMarker marker;
  };
  std::vector<Write> writes;
  WriteTxnMarkersResponse response;
  const std::int32_t epoch_max = coordinator_epoch(*context.shard.topics());
  for (const WriteTxnMarkersRequest::Marker& asked : request.markers) {
    TransactionMarker marker;
    marker.producer_id = asked.producer_id;
    marker.producer_epoch = asked.producer_epoch;
    marker.commit = asked.committed;
    marker.coordinator_epoch = asked.coordinator_epoch;
    marker.transaction_version = asked.transaction_version;
    marker.coordinator_epoch_max = epoch_max;
    // As Kafka, which answers by partition: where none is named, nothing is said.
    WriteTxnMarkersResponse::Marker out;
    out.producer_id = asked.producer_id;
    for (const WriteTxnMarkersRequest::Topic& topic : asked.topics) {
      if (topic.partitions.empty()) continue;
      WriteTxnMarkersResponse::Topic& to = out.topics.emplace_back();
      to.name = topic.name;
      for (const std::int32_t index : topic.partitions) {
        to.partitions.push_back({index, ErrorCode::kNone});
        writes.push_back({context.shard.topics()->find(topic.name, PartitionId(index)), marker});
      }
    }
    if (!out.topics.empty()) response.markers.push_back(std::move(out));
  }
  if (writes.empty()) return reply(response);
  auto gather = std::make_shared<Gather<ErrorCode>>(
      context.shard, writes.size(),
      [response = std::move(response),
       reply = std::move(reply)](std::vector<ErrorCode> errors) mutable {
        auto next = errors.begin();
        for (auto& marker : response.markers) {
          for (auto& topic : marker.topics) {
            for (auto& partition : topic.partitions) partition.error = *next++;
          }
        }
        reply(response);
      });
  for (std::size_t i = 0; i < writes.size(); ++i) {
    if (!writes[i].handle) {
      gather->put(i, ErrorCode::kUnknownTopicOrPartition);
      continue;
    }
    if (writes[i].marker.producer_id.value < 0 || writes[i].marker.producer_epoch.value < 0) {
      gather->put(i, ErrorCode::kInvalidRequest);
      continue;
    }
    write_marker(writes[i].handle, writes[i].marker,
                 [gather, i](ErrorCode error) { gather->put(i, error); });
  }
}

}  // namespace penstock::broker
