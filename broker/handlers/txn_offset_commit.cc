#include "broker/handlers/txn_offset_commit.h"

#include <memory>
#include <utility>

#include "broker/coordinator/at_group.h"
#include "broker/coordinator/at_transaction.h"
#include "broker/partition.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::TxnOffsetCommitRequest;
using protocol::TxnOffsetCommitResponse;

namespace {

constexpr std::int16_t kLoadingKnownFrom = 2;  // older producers crash over LOAD_IN_PROGRESS
constexpr std::int16_t kAbortableFrom = 4;
constexpr std::int16_t kAddsFrom = 5;

/// What is wrong with one partition, whatever the group says.
ErrorCode check(const RequestContext& context, std::string_view topic,
                const TxnOffsetCommitRequest::Partition& partition) {
  if (!context.shard.topics()->find(topic, PartitionId(partition.index)))
    return ErrorCode::kUnknownTopicOrPartition;
  if (partition.metadata &&
      partition.metadata->size() >
          context.broker().settings().coordinator.limits.offset_metadata_bytes_max) {
    return ErrorCode::kOffsetMetadataTooLarge;
  }
  return ErrorCode::kNone;
}

/// What the transaction coordinator said, in the group coordinator's words.
ErrorCode group_error(ErrorCode error) {
  switch (error) {
    case ErrorCode::kCoordinatorLoadInProgress:
    case ErrorCode::kNotCoordinator:
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kConcurrentTransactions:
      return ErrorCode::kCoordinatorLoadInProgress;
    default:
      return error;
  }
}

/// One request, on the shard of the group once it began.
class Commit : public std::enable_shared_from_this<Commit> {
 public:
  Commit(GroupPlace place, std::string group, TransactionClaim claim,
         TransactionalCommitEvent event, UniqueFunction<void(ErrorCode)> done)
      : place_(std::move(place)),
        group_(std::move(group)),
        claim_(std::move(claim)),
        event_(std::move(event)),
        done_(std::move(done)) {}

  void start() {
    Partition* partition = place_.partition->partition.get();
    if (partition == nullptr) return done_(ErrorCode::kNotCoordinator);
    if (partition->in_transaction(claim_.producer_id, claim_.epoch)) return submit();
    TransactionVerifications& waits = partition->verifications();
    event_.guard =
        waits.begin(claim_.producer_id, claim_.epoch, claim_.kind == TransactionClaim::Kind::kAdd);
    if (event_.guard == 0) {
      return waits.after(claim_.producer_id, [self = shared_from_this()] { self->start(); });
    }
    claim_partitions(*place_.partition->owner, claim_,
                     {{place_.partition->topic, place_.partition->index.value}},
                     [self = shared_from_this()](const std::vector<ErrorCode>& errors) {
                       self->claimed(errors.front());
                     });
  }

 private:
  void claimed(ErrorCode error) {
    const std::uint64_t guard = event_.guard;
    if (error == ErrorCode::kNone)
      submit();  // appends before it returns
    else
      done_(group_error(error));
    if (Partition* partition = place_.partition->partition.get())
      partition->verifications().end(claim_.producer_id, guard);
  }

  void submit() {
    place_.coordinator->submit<CodeAnswer>(
        place_.partition, group_, std::move(event_),
        [self = shared_from_this()](CodeAnswer& answer) { self->done_(answer.error); });
  }

  const GroupPlace place_;
  const std::string group_;
  const TransactionClaim claim_;
  TransactionalCommitEvent event_;
  UniqueFunction<void(ErrorCode)> done_;
};

}  // namespace

void handle_txn_offset_commit(RequestContext context, TxnOffsetCommitRequest request,
                              Reply<TxnOffsetCommitResponse> reply) {
  TransactionalCommitEvent event;
  event.generation = request.generation;
  event.member_id = request.member_id;
  event.instance_id = owned(request.instance_id);
  event.producer_id = request.producer_id.value;
  event.producer_epoch = request.producer_epoch.value;
  TxnOffsetCommitResponse response;
  for (const TxnOffsetCommitRequest::Topic& topic : request.topics) {
    TxnOffsetCommitResponse::Topic& out = response.topics.emplace_back();
    out.name = topic.name;
    for (const TxnOffsetCommitRequest::Partition& partition : topic.partitions) {
      const ErrorCode error = check(context, topic.name, partition);
      out.partitions.push_back({partition.index, error});
      if (error != ErrorCode::kNone) continue;
      CommittedOffset offset;
      offset.offset = partition.offset.value;
      offset.leader_epoch = partition.leader_epoch;
      offset.metadata = partition.metadata.value_or("");
      event.offsets.emplace_back(TopicPartition(topic.name, partition.index), std::move(offset));
    }
  }
  if (event.offsets.empty()) return reply(response);
  auto answer = [version = context.version, response = std::move(response),
                 reply = std::move(reply)](ErrorCode error) mutable {
    if (version < kLoadingKnownFrom && error == ErrorCode::kCoordinatorLoadInProgress)
      error = ErrorCode::kCoordinatorNotAvailable;
    for (TxnOffsetCommitResponse::Topic& topic : response.topics) {
      for (TxnOffsetCommitResponse::Partition& partition : topic.partitions) {
        if (partition.error == ErrorCode::kNone) partition.error = error;
      }
    }
    reply(response);
  };
  if (request.group_id.empty()) return answer(ErrorCode::kInvalidGroupId);
  if (request.producer_id.value < 0 || request.transactional_id.empty())
    return answer(ErrorCode::kInvalidRequest);
  TransactionClaim claim;
  claim.transactional_id = request.transactional_id;
  claim.producer_id = request.producer_id;
  claim.epoch = request.producer_epoch;
  claim.kind = context.version >= kAddsFrom        ? TransactionClaim::Kind::kAdd
               : context.version >= kAbortableFrom ? TransactionClaim::Kind::kVerifyAbortable
                                                   : TransactionClaim::Kind::kVerify;
  at_group(context.shard, request.group_id,
           [group = std::string(request.group_id), claim = std::move(claim),
            event = std::move(event), answer = std::move(answer)](const GroupPlace& place) mutable {
             if (place.coordinator == nullptr) return answer(ErrorCode::kCoordinatorNotAvailable);
             std::make_shared<Commit>(place, std::move(group), std::move(claim), std::move(event),
                                      std::move(answer))
                 ->start();
           });
}

}  // namespace penstock::broker
