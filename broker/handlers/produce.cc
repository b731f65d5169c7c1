#include "broker/handlers/produce.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/batch_check.h"
#include "broker/client_quotas.h"
#include "broker/coordinator/at_transaction.h"
#include "broker/partition.h"
#include "framework/protocol/messages/produce.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::ProduceResponse;

namespace {

constexpr std::int16_t kLowestServed = 3;
constexpr std::int16_t kAbortableFrom = 11;  // clients that know TRANSACTION_ABORTABLE
constexpr std::int16_t kAddsFrom = 12;       // the request adds its partitions to the transaction
constexpr std::int16_t kTopicIdsFrom = 13;
// Of one request. Producers send a batch for each of a broker's partitions at most, and 1 MB in all
// unless told otherwise.
constexpr std::size_t kPartitionsMax = 20'000;

/// What the coordinator said, in words that producers of that version understand: those that do not
/// add partitions try again after NOT_ENOUGH_REPLICAS, which does not even refresh their metadata.
ErrorCode producer_error(ErrorCode error, std::int16_t version) {
  switch (error) {
    case ErrorCode::kCoordinatorLoadInProgress:
    case ErrorCode::kCoordinatorNotAvailable:
    case ErrorCode::kNotCoordinator:
      return ErrorCode::kNotEnoughReplicas;
    case ErrorCode::kConcurrentTransactions:
      return version >= kAddsFrom ? error : ErrorCode::kNotEnoughReplicas;
    default:
      return error;
  }
}

std::string refusal_text(ErrorCode error) {
  if (error == ErrorCode::kInvalidTxnState) return "Partition was not added to the transaction";
  if (error == ErrorCode::kNotEnoughReplicas)
    return "Unable to verify the partition has been added to the transaction";
  return "";
}

/// One partition of the request. The owner shard writes its outcome; the connection's shard reads
/// it after the owner reported.
struct Part {
  PartitionRef handle;
  PartitionId index;
  ByteSpan records;
  BatchCheck check;
  AppendOutcome outcome;
  std::uint64_t guard = 0;               // of a first batch that the coordinator vouches for
  ErrorCode refused = ErrorCode::kNone;  // what the coordinator said
};
using PartIndexes = std::vector<std::size_t>;

struct TopicParts {
  std::string name;
  Uuid id;
  std::size_t first = 0;  // in parts
  std::size_t count = 0;
};

/// One produce request from its parts to its answer. An owner shard is visited once; the parts that
/// are the first of a transaction on their partition go to the transaction coordinator then, all at
/// once, and their owners are visited again.
class ProduceOperation : public std::enable_shared_from_this<ProduceOperation> {
 public:
  ProduceOperation(RequestContext context, ReplyTo reply)
      : context_(std::move(context)),
        home_(context_.shard),
        reply_(std::move(reply)),
        opened_(context_.frame.bytes().size()) {}

  /// False when the body is malformed.
  bool read(ByteSpan body);
  void start();

 private:
  bool read_topic(protocol::Reader& reader, ByteSpan body);
  bool read_partition(protocol::Reader& reader, ByteSpan body, const TopicRef& topic,
                      ErrorCode topic_error);
  Part judge(PartitionId index, ByteSpan records, const TopicRef& topic, ErrorCode topic_error);
  ErrorCode judge_transaction(const record::BatchHeader& header);
  void visit(BrokerShard& owner, PartIndexes parts, bool first_visit,
             const net::Frame& frame) noexcept;
  void visit_owners(const PartIndexes& parts, bool first_visit, const net::Frame& frame);
  [[nodiscard]] PartIndexes append_on(BrokerShard& owner, PartIndexes& parts,
                                      const net::Frame& frame);
  void wait_on(BrokerShard& owner, PartIndexes parts, std::size_t answered);
  void parts_done(std::size_t count);
  void first_visit_done(PartIndexes unverified, const net::Frame& frame);
  void verify(PartIndexes parts, const net::Frame& frame);
  void answer();
  [[nodiscard]] ProduceResponse response();
  void charge_quota();

  RequestContext context_;
  BrokerShard& home_;  // the connection's shard
  ReplyTo reply_;
  OpenedBytes opened_;
  std::int16_t acks_ = 0;
  std::int32_t timeout_ms_ = 0;
  std::string transactional_id_;
  bool transactional_ = false;    // there is a transactional id
  bool has_transaction_ = false;  // and a batch of a transaction
  ProducerId producer_id_{-1};    // of the transaction
  ProducerEpoch producer_epoch_{-1};
  std::int64_t now_ms_ = 0;
  std::int32_t throttle_ms_ = 0;
  std::vector<TopicParts> topics_;
  std::vector<Part> parts_;
  // Home shard only.
  std::size_t parts_left_ = 0;
  std::size_t first_visits_left_ = 0;
  PartIndexes unverified_;
};

bool ProduceOperation::read(ByteSpan body) {
  const std::int16_t version = context_.version;
  protocol::Reader reader(body, version, reply_.flexible(), protocol::decode_budget(body.size()));
  std::optional<std::string_view> transactional_id;
  if (version >= kLowestServed) reader(transactional_id);
  reader(acks_);
  reader(timeout_ms_);
  transactional_ = transactional_id.has_value();
  transactional_id_ = transactional_id.value_or("");
  now_ms_ = context_.broker().clock().wall_ms();
  const std::int64_t topic_count = reader.count();
  for (std::int64_t t = 0; t < topic_count && reader.ok(); ++t) {
    if (!read_topic(reader, body)) return false;
  }
  reader.end_structure();
  return reader.ok() && reader.left() == 0;
}

bool ProduceOperation::read_topic(protocol::Reader& reader, ByteSpan body) {
  std::string_view name;
  Uuid id;
  TopicRef topic;
  ErrorCode error = ErrorCode::kNone;
  if (context_.version >= kTopicIdsFrom) {
    reader(id);
    topic = home_.topics()->find(id);
    if (!topic) error = ErrorCode::kUnknownTopicId;
  } else {
    reader(name);
    topic = home_.topics()->find(name);
    if (!topic) error = ErrorCode::kUnknownTopicOrPartition;
  }
  if (topic && topic->internal) error = ErrorCode::kInvalidTopic;
  reader.charge(sizeof(TopicParts) + sizeof(ProduceResponse::Topic) + name.size());
  if (!reader.ok()) return false;
  topics_.push_back({std::string(name), id, parts_.size(), 0});
  const std::int64_t partition_count = reader.count();
  for (std::int64_t p = 0; p < partition_count && reader.ok(); ++p) {
    if (!read_partition(reader, body, topic, error)) return false;
  }
  topics_.back().count = parts_.size() - topics_.back().first;
  reader.end_structure();
  return reader.ok();
}

bool ProduceOperation::read_partition(protocol::Reader& reader, ByteSpan body,
                                      const TopicRef& topic, ErrorCode topic_error) {
  PartitionId index;
  std::optional<ByteView> records;
  reader(index);
  reader(records);
  reader.end_structure();
  reader.charge(sizeof(Part) + sizeof(ProduceResponse::Partition));
  if (!reader.ok() || parts_.size() == kPartitionsMax) return false;
  const ByteView view = records.value_or(ByteView());
  const ByteSpan bytes =
      view.empty() ? ByteSpan()
                   : body.subspan(static_cast<std::size_t>(view.data() - body.data()), view.size());
  parts_.push_back(judge(index, bytes, topic, topic_error));
  return true;
}

Part ProduceOperation::judge(PartitionId index, ByteSpan records, const TopicRef& topic,
                             ErrorCode topic_error) {
  Part part;
  part.index = index;
  part.records = records;
  const auto refuse = [&](ErrorCode code, std::string text) {
    part.outcome.error = code;
    part.outcome.text = std::move(text);
    return std::move(part);
  };
  if (context_.version < kLowestServed) return refuse(ErrorCode::kUnsupportedVersion, "");
  if (acks_ < -1 || acks_ > 1) return refuse(ErrorCode::kInvalidRequiredAcks, "");
  if (topic_error != ErrorCode::kNone) return refuse(topic_error, "");
  if (index.value < 0 || static_cast<std::size_t>(index.value) >= topic->partitions.size()) {
    return refuse(ErrorCode::kUnknownTopicOrPartition, "");
  }
  part.check = check_batch(records, topic->settings, context_.version, now_ms_, opened_);
  if (part.check.header.transactional() && !transactional_)
    return refuse(ErrorCode::kTransactionalIdAuthorizationFailed, "");
  if (part.check.error != ErrorCode::kNone)
    return refuse(part.check.error, std::move(part.check.text));
  if (part.check.header.transactional()) {
    const ErrorCode error = judge_transaction(part.check.header);
    if (error != ErrorCode::kNone) return refuse(error, "");
  }
  if (!part.check.recoded.empty()) part.records = part.check.recoded;
  part.handle = topic->partitions[static_cast<std::size_t>(index.value)];
  return part;
}

ErrorCode ProduceOperation::judge_transaction(const record::BatchHeader& header) {
  if (transactional_id_.empty()) return ErrorCode::kInvalidRequest;
  if (!std::exchange(has_transaction_, true)) {
    producer_id_ = header.producer_id;
    producer_epoch_ = header.producer_epoch;
  }
  return header.producer_id == producer_id_ && header.producer_epoch == producer_epoch_
             ? ErrorCode::kNone
             : ErrorCode::kInvalidProducerIdMapping;
}

void ProduceOperation::start() {
  PartIndexes all;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].handle) all.push_back(i);
  }
  charge_quota();
  // From here on only the appends to come keep the bytes.
  const net::Frame frame = std::exchange(context_.frame, net::Frame());
  parts_left_ = all.size();
  if (all.empty()) return answer();
  visit_owners(all, true, frame);
}

void ProduceOperation::visit_owners(const PartIndexes& parts, bool first_visit,
                                    const net::Frame& frame) {
  std::vector<std::pair<BrokerShard*, PartIndexes>> owners;
  for (const std::size_t i : parts) {
    BrokerShard* owner = parts_[i].handle->owner;
    auto found = std::find_if(owners.begin(), owners.end(),
                              [&](const auto& entry) { return entry.first == owner; });
    if (found == owners.end()) found = owners.insert(owners.end(), {owner, {}});
    found->second.push_back(i);
  }
  if (first_visit) first_visits_left_ = owners.size();
  for (auto& [owner, mine] : owners) {
    if (owner == &home_) {
      visit(*owner, std::move(mine), first_visit, frame);
    } else {
      owner->io().post(measured(
          [self = shared_from_this(), owner = owner, mine = std::move(mine), first_visit,
           frame]() mutable { self->visit(*owner, std::move(mine), first_visit, frame); }));
    }
  }
}

/// A client over its quota is answered as always, but its next requests wait.
void ProduceOperation::charge_quota() {
  ClientQuotas& quotas = context_.broker().quotas();
  if (!quotas.any()) return;
  throttle_ms_ =
      quotas.charge(ClientQuotas::Kind::kProduce, context_.client_id, context_.frame.bytes().size(),
                    context_.broker().clock().steady_ms());
  if (throttle_ms_ > 0) reply_.pause_client(throttle_ms_);
}

/// On the owner shard.
void ProduceOperation::visit(BrokerShard& owner, PartIndexes parts, bool first_visit,
                             const net::Frame& frame) noexcept {  // as PartitionHandle::on_owner()
  PartIndexes unverified = append_on(owner, parts, frame);
  if (has_transaction_ && (first_visit || !unverified.empty())) {
    auto report = [self = shared_from_this(), unverified = std::move(unverified), first_visit,
                   frame]() mutable {
      if (first_visit)
        self->first_visit_done(std::move(unverified), frame);
      else
        self->verify(std::move(unverified), frame);
    };
    home_.io().post(std::move(report));
  }
  const std::size_t answered = parts.size();
  wait_on(owner, std::move(parts), answered);
}

/// On the owner shard. Leaves in `parts` those that are through, and gives those that the
/// coordinator has to vouch for; what waits behind such a one comes back by itself.
PartIndexes ProduceOperation::append_on(BrokerShard& owner, PartIndexes& parts,
                                        const net::Frame& frame) {
  PartIndexes unverified;
  PartIndexes verified;
  std::erase_if(parts, [&](std::size_t i) {
    Part& part = parts_[i];
    part.outcome = {};  // of the visit before, if this is not the first
    Partition* partition = part.handle->partition.get();
    if (partition == nullptr) {
      part.outcome.error = part.handle->offline.text.empty() ? ErrorCode::kNotLeaderOrFollower
                                                             : ErrorCode::kStorageError;
      part.outcome.text = part.handle->offline.text;
    } else if (part.refused != ErrorCode::kNone) {
      part.outcome.error = part.refused;
      part.outcome.text = refusal_text(part.refused);
    } else {
      part.outcome = partition->append(part.records, part.check.header, acks_, part.guard);
    }
    if (part.guard != 0) verified.push_back(i);
    if (!part.outcome.unverified) {
      part.records = {};
      part.check.recoded = {};
      return false;
    }
    TransactionVerifications& waits = partition->verifications();
    part.guard = waits.begin(producer_id_, producer_epoch_, context_.version >= kAddsFrom);
    if (part.guard != 0) {
      unverified.push_back(i);
    } else {
      waits.after(producer_id_, [self = shared_from_this(), &owner, i, frame] {
        self->visit(owner, {i}, false, frame);
      });
    }
    return true;
  });
  for (const std::size_t i : verified) {
    const std::uint64_t guard = std::exchange(parts_[i].guard, 0);
    if (Partition* partition = parts_[i].handle->partition.get())
      partition->verifications().end(producer_id_, guard);
  }
  return unverified;
}

/// On the owner shard: reports once all of `parts` are acknowledged, or failed.
void ProduceOperation::wait_on(BrokerShard& owner, PartIndexes parts, std::size_t answered) {
  if (answered == 0) return;
  const auto waits = [&](std::size_t i) {
    const Part& part = parts_[i];
    return acks_ != 0 && part.outcome.error == ErrorCode::kNone &&
           !part.handle->partition->acknowledged(part.outcome.end, acks_);
  };
  std::erase_if(parts, [&](std::size_t i) { return !waits(i); });
  const auto report = [self = shared_from_this(), &owner, answered] {
    if (&owner == &self->home_) return self->parts_done(answered);
    self->home_.io().post([self, answered] { self->parts_done(answered); });
  };
  if (parts.empty()) return report();
  auto left = std::make_shared<std::size_t>(parts.size());
  for (const std::size_t i : parts) {
    parts_[i].handle->partition->when_acknowledged(
        parts_[i].outcome.end, acks_, std::max(timeout_ms_, 1),
        [self = shared_from_this(), i, left, report](ErrorCode error) {
          self->parts_[i].outcome.error = error;
          if (--*left == 0) report();
        });
  }
}

void ProduceOperation::parts_done(std::size_t count) {
  parts_left_ -= count;
  if (parts_left_ == 0) answer();
}

void ProduceOperation::first_visit_done(PartIndexes unverified, const net::Frame& frame) {
  unverified_.insert(unverified_.end(), unverified.begin(), unverified.end());
  if (--first_visits_left_ == 0 && !unverified_.empty())
    verify(std::exchange(unverified_, {}), frame);
}

void ProduceOperation::verify(PartIndexes parts, const net::Frame& frame) {
  TransactionClaim claim;
  claim.transactional_id = transactional_id_;
  claim.producer_id = producer_id_;
  claim.epoch = producer_epoch_;
  claim.kind = context_.version >= kAddsFrom        ? TransactionClaim::Kind::kAdd
               : context_.version >= kAbortableFrom ? TransactionClaim::Kind::kVerifyAbortable
                                                    : TransactionClaim::Kind::kVerify;
  std::vector<TopicPartition> partitions;
  for (const std::size_t i : parts)
    partitions.emplace_back(parts_[i].handle->topic, parts_[i].index.value);
  claim_partitions(home_, std::move(claim), std::move(partitions),
                   [self = shared_from_this(), parts = std::move(parts),
                    frame](const std::vector<ErrorCode>& errors) {
                     for (std::size_t k = 0; k < parts.size(); ++k)
                       self->parts_[parts[k]].refused =
                           producer_error(errors[k], self->context_.version);
                     self->visit_owners(parts, false, frame);
                   });
}

void ProduceOperation::answer() {
  if (acks_ == 0) {
    const bool failed = std::any_of(parts_.begin(), parts_.end(), [](const Part& part) {
      return part.outcome.error != ErrorCode::kNone;
    });
    // There is no answer in which to report it: the client learns of a failure by losing the
    // connection.
    if (failed)
      reply_.close_connection();
    else
      reply_.send_nothing();
    return;
  }
  reply_.send_encoded(response());
}

ProduceResponse ProduceOperation::response() {
  ProduceResponse out;
  out.throttle_ms = throttle_ms_;
  out.topics.reserve(topics_.size());
  bool moved = false;
  for (TopicParts& topic : topics_) {
    if (topic.count == 0) continue;  // as Kafka, which answers by partition
    ProduceResponse::Topic& to = out.topics.emplace_back();
    to.name = std::move(topic.name);
    to.id = topic.id;
    to.partitions.reserve(topic.count);
    for (std::size_t i = topic.first; i < topic.first + topic.count; ++i) {
      Part& part = parts_[i];
      ProduceResponse::Partition& partition = to.partitions.emplace_back();
      partition.index = part.index;
      partition.error = part.outcome.error;
      if (partition.error == ErrorCode::kNone) {
        partition.base_offset = part.outcome.base_offset;
        partition.log_append_time_ms = part.check.log_append_time_ms;
        partition.log_start = part.outcome.log_start;
      } else if (!part.outcome.text.empty()) {
        partition.error_text = std::move(part.outcome.text);
      }
      for (RecordFault& fault : part.check.faults)
        partition.record_errors.push_back({fault.index, std::move(fault.text)});
      if (partition.error == ErrorCode::kNotLeaderOrFollower && part.handle) {
        partition.leader = {context_.broker().settings().node_id, part.handle->leader_epoch};
        moved = true;
      }
    }
  }
  if (moved) {
    const Endpoint& here = context_.broker().advertised();
    out.nodes.push_back({context_.broker().settings().node_id, here.host, here.port, {}});
  }
  return out;
}

}  // namespace

void handle_produce(RequestContext context, ByteSpan body, ReplyTo reply) {
  auto operation = std::make_shared<ProduceOperation>(std::move(context), std::move(reply));
  if (operation->read(body)) operation->start();  // else it dies here, and the connection with it
}

}  // namespace penstock::broker
