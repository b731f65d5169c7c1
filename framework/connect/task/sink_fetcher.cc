#include "framework/connect/task/sink_fetcher.h"

#include <algorithm>

namespace penstock::connect {
namespace {

using std::chrono::milliseconds;
using Kind = rdkafka::MessageBatch::Kind;

constexpr milliseconds kRoomWait{250};
constexpr int kWaitMs = 100;
constexpr int kLingerMs = 10;
constexpr int kBoundsTimeoutMs = 10'000;
constexpr int kBoundsTries = 6;
constexpr std::size_t kNudgesMax = 4;

std::string name_of(std::string_view topic, std::int32_t partition) {
  return std::string(topic) + "-" + std::to_string(partition);
}

}  // namespace

SinkFetcher::SinkFetcher(Options options, Converters& converters, TaskLink& link)
    : options_(std::move(options)), converters_(converters), link_(link) {}
SinkFetcher::~SinkFetcher() { close(); }

Status SinkFetcher::start() {
  PENSTOCK_ASSIGN_OR_RETURN(consumer_, rdkafka::Consumer::open(options_.client, *this));
  PENSTOCK_RETURN_IF_ERROR(consumer_->subscribe(options_.topics));
  thread_ = std::thread([this] { run(); });
  return {};
}

void SinkFetcher::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void SinkFetcher::run() {
  for (;;) {
    if (closing()) break;
    fetch();
  }
  consumer_->close();
}

bool SinkFetcher::closing() {
  const std::lock_guard lock(mutex_);
  return closing_;
}

bool SinkFetcher::room(milliseconds wait) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, wait, [this] {
    return closing_ || (batches_ < kBatchesMax && !held_);
  }) && !closing_;
}

void SinkFetcher::set_paused(bool on) {
  if (paused_ == on) return;
  std::vector<PartitionOffset> all;
  for (const auto& [partition, offset] : expected_)
    all.push_back({partition.first, partition.second, offset});
  const auto done = on ? consumer_->pause(all) : consumer_->resume(all);
  if (!done)
    link_.log(LogLevel::kWarn, done.error().text);
  else
    paused_ = on;
}

/// One round: records when there is room for them, else only what keeps the membership alive.
void SinkFetcher::fetch() {
  if (!room(kRoomWait)) {
    // Pausing drops what was fetched ahead, so that it is not done for every short wait.
    set_paused(true);
    rdkafka::MessageBatch none;
    consumer_->consume(none, 1, 0, 0);
    if (none.size() > 0) rewind(none);
    return;
  }
  set_paused(false);
  auto batch = take_batch();
  const int before = rebalances_;
  consumer_->consume(batch->messages, 1, kWaitMs, 0);
  if (batch->messages.size() > 0 && rebalances_ == before) {
    consumer_->consume(batch->messages, options_.limits.soft_records - 1, 0, kLingerMs);
  }
  if (rebalances_ != before) {
    // Some of these may belong to the assignment before: read all of them again.
    rewind(batch->messages);
    batch->messages.clear();
  }
  if (batch->messages.size() == 0) return recycle(std::move(batch));
  const bool flowing = batch->messages.size() >= options_.limits.soft_records / 2;
  fill(*batch);
  auto event = std::make_unique<SinkEvent>();
  event->batch = std::move(batch);
  push(std::move(event));
  if (flowing) keep_flowing();
}

/// Fetching stops at a full queue; it must begin again before the queue is empty.
void SinkFetcher::keep_flowing() {
  if (consumer_->queued() >= options_.limits.soft_records) return;
  std::size_t asked = 0;
  for (const auto& [partition, offset] : expected_) {
    if (offset >= consumer_->known_end(partition.first, partition.second)) continue;
    consumer_->nudge(partition.first, partition.second);
    if (++asked == kNudgesMax) return;
  }
}

void SinkFetcher::rewind(const rdkafka::MessageBatch& messages) {
  std::vector<PartitionOffset> back;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto view = messages.view(i);
    if (view.kind != Kind::kRecord && view.kind != Kind::kEnd) continue;
    const auto found = expected_.find({std::string(view.topic), view.partition});
    if (found == expected_.end()) continue;
    const auto same = [&](const PartitionOffset& p) {
      return p.partition == view.partition && p.topic == view.topic;
    };
    if (std::none_of(back.begin(), back.end(), same))
      back.push_back({found->first.first, view.partition, found->second});
  }
  if (back.empty()) return;
  if (const auto done = consumer_->seek(back); !done) failed(done.error());
}

std::unique_ptr<SinkBatch> SinkFetcher::take_batch() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<SinkBatch>(options_.limits);
  auto out = std::move(idle_.back());
  idle_.pop_back();
  return out;
}

void SinkFetcher::recycle(std::unique_ptr<SinkBatch> batch) {
  batch->messages.clear();
  batch->block.reset();
  batch->message_of.clear();
  batch->bad.clear();
  batch->ends.clear();
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kBatchesMax + 1) idle_.push_back(std::move(batch));
}

void SinkFetcher::fill(SinkBatch& batch) {
  std::string_view topic;
  std::int32_t partition = -1;
  std::map<Partition, std::int64_t>::iterator position = expected_.end();
  for (std::size_t i = 0; i < batch.messages.size(); ++i) {
    const auto view = batch.messages.view(i);
    if (view.kind == Kind::kOutOfRange) {
      failed({Errc::kOutOfRange, name_of(view.topic, view.partition) +
                                     ": the offset to resume at is not in the log (" +
                                     std::string(view.error) + "); nothing was skipped"});
    } else if (view.kind == Kind::kFatal) {
      failed({Errc::kInvalid, "consumer: " + std::string(view.error)});
    } else if (view.kind == Kind::kTopicMissing) {
      // Comes again with every look at the cluster's topics.
      if (missing_.emplace(view.topic).second)
        link_.log(LogLevel::kWarn,
                  "topic \"" + std::string(view.topic) + "\" is not there; waiting for it");
    } else if (view.kind != Kind::kRecord && view.kind != Kind::kEnd) {
      link_.log(LogLevel::kWarn, "consumer: " + std::string(view.error));
    }
    if (view.kind != Kind::kRecord && view.kind != Kind::kEnd) continue;
    if (position == expected_.end() || view.partition != partition || view.topic != topic) {
      topic = view.topic;
      partition = view.partition;
      position = expected_.find({std::string(topic), partition});
    }
    if (position == expected_.end() || view.offset < position->second) continue;
    if (view.kind == Kind::kEnd) {
      position->second = view.offset;
      batch.ends.push_back({position->first.first, partition, view.offset});
      continue;
    }
    position->second = view.offset + 1;
    add_record(batch, i, view);
  }
}

void SinkFetcher::add_record(SinkBatch& batch, std::size_t message,
                             const rdkafka::MessageBatch::View& view) {
  Record& record = batch.block.add();
  record.topic = view.topic;
  record.partition = view.partition;
  record.offset = view.offset;
  record.timestamp_ms = view.timestamp_ms;
  const auto bad = [&](std::string_view stage, std::string why) {
    batch.block.drop_last();
    batch.bad.push_back({batch.block.size(), message, stage, std::move(why)});
  };
  if (auto key = converters_.key->decode(view.key, batch.block, record.key_schema, record.key);
      !key) {
    return bad("KEY_CONVERTER", std::move(key).error().text);
  }
  if (auto value =
          converters_.value->decode(view.value, batch.block, record.value_schema, record.value);
      !value) {
    return bad("VALUE_CONVERTER", std::move(value).error().text);
  }
  batch.messages.headers(message, headers_);
  if (!headers_.empty()) {
    const auto headers = batch.block.headers(headers_.size());
    for (std::size_t i = 0; i < headers.size(); ++i) {
      headers[i].name = batch.block.copy(headers_[i].name);
      if (auto one = converters_.header->decode(headers_[i].value, batch.block, headers[i].schema,
                                                headers[i].value);
          !one) {
        return bad("HEADER_CONVERTER",
                   "header \"" + std::string(headers_[i].name) + "\": " + one.error().text);
      }
    }
    record.headers = headers;
  }
  batch.message_of.push_back(message);
}

void SinkFetcher::push(std::unique_ptr<SinkEvent> event) {
  {
    const std::lock_guard lock(mutex_);
    if (event->batch) ++batches_;
    events_.push_back(std::move(event));
  }
  changed_.notify_all();
}

std::unique_ptr<SinkEvent> SinkFetcher::next(milliseconds wait) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, wait, [this] { return !events_.empty(); })) return nullptr;
  auto out = std::move(events_.front());
  events_.pop_front();
  if (out->batch) --batches_;
  lock.unlock();
  changed_.notify_all();
  return out;
}

bool SinkFetcher::revoking() const {
  const std::lock_guard lock(mutex_);
  return revoking_;
}
bool SinkFetcher::has_batch() const {
  const std::lock_guard lock(mutex_);
  return batches_ > 0;
}
void SinkFetcher::hold(bool on) {
  {
    const std::lock_guard lock(mutex_);
    held_ = on;
  }
  changed_.notify_all();
}

void SinkFetcher::answer(std::vector<PartitionOffset> partitions) {
  {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(partitions);
    answered_ = true;
  }
  changed_.notify_all();
}
void SinkFetcher::assigned_handled(std::vector<PartitionOffset> partitions) {
  answer(std::move(partitions));
}

/// False when the task is closing and will not answer.
bool SinkFetcher::wait_for_answer() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return answered_ || closing_; });
  revoking_ = false;
  return std::exchange(answered_, false);
}

Result<std::pair<std::int64_t, std::int64_t>> SinkFetcher::bounds(const std::string& topic,
                                                                  std::int32_t partition) {
  Result<std::pair<std::int64_t, std::int64_t>> out;
  for (int i = 0; i < kBoundsTries && (i == 0 || !closing()); ++i) {
    out = consumer_->bounds(topic, partition, kBoundsTimeoutMs);
    if (out) break;
  }
  return out;
}

void SinkFetcher::assigned(std::vector<PartitionOffset>& partitions) {
  ++rebalances_;
  Result<std::string> cluster;
  for (int i = 0; i < kBoundsTries && (i == 0 || (!cluster && !closing())); ++i)
    cluster = consumer_->cluster_id(kBoundsTimeoutMs);
  if (!cluster) return failed(cluster.error());
  std::vector<bool> committed;
  for (auto& partition : partitions) {
    committed.push_back(partition.offset != PartitionOffset::kNone);
    if (committed.back() || options_.client.initial_offset == "none") continue;
    const auto range = bounds(partition.topic, partition.partition);
    if (!range) return failed(range.error());
    partition.offset = options_.client.initial_offset == "latest" ? range->second : range->first;
  }
  auto event = std::make_unique<SinkEvent>();
  event->kind = SinkEvent::Kind::kAssigned;
  event->committed = std::move(committed);
  event->partitions = partitions;
  event->cluster_id = *std::move(cluster);
  push(std::move(event));
  if (wait_for_answer()) {
    const std::lock_guard lock(mutex_);
    partitions = std::move(answer_);
  }
  expected_.clear();
  for (const auto& [topic, number, offset] : partitions) expected_[{topic, number}] = offset;
  paused_ = false;
}

void SinkFetcher::revoked(const std::vector<PartitionOffset>& partitions, bool lost) {
  ++rebalances_;
  {
    const std::lock_guard lock(mutex_);
    revoking_ = true;
  }
  auto event = std::make_unique<SinkEvent>();
  event->kind = SinkEvent::Kind::kRevoked;
  event->partitions = partitions;
  event->lost = lost;
  push(std::move(event));
  wait_for_answer();
  expected_.clear();
  paused_ = false;
}

void SinkFetcher::failed(const Error& error) {
  auto event = std::make_unique<SinkEvent>();
  event->kind = SinkEvent::Kind::kFailed;
  event->error = error;
  push(std::move(event));
}

}  // namespace penstock::connect
