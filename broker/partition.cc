#include "broker/partition.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "broker/broker.h"
#include "broker/pool.h"
#include "framework/log/damage_note.h"

namespace penstock::broker {

using protocol::ErrorCode;

namespace {
/// A recovery never has to read much more than this of one partition.
constexpr std::uint64_t kUnflushedBytesMax = 64 << 20;
/// More aborted transactions than that are worth a look at what was read.
constexpr std::size_t kAbortedUnchecked = 16;

/// The offset behind the last batch of `range`; kNone when it cannot be told.
Offset end_of(const log::FileRange& range) {
  std::byte bytes[record::kBatchHeaderBytes];
  Offset end = Offset::kNone;
  for (std::uint64_t at = 0; at < range.length;) {
    const auto got = range.file->read_at(range.position + at, bytes);
    if (!got || *got < sizeof bytes) return Offset::kNone;
    const auto header = record::parse_header(bytes);
    if (!header) return Offset::kNone;
    end = header->last_offset() + 1;
    at += header->size_bytes();
  }
  return end;
}

/// The aborted transactions that have records in `ranges`, which begin at `from` and end before
/// `below` or a little earlier.
Result<std::vector<log::ProducerState::Aborted>> aborted_in(
    log::Log& log, Offset from, Offset below, const std::vector<log::FileRange>& ranges) {
  PENSTOCK_ASSIGN_OR_RETURN(auto aborted, log.aborted(from, below));
  if (aborted.size() <= kAbortedUnchecked) return aborted;
  const Offset end = end_of(ranges.back());
  if (end != Offset::kNone)
    std::erase_if(aborted, [end](const auto& one) { return one.first >= end; });
  return aborted;
}
}  // namespace

ErrorCode error_code_of(Errc code) {
  switch (code) {
    case Errc::kOutOfRange:
      return ErrorCode::kOffsetOutOfRange;
    case Errc::kStorageFull:
    case Errc::kIo:
    case Errc::kOffline:
    case Errc::kCorrupt:
      return ErrorCode::kStorageError;
    case Errc::kTooLarge:
      return ErrorCode::kRecordListTooLarge;
    default:
      return ErrorCode::kUnknownServerError;
  }
}

Partition::Partition(std::shared_ptr<PartitionHandle> handle, std::unique_ptr<log::Log> log,
                     const TopicSettings& settings, LeaderEpoch epoch)
    : handle_(handle), owner_(*handle->owner), log_(std::move(log)), settings_(settings) {
  state_.epoch = epoch;
  state_.flush = settings.flush;
  state_.log_start = log_->start();
  state_.log_end = log_->end();
  state_.flushed_end = log_->flushed_end();
  // What recovery kept is all there is: no other replica can know less.
  state_.high_watermark = next_high_watermark(state_);
  stable_end_ = last_stable();
}

Partition::~Partition() = default;

AppendOutcome Partition::append(ByteSpan batch, const record::BatchHeader& header,
                                std::int16_t acks, std::uint64_t guard) {
  AppendOutcome out;
  out.log_start = state_.log_start;
  out.error = check_append(state_, acks, settings_.min_insync_replicas);
  if (out.error != ErrorCode::kNone) return out;
  if (auto refused = owner_.broker().refusal()) {
    out.error = ErrorCode::kStorageError;
    out.text = std::move(refused->text);
    return out;
  }
  if (const std::int64_t most = settings_.log.segment_bytes;
      batch.size() > static_cast<std::uint64_t>(most)) {
    out.error = ErrorCode::kRecordListTooLarge;
    out.text = "the batch has " + std::to_string(batch.size()) + " bytes, segment.bytes is " +
               std::to_string(most);
    return out;
  }
  if (header.producer_id.value < 0 || admit(header, guard, out)) append_admitted(batch, out);
  return out;
}

void Partition::append_admitted(ByteSpan batch, AppendOutcome& out) {
  const auto appended = log_->append(batch, state_.epoch);
  if (!appended) {
    out.error = error_code_of(appended.error().code);
    out.text = appended.error().text;
    if (appended.error().code == Errc::kStorageFull)
      owner_.broker().storage_full(appended.error());
    else
      spdlog::error("append to {}: {}", log_->directory(), out.text);
    return;
  }
  out.base_offset = appended->base_offset;
  out.end = appended->last_offset + 1;
  unflushed_bytes_ += batch.size();
  state_.log_end = log_->end();
  advance(batch.size());
  if (state_.flush == FlushMode::kAck || unflushed_bytes_ >= kUnflushedBytesMax) schedule_flush();
  flush_in_time();
}

void Partition::advance(std::uint64_t new_bytes) {
  hidden_bytes_ += new_bytes;
  const Offset before = state_.high_watermark;
  state_.high_watermark = next_high_watermark(state_);
  if (!ack_waiters_.empty()) answer_waiters();
  const Offset stable_before = std::exchange(stable_end_, last_stable());
  const bool moved = state_.high_watermark != before;
  const bool stable_moved = stable_end_ != stable_before;
  if (!moved && !stable_moved) return;
  const std::uint64_t shown = moved ? std::exchange(hidden_bytes_, 0) : 0;
  unstable_bytes_ += shown;
  const std::uint64_t stable = stable_moved ? std::exchange(unstable_bytes_, 0) : 0;
  for (FetchWaiter* waiter : waiters_) {
    if (waiter->read_committed ? stable_moved : moved)
      waiter->on_progress(std::max<std::uint64_t>(waiter->read_committed ? stable : shown, 1));
  }
}

void Partition::when_acknowledged(Offset end, std::int16_t acks, std::int64_t timeout_ms,
                                  UniqueFunction<void(ErrorCode)> done) {
  if (acknowledged(end, acks)) return done(ErrorCode::kNone);
  if (log_->offline()) return done(ErrorCode::kStorageError);
  AckWaiter waiter{end, acks, 0, std::move(done)};
  waiter.timer = owner_.io().after(timeout_ms, [handle = handle_, end] {
    const auto alive = handle.lock();
    if (alive && alive->partition) alive->partition->time_out(end);
  });
  ack_waiters_.push_back(std::move(waiter));
}

void Partition::answer_waiters() {
  while (!ack_waiters_.empty() &&
         acknowledged(ack_waiters_.front().end, ack_waiters_.front().acks)) {
    AckWaiter waiter = std::move(ack_waiters_.front());
    ack_waiters_.pop_front();
    owner_.io().cancel(waiter.timer);
    waiter.done(ErrorCode::kNone);
  }
}

/// The oldest waiter for `end` has waited long enough; a duplicate's answer may wait for the same
/// end.
void Partition::time_out(Offset end) {
  const auto found = std::find_if(ack_waiters_.begin(), ack_waiters_.end(),
                                  [&](const AckWaiter& waiter) { return waiter.end == end; });
  if (found == ack_waiters_.end()) return;
  AckWaiter waiter = std::move(*found);
  ack_waiters_.erase(found);
  waiter.done(ErrorCode::kRequestTimedOut);
}

void Partition::fail_waiters(ErrorCode error) {
  auto waiters = std::exchange(ack_waiters_, {});
  for (AckWaiter& waiter : waiters) {
    owner_.io().cancel(waiter.timer);
    waiter.done(error);
  }
}

ReadOutcome Partition::read(const ReadRequest& request) {
  ReadOutcome out;
  out.error = check_leader_epoch(state_, request.current_leader_epoch);
  if (out.error != ErrorCode::kNone) return out;
  out.high_watermark = state_.high_watermark;
  out.last_stable = last_stable();
  out.log_start = state_.log_start;
  if (request.from < state_.log_start || request.from > state_.log_end) {
    out.error = ErrorCode::kOffsetOutOfRange;
    return out;
  }
  const Offset below = request.read_committed ? out.last_stable : out.high_watermark;
  if (request.from >= below || (request.bytes_max == 0 && !request.at_least_one)) return out;
  auto result = log_->read(request.from, request.bytes_max, below, request.at_least_one);
  if (!result) {
    out.error = error_code_of(result.error().code);
    if (out.error != ErrorCode::kOffsetOutOfRange)
      spdlog::error("read from {}: {}", log_->directory(), result.error().text);
    // Sound records are read on, but nothing is added behind damage.
    if (result.error().code == Errc::kCorrupt) go_offline(result.error());
    return out;
  }
  out.size_bytes = result->size_bytes;
  out.more = result->more;
  out.ranges = std::move(result->ranges);
  if (request.read_committed && out.size_bytes > 0) {
    auto aborted = aborted_in(*log_, result->first_batch_offset, result->end, out.ranges);
    if (!aborted) {
      spdlog::error("read from {}: {}", log_->directory(), aborted.error().text);
      out.error = error_code_of(aborted.error().code);
      out.size_bytes = 0;
      out.ranges.clear();
      return out;
    }
    out.aborted = std::move(*aborted);
  }
  return out;
}

std::optional<log::ColdTask> Partition::begin_cold(const ReadRequest& request) {
  if (check_leader_epoch(state_, request.current_leader_epoch) != ErrorCode::kNone)
    return std::nullopt;
  return log_->begin_cold(request.from, request.bytes_max,
                          request.read_committed ? last_stable() : state_.high_watermark);
}

void Partition::remove_waiter(FetchWaiter* waiter) {
  const auto found = std::find(waiters_.begin(), waiters_.end(), waiter);
  if (found == waiters_.end()) return;
  *found = waiters_.back();
  waiters_.pop_back();
}

Offset Partition::last_stable() const {
  return last_stable_offset(state_, log_->producers().first_unstable());
}

void Partition::set_settings(const TopicSettings& settings) {
  settings_ = settings;
  state_.flush = settings.flush;
  log_->set_config(settings.log);
  advance(0);
  // What was acknowledged from memory until now; producers that ask again wait for it.
  if (state_.flush == FlushMode::kAck && state_.flushed_end < state_.log_end) start_flush();
}

void Partition::log_changed() {
  state_.log_start = log_->start();
  state_.log_end = log_->end();
  for (FetchWaiter* waiter : waiters_) waiter->on_progress(0);
}

/// Appends of one round of the loop share a flush.
void Partition::schedule_flush() {
  if (flush_scheduled_ || flushing_) return;
  flush_scheduled_ = true;
  owner_.io().post([handle = handle_] {
    const auto alive = handle.lock();
    if (!alive || !alive->partition) return;
    alive->partition->flush_scheduled_ = false;
    alive->partition->start_flush();
  });
}

/// flush.ms, where the syncs that the checkpoints bring would come later.
void Partition::flush_in_time() {
  if (settings_.flush_ms >= owner_.broker().settings().checkpoint_ms) return;
  if (std::exchange(flush_timer_set_, true)) return;
  owner_.io().after(settings_.flush_ms, [handle = handle_] {
    const auto alive = handle.lock();
    if (!alive || !alive->partition) return;
    Partition& partition = *alive->partition;
    partition.flush_timer_set_ = false;
    if (partition.flushing_)
      partition.flush_in_time();  // what was appended since is not in that one
    else
      partition.start_flush();
  });
}

void Partition::start_flush() {
  if (flushing_ || log_->offline()) return;
  auto task = log_->begin_flush();
  if (!task) return;
  flushing_ = true;
  unflushed_bytes_ = 0;
  owner_.broker().pool().run(
      [handle = handle_, &owner = owner_, task = std::move(*task)]() mutable {
        Status status = task.run(owner.broker().files());
        owner.io().post(
            [handle = std::move(handle), task = std::move(task), status = std::move(status)] {
              const auto alive = handle.lock();
              if (alive && alive->partition) alive->partition->flushed(task, status);
            });
      });
}

void Partition::flushed(const log::FlushTask& task, const Status& status) {
  flushing_ = false;
  if (!status) {
    owner_.broker().storage_failed(status.error());
    go_offline(status.error());
    return;
  }
  log_->apply_flush(task);
  state_.flushed_end = log_->flushed_end();
  advance(0);
  if (state_.flush == FlushMode::kAck && state_.flushed_end < state_.log_end) start_flush();
}

void Partition::go_offline(const Error& why) {
  const bool news = !log_->offline();
  if (news) log_->set_offline(why);
  if (news && why.code == Errc::kCorrupt) {
    spdlog::error(
        "{} takes no more records, because of damage: {}. What is sound is still read. Restore the "
        "file from a copy and start the broker again; without one, its start says what can be "
        "given "
        "up, and how",
        log_->directory(), why.text);
    Broker& broker = owner_.broker();
    broker.pool().run([&broker, directory = log_->directory()] {
      if (const Status synced = log::sync_damage_note(broker.files(), directory); !synced)
        spdlog::error("{}: {}", directory, synced.error().text);
    });
  }
  fail_waiters(ErrorCode::kStorageError);
}

std::unique_ptr<log::Log> Partition::release_log() {
  fail_waiters(ErrorCode::kNotLeaderOrFollower);
  for (FetchWaiter* waiter : waiters_) waiter->on_progress(0);
  waiters_.clear();
  return std::move(log_);
}

}  // namespace penstock::broker
