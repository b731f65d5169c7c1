#include "framework/connect/task/sink_loop.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "framework/connect/task/sink_plugin_task.h"

namespace penstock::connect {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kEventWait{50};
constexpr milliseconds kTickEvery{500};
constexpr milliseconds kReportEvery{1'000};
constexpr milliseconds kTopicCheckEvery{5'000};
constexpr milliseconds kCommitWait{5'000};
constexpr milliseconds kStopCommitWait{1'500};
constexpr milliseconds kIdleFlush{1'000};
constexpr milliseconds kEndFlush{200};  // at the end of all partitions there is nothing to wait for

}  // namespace

SinkLoop::SinkLoop(TaskSetup setup)
    : setup_(std::move(setup)), context_(setup_), task_(std::make_unique<PluginTask>()) {}
SinkLoop::~SinkLoop() = default;

void SinkLoop::stop_plugin() noexcept {
  const std::lock_guard lock(task_->mutex);
  if (task_->task) task_->task->stop();
}

void SinkLoop::fail_with(std::string trace, bool fatal) {
  if (end_.failed) return;
  end_.failed = true;
  end_.fatal = fatal;
  end_.trace = std::move(trace);
}

TaskEnd SinkLoop::run(const OnStarted& started) {
  if (const auto prepared = prepare(); !prepared) {
    fail_with(prepared.error().text, true);
    started(prepared, false);
    return end_;
  }
  const auto outcome = start_plugin();
  if (!outcome) {
    fail_with(outcome.text);
    started(fail(Errc::kInvalid, outcome.text), outcome.outcome == plugin::Outcome::kRetriable);
  } else if (const auto joined = fetcher_->start(); !joined) {
    fail_with(joined.error().text);
    started(joined, true);
  } else {
    started({}, false);
    loop();
    finish();
  }
  fetcher_->close();
  {
    const CallScope scope(*setup_.page, PluginCall::kDestroy);
    const std::lock_guard lock(task_->mutex);
    task_->task.reset();
  }
  return end_;
}

void SinkLoop::loop() {
  last_call_ = last_flush_ = last_put_ = last_report_ = last_topic_check_ = Clock::now();
  while (running()) {
    fetcher_->hold(setup_.signal->paused());
    auto event = fetcher_->next(kEventWait);
    if (event) handle(*event);
    if (!running()) break;
    tick_if_due();
    check_topics_if_due();
    flush_if_due();
    say_caught_up();
    report(false);
  }
}

void SinkLoop::handle(SinkEvent& event) {
  switch (event.kind) {
    case SinkEvent::Kind::kBatch:
      if (!dropping_) process(*event.batch);
      fetcher_->recycle(std::move(event.batch));
      return;
    case SinkEvent::Kind::kAssigned:
      return open(event);
    case SinkEvent::Kind::kRevoked:
      return revoke(event);
    case SinkEvent::Kind::kFailed:
      return fail_with(event.error.text);
  }
}

void SinkLoop::open(SinkEvent& event) {
  std::vector<TopicPartition> views;
  for (std::size_t i = 0; i < event.partitions.size(); ++i) {
    const auto& at = event.partitions[i];
    views.push_back({at.topic, at.partition, at.offset == PartitionOffset::kNone ? -1 : at.offset,
                     event.committed[i]});
  }
  context_.set_cluster_id(event.cluster_id);
  context_.forget_topic_ids();
  context_.allow_seek(true);
  const auto result =
      call_on_page(*setup_.page, caller(), PluginCall::kOpen, [&] { task_->task->open(views); });
  context_.allow_seek(false);
  last_call_ = Clock::now();
  const auto stored = event.partitions;
  for (const auto& seek : context_.take_seeks()) take_seek(seek, event.partitions);
  for (std::size_t i = 0; i < event.partitions.size(); ++i) {
    const auto& at = event.partitions[i];
    progress_[{at.topic, at.partition}] = {at.offset, stored[i].offset, -1};
  }
  assigned_ = true;
  if (!result) fail_with(result.text);
  fetcher_->assigned_handled(event.partitions);
}

/// An offset outside the log is an error before it counts as a position.
void SinkLoop::take_seek(const SinkTaskContext::Seek& seek,
                         std::vector<PartitionOffset>& partitions) {
  const std::string where = "open(): seek to offset " + std::to_string(seek.offset) + " of " +
                            seek.topic + "-" + std::to_string(seek.partition);
  const auto found =
      std::find_if(partitions.begin(), partitions.end(), [&](const PartitionOffset& p) {
        return p.topic == seek.topic && p.partition == seek.partition;
      });
  if (found == partitions.end()) return fail_with(where + ": the partition is not assigned");
  if (seek.offset == found->offset) return;
  const auto range = fetcher_->bounds(seek.topic, seek.partition);
  if (!range) return fail_with(where + ": " + range.error().text);
  if (seek.offset == PartitionOffset::kBeginning) {
    found->offset = range->first;
  } else if (seek.offset < range->first || seek.offset > range->second) {
    fail_with(where + ": the log holds offsets " + std::to_string(range->first) + " to " +
              std::to_string(range->second) + "; nothing was skipped");
  } else {
    found->offset = seek.offset;
  }
}

void SinkLoop::revoke(const SinkEvent& event) {
  if (!end_.failed && !event.lost && flush()) commit();
  close(event.partitions);
  for (const auto& at : event.partitions) {
    progress_.erase({at.topic, at.partition});
    context_.forget(at.topic, at.partition);
  }
  dropping_ = false;
  assigned_ = false;
  fetcher_->revoked_handled();
}

void SinkLoop::close(const std::vector<PartitionOffset>& partitions) {
  if (partitions.empty()) return;
  std::vector<TopicPartition> views;
  for (const auto& at : partitions) {
    const auto found = progress_.find({at.topic, at.partition});
    views.push_back(
        {at.topic, at.partition, found == progress_.end() ? -1 : found->second.position, false});
  }
  const auto result =
      call_on_page(*setup_.page, caller(), PluginCall::kClose, [&] { task_->task->close(views); });
  if (!result) fail_with(result.text);
}

/// True when all that was put is durable. A retriable failure is tried again later, by
/// flush_if_due().
bool SinkLoop::flush() {
  if (!dirty_) return true;
  const auto result = call_flush();
  last_call_ = last_flush_ = Clock::now();
  if (result) {
    dirty_ = false;
    flush_backoff_.reset();
    return true;
  }
  if (result.outcome != plugin::Outcome::kRetriable) {
    fail_with(result.text);
    return false;
  }
  if (!flush_backoff_) flush_backoff_ = std::make_unique<Backoff>(policy_);
  const auto delay = flush_backoff_->next();
  if (!delay) {
    fail_with(result.text + " (after " + std::to_string(flush_backoff_->tries()) + " tries)");
    return false;
  }
  ++retries_;
  setup_.link->log(LogLevel::kWarn,
                   result.text + "; trying again in " + std::to_string(delay->count()) + " ms");
  flush_not_before_ = Clock::now() + *delay;
  return false;
}

plugin::CallResult SinkLoop::call_flush() {
  for (const auto& [partition, at] : progress_)
    context_.set_passed(partition.first, partition.second, at.position);
  return call_on_page(*setup_.page, caller(), PluginCall::kFlush, [this] { task_->task->flush(); });
}

bool SinkLoop::uncommitted() const {
  return std::any_of(progress_.begin(), progress_.end(), [](const auto& entry) {
    return entry.second.position > entry.second.stored && entry.second.position >= 0;
  });
}

/// True when the group has every position. Nothing is lost otherwise: these records come again.
bool SinkLoop::commit() {
  std::vector<PartitionOffset> offsets;
  for (const auto& [partition, at] : progress_) {
    if (at.position >= 0 && at.position != at.stored)
      offsets.push_back({partition.first, partition.second, at.position});
  }
  if (offsets.empty()) return true;
  const auto committed = fetcher_->commit(
      offsets,
      static_cast<int>((setup_.signal->stopping() ? kStopCommitWait : kCommitWait).count()));
  if (committed) {
    for (const auto& at : offsets) progress_[{at.topic, at.partition}].stored = at.offset;
    return true;
  }
  const auto code = committed.error().code;
  if (code == Errc::kConflict || code == Errc::kUnavailable)
    setup_.link->log(LogLevel::kWarn, committed.error().text);
  else
    fail_with(committed.error().text);
  return false;
}

bool SinkLoop::at_end() const {
  return assigned_ && std::all_of(progress_.begin(), progress_.end(), [](const auto& entry) {
           return entry.second.end >= 0 && entry.second.position >= entry.second.end;
         });
}

void SinkLoop::flush_if_due() {
  const auto now = Clock::now();
  if (!(dirty_ || uncommitted()) || now < flush_not_before_) return;
  const bool idle = !fetcher_->has_batch();
  const bool due = now - last_flush_ >= milliseconds(flush_interval_ms_) ||
                   (idle && now - last_put_ >= kIdleFlush) ||
                   (idle && at_end() && now - last_flush_ >= kEndFlush);
  if (!due) return;
  if (flush()) commit();
  last_flush_ = now;
}

/// A client that reads by name does not notice that a topic was made again.
void SinkLoop::check_topics_if_due() {
  if (Clock::now() - last_topic_check_ < kTopicCheckEvery) return;
  if (const auto same = context_.check_topic_ids(); !same) fail_with(same.error().text);
  last_topic_check_ = Clock::now();
}

void SinkLoop::tick_if_due() {
  if (Clock::now() - last_call_ < kTickEvery) return;
  const auto result =
      call_on_page(*setup_.page, caller(), PluginCall::kTick, [this] { task_->task->tick(); });
  last_call_ = Clock::now();
  if (result.outcome == plugin::Outcome::kRetriable)
    setup_.link->log(LogLevel::kWarn, result.text);
  else if (!result)
    fail_with(result.text);
}

void SinkLoop::say_caught_up() {
  const bool now = at_end() && !dirty_ && !uncommitted() && !fetcher_->has_batch();
  if (now == told_caught_up_) return;
  told_caught_up_ = now;
  report(true);
  setup_.link->send(message::CaughtUp{setup_.task, now, false});
}

void SinkLoop::report(bool now) {
  if (!now && Clock::now() - last_report_ < kReportEvery) return;
  last_report_ = Clock::now();
  message::Metrics out;
  out.task = setup_.task;
  out.values = {{"records", records_},   {"bytes", bytes_},     {"errors", errors_},
                {"dead_letters", dead_}, {"skipped", skipped_}, {"retries", retries_},
                {"put_ms", put_ms_}};
  for (const auto& [topic, count] : dead_by_topic_) out.values["dead_letters." + topic] = count;
  for (const auto& [topic, count] : skipped_by_topic_) out.values["skipped." + topic] = count;
  for (const auto& [partition, at] : progress_) {
    const auto name = partition.first + "." + std::to_string(partition.second);
    const auto end = std::max(at.end, fetcher_->known_end(partition.first, partition.second));
    if (at.position >= 0) out.values["position." + name] = static_cast<double>(at.position);
    if (at.stored >= 0) out.values["stored." + name] = static_cast<double>(at.stored);
    if (end >= 0) out.values["end." + name] = static_cast<double>(end);
  }
  context_.basics().add_counters(out.values);
  setup_.link->send(std::move(out));
}

/// Stop: what was put is made durable and stored, then everything is closed. A failed task stores
/// what it had flushed before.
void SinkLoop::finish() {
  if (!end_.failed) {
    Backoff tries(policy_);
    while (!flush() && !end_.failed) {
      if (tries.tries() > 2 || !tries.next()) break;
      setup_.signal->wait(kEndFlush);
    }
    end_.drained = !dirty_ && commit() && !end_.failed;
  }
  std::vector<PartitionOffset> all;
  for (const auto& [partition, at] : progress_)
    all.push_back({partition.first, partition.second, at.position});
  close(all);
  report(true);
}

}  // namespace penstock::connect
