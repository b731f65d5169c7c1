#include "broker/handlers/produce.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/batch_check.h"
#include "broker/partition.h"
#include "framework/protocol/messages/produce.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::ProduceResponse;

namespace {

constexpr std::int16_t kLowestServed = 3;
// Of one request. Producers send a batch for each of a broker's partitions at most, and 1 MB in all
// unless told otherwise.
constexpr std::size_t kPartitionsMax = 20'000;

/// One partition of the request. The owner shard writes its outcome; the connection's shard reads
/// it after the owner reported.
struct Part {
  PartitionRef handle;
  PartitionId index;
  ByteSpan records;
  BatchCheck check;
  AppendOutcome outcome;
};

struct TopicParts {
  std::string name;
  std::size_t first = 0;  // in parts
  std::size_t count = 0;
};

/// One produce request from its parts to its answer.
class ProduceOperation : public std::enable_shared_from_this<ProduceOperation> {
 public:
  ProduceOperation(RequestContext context, ReplyTo reply)
      : context_(std::move(context)), home_(context_.shard), reply_(std::move(reply)) {}

  /// False when the body is malformed.
  bool read(ByteSpan body);
  void start();

 private:
  bool read_partition(protocol::Reader& reader, ByteSpan body, const TopicRef& topic,
                      ErrorCode topic_error);
  Part judge(PartitionId index, ByteSpan records, const TopicRef& topic, ErrorCode topic_error);
  void append_on(BrokerShard& owner, std::vector<std::size_t> parts, net::Frame frame);
  void wait_on(BrokerShard& owner, std::vector<std::size_t> parts);
  void owner_done(BrokerShard& owner);
  void answer();

  RequestContext context_;
  BrokerShard& home_;  // the connection's shard
  ReplyTo reply_;
  std::int16_t acks_ = 0;
  std::int32_t timeout_ms_ = 0;
  bool transactional_ = false;
  std::int64_t now_ms_ = 0;
  std::vector<TopicParts> topics_;
  std::vector<Part> parts_;
  std::size_t owners_left_ = 0;  // home shard only
};

bool ProduceOperation::read(ByteSpan body) {
  const std::int16_t version = context_.version;
  protocol::Reader reader(body, version, reply_.flexible(), protocol::decode_budget(body.size()));
  std::optional<std::string_view> transactional_id;
  if (version >= kLowestServed) reader(transactional_id);
  reader(acks_);
  reader(timeout_ms_);
  transactional_ = transactional_id.has_value();
  now_ms_ = context_.broker().clock().wall_ms();
  const std::int64_t topic_count = reader.count();
  for (std::int64_t t = 0; t < topic_count && reader.ok(); ++t) {
    std::string_view name;
    reader(name);
    const TopicRef topic = home_.topics()->find(name);
    ErrorCode topic_error = topic ? ErrorCode::kNone : ErrorCode::kUnknownTopicOrPartition;
    if (!check_topic_name(name)) topic_error = ErrorCode::kInvalidTopic;
    if (topic && topic->internal) topic_error = ErrorCode::kInvalidTopic;
    reader.charge(sizeof(TopicParts) + sizeof(ProduceResponse::Topic) + name.size());
    if (!reader.ok()) return false;
    topics_.push_back({std::string(name), parts_.size(), 0});
    const std::int64_t partition_count = reader.count();
    for (std::int64_t p = 0; p < partition_count && reader.ok(); ++p) {
      if (!read_partition(reader, body, topic, topic_error)) return false;
    }
    topics_.back().count = parts_.size() - topics_.back().first;
    reader.end_structure();
  }
  reader.end_structure();
  return reader.ok() && reader.left() == 0;
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
  if (transactional_)
    return refuse(ErrorCode::kInvalidTxnState, "Transactions are not supported by this broker");
  if (acks_ < -1 || acks_ > 1) return refuse(ErrorCode::kInvalidRequiredAcks, "");
  if (topic_error != ErrorCode::kNone) return refuse(topic_error, "");
  if (index.value < 0 || static_cast<std::size_t>(index.value) >= topic->partitions.size()) {
    return refuse(ErrorCode::kUnknownTopicOrPartition, "");
  }
  part.check = check_batch(records, topic->settings, context_.version, now_ms_);
  if (part.check.error != ErrorCode::kNone)
    return refuse(part.check.error, std::move(part.check.text));
  if (!part.check.recoded.empty()) part.records = part.check.recoded;
  part.handle = topic->partitions[static_cast<std::size_t>(index.value)];
  return part;
}

void ProduceOperation::start() {
  std::vector<std::pair<BrokerShard*, std::vector<std::size_t>>> owners;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (!parts_[i].handle) continue;
    BrokerShard* owner = parts_[i].handle->owner;
    auto found = std::find_if(owners.begin(), owners.end(),
                              [&](const auto& entry) { return entry.first == owner; });
    if (found == owners.end()) found = owners.insert(owners.end(), {owner, {}});
    found->second.push_back(i);
  }
  net::Frame frame =
      std::move(context_.frame);  // from here on only the appends to come keep the bytes
  owners_left_ = owners.size();
  if (owners.empty()) return answer();
  for (auto& [owner, parts] : owners) {
    if (owner == &home_) {
      append_on(*owner, std::move(parts), frame);
    } else {
      owner->io().post(
          [self = shared_from_this(), owner = owner, parts = std::move(parts), frame]() mutable {
            self->append_on(*owner, std::move(parts), std::move(frame));
          });
    }
  }
}

/// On the owner shard.
void ProduceOperation::append_on(BrokerShard& owner, std::vector<std::size_t> parts,
                                 net::Frame frame) {
  for (const std::size_t i : parts) {
    Part& part = parts_[i];
    if (Partition* partition = part.handle->partition.get()) {
      part.outcome = partition->append(part.records, part.check.header, acks_);
    } else {
      part.outcome.error = part.handle->offline.text.empty() ? ErrorCode::kNotLeaderOrFollower
                                                             : ErrorCode::kStorageError;
      part.outcome.text = part.handle->offline.text;
    }
    part.records = {};
    part.check.recoded = {};
  }
  frame.reset();
  wait_on(owner, std::move(parts));
}

/// On the owner shard: reports once all of its parts are acknowledged, or failed.
void ProduceOperation::wait_on(BrokerShard& owner, std::vector<std::size_t> parts) {
  const auto waits = [&](std::size_t i) {
    const Part& part = parts_[i];
    return acks_ != 0 && part.outcome.error == ErrorCode::kNone &&
           !part.handle->partition->acknowledged(part.outcome.end, acks_);
  };
  std::erase_if(parts, [&](std::size_t i) { return !waits(i); });
  if (parts.empty()) return owner_done(owner);
  auto left = std::make_shared<std::size_t>(parts.size());
  for (const std::size_t i : parts) {
    parts_[i].handle->partition->when_acknowledged(
        parts_[i].outcome.end, acks_, std::max(timeout_ms_, 1),
        [self = shared_from_this(), i, left, &owner](ErrorCode error) {
          self->parts_[i].outcome.error = error;
          if (--*left == 0) self->owner_done(owner);
        });
  }
}

void ProduceOperation::owner_done(BrokerShard& owner) {
  if (&owner != &home_) {
    home_.io().post([self = shared_from_this()] { self->owner_done(self->home_); });
    return;
  }
  if (--owners_left_ == 0) answer();
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
  ProduceResponse response;
  response.topics.reserve(topics_.size());
  for (TopicParts& topic : topics_) {
    ProduceResponse::Topic& to = response.topics.emplace_back();
    to.name = std::move(topic.name);
    to.partitions.reserve(topic.count);
    for (std::size_t i = topic.first; i < topic.first + topic.count; ++i) {
      Part& part = parts_[i];
      ProduceResponse::Partition& out = to.partitions.emplace_back();
      out.index = part.index;
      out.error = part.outcome.error;
      if (out.error == ErrorCode::kNone) {
        out.base_offset = part.outcome.base_offset;
        out.log_append_time_ms = part.check.log_append_time_ms;
        out.log_start = part.outcome.log_start;
      } else if (!part.outcome.text.empty()) {
        out.error_text = std::move(part.outcome.text);
      }
    }
  }
  net::Response out = reply_.begin();
  protocol::encode(response, out.head, reply_.version(), reply_.flexible());
  reply_.send(std::move(out));
}

}  // namespace

void handle_produce(RequestContext context, ByteSpan body, ReplyTo reply) {
  auto operation = std::make_shared<ProduceOperation>(std::move(context), std::move(reply));
  if (operation->read(body)) operation->start();  // else it dies here, and the connection with it
}

}  // namespace penstock::broker
