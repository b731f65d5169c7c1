#include <memory>
#include <utility>

#include "broker/broker.h"
#include "broker/partition.h"
#include "broker/pool.h"
#include "framework/base/assert.h"

namespace penstock::broker {

using protocol::ErrorCode;

namespace {
constexpr std::uint64_t kReadBytes = 1 << 20;
constexpr std::int64_t kAppendTimeoutMs = 5'000;

/// Reads a partition's records step by step: ranges on the owner, bytes on the pool, batches on the
/// owner again.
class InternalRead : public std::enable_shared_from_this<InternalRead> {
 public:
  InternalRead(PartitionRef handle, UniqueFunction<void(ByteView)> on_batches,
               UniqueFunction<void(Status)> done)
      : handle_(std::move(handle)), on_batches_(std::move(on_batches)), done_(std::move(done)) {}

  void start() {
    Partition* partition = handle_->partition.get();
    if (partition == nullptr) return gone();
    at_ = partition->state().log_start;
    end_ = partition->state().high_watermark;
    step();
  }

 private:
  void gone() {
    done_(fail(Errc::kOffline,
               handle_->topic + "-" + std::to_string(handle_->index.value) + " is not open" +
                   (handle_->offline.text.empty() ? "" : ": " + handle_->offline.text)));
  }

  void step() {
    Partition* partition = handle_->partition.get();
    if (partition == nullptr) return gone();
    if (at_ >= end_) return done_({});
    auto cold = partition->log().begin_cold(at_, kReadBytes, end_);
    if (!cold) return read(*partition);
    handle_->owner->broker().pool().run(
        [self = shared_from_this(), task = std::make_shared<log::ColdTask>(std::move(*cold))] {
          Status ran = task->run();
          self->handle_->owner->io().post([self, task, ran = std::move(ran)] {
            Partition* there = self->handle_->partition.get();
            if (there == nullptr) return self->gone();
            there->log().apply_cold(*task, ran);
            self->read(*there);
          });
        });
  }

  void read(Partition& partition) {
    auto got = partition.log().read(at_, kReadBytes, end_, true);
    if (!got) return done_(tl::make_unexpected(got.error()));
    if (got->size_bytes == 0)
      return done_({});  // the rest is below no record: compaction left a gap at the end
    handle_->owner->broker().pool().run(
        [self = shared_from_this(), result = std::move(*got)] { self->load(result); });
  }

  /// On the pool.
  void load(const log::ReadResult& result) {
    bytes_.resize(result.size_bytes);
    Status status;
    std::size_t at = 0;
    for (const log::FileRange& range : result.ranges) {
      const auto got =
          range.file->read_at(range.position, ByteSpan(bytes_).subspan(at, range.length));
      if (!got)
        status = tl::make_unexpected(got.error());
      else if (*got != range.length)
        status = fail(Errc::kCorrupt, range.file->path() + " ends early");
      if (!status) break;
      at += range.length;
    }
    handle_->owner->io().post([self = shared_from_this(), status = std::move(status)]() mutable {
      self->deliver(std::move(status));
    });
  }

  void deliver(Status status) {
    if (!status) return done_(std::move(status));
    ByteView rest = bytes_;
    while (!rest.empty()) {
      const auto batch = record::BatchView::parse(rest);
      if (!batch) return done_(tl::make_unexpected(batch.error()));
      at_ = batch->header().last_offset() + 1;
      rest = rest.subspan(batch->bytes().size());
    }
    on_batches_(bytes_);
    step();
  }

  PartitionRef handle_;
  UniqueFunction<void(ByteView)> on_batches_;
  UniqueFunction<void(Status)> done_;
  Offset at_;
  Offset end_;
  std::vector<std::byte> bytes_;
};
}  // namespace

void append_internal(Partition& partition, std::vector<std::byte> batch,
                     UniqueFunction<void(tl::expected<Offset, ApiError>)> done,
                     std::uint64_t guard) {
  const auto view = record::BatchView::parse(batch);
  PENSTOCK_ASSERT(view.has_value());  // our own coordinators made it
  const AppendOutcome outcome = partition.append(batch, view->header(), -1, guard);
  if (outcome.unverified)
    return done(tl::make_unexpected(ApiError{ErrorCode::kInvalidTxnState, "not in a transaction"}));
  if (outcome.error != ErrorCode::kNone)
    return done(tl::make_unexpected(ApiError{outcome.error, outcome.text}));
  partition.when_acknowledged(
      outcome.end, -1, kAppendTimeoutMs,
      [base = outcome.base_offset, done = std::move(done)](ErrorCode error) mutable {
        if (error == ErrorCode::kNone)
          done(base);
        else
          done(tl::make_unexpected(ApiError{error, ""}));
      });
}

void read_internal(const PartitionRef& handle, UniqueFunction<void(ByteView)> on_batches,
                   UniqueFunction<void(Status)> done) {
  std::make_shared<InternalRead>(handle, std::move(on_batches), std::move(done))->start();
}

Status replay_internal(
    ByteView batches,
    const std::function<Status(const record::BatchHeader&, const record::RecordView&)>& on_record,
    const std::function<Status(const record::BatchView&)>& on_control) {
  while (!batches.empty()) {
    PENSTOCK_ASSIGN_OR_RETURN(const auto batch, record::BatchView::parse(batches));
    batches = batches.subspan(batch.bytes().size());
    if (batch.header().control()) {
      PENSTOCK_RETURN_IF_ERROR(on_control(batch));
      continue;
    }
    PENSTOCK_ASSIGN_OR_RETURN(auto records, record::RecordReader::open(batch));
    record::RecordView record;
    while (true) {
      PENSTOCK_ASSIGN_OR_RETURN(const bool more, records.next(record));
      if (!more) break;
      if (auto applied = on_record(batch.header(), record); !applied) {
        return tl::make_unexpected(
            applied.error().in("offset " + std::to_string(record.offset.value)));
      }
    }
  }
  return {};
}

void ensure_internal(BrokerShard& shard, std::string_view name, void (*load)(const Topics&),
                     UniqueFunction<void(std::optional<ApiError>)> done) {
  if (shard.topics()->find(name)) return done(std::nullopt);
  NewTopic topic;
  topic.name = name;
  topic.internal = true;
  shard.broker().topic_admin().create_topic(
      std::move(topic), [&broker = shard.broker(), load,
                         done = std::move(done)](tl::expected<TopicRef, ApiError> created) mutable {
        if (!created && created.error().code != ErrorCode::kTopicAlreadyExists)
          return done(created.error());
        load(broker.registry().current());
        done(std::nullopt);
      });
}

}  // namespace penstock::broker
