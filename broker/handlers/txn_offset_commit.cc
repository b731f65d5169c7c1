#include "broker/handlers/txn_offset_commit.h"

#include <memory>
#include <utility>

#include "broker/coordinator/at_group.h"
#include "broker/coordinator/at_transaction.h"
#include "broker/handlers/committed_offsets.h"
#include "broker/partition.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::TxnOffsetCommitRequest;
using protocol::TxnOffsetCommitResponse;

namespace {

constexpr std::int16_t kLoadingKnownFrom = 2;  // older producers crash over LOAD_IN_PROGRESS
constexpr std::int16_t kAbortableFrom = 4;
constexpr std::int16_t kAddsFrom = 5;

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
    event_.known_topics = place_.coordinator->topics();
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
  event.offsets = take_offsets(context, request, response);
  if (event.offsets.empty()) return reply(response);
  auto answer = [version = context.version, response = std::move(response),
                 reply = std::move(reply)](ErrorCode error) mutable {
    if (version < kLoadingKnownFrom && error == ErrorCode::kCoordinatorLoadInProgress)
      error = ErrorCode::kCoordinatorNotAvailable;
    tell_partitions(response, error);
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
