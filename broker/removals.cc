#include "broker/removals.h"

#include <spdlog/spdlog.h>

#include <memory>

#include "broker/broker.h"
#include "broker/partition.h"
#include "broker/pool.h"

namespace penstock::broker {

namespace {
/// Most partitions have nothing to remove: after so many the shard's other work has its turn.
constexpr int kJobsAtOnce = 64;
}  // namespace

void Removals::remove(const PartitionRef& handle, Offset to, Done done) {
  requests_.push_back({Job::Kind::kRemove, handle, to, std::move(done)});
  work_off();
}

void Removals::retain_all() {
  if (retaining_ > 0) return;
  for (const PartitionRef& handle : shard_.partitions()) {
    chores_.push_back({Job::Kind::kRetain, handle, Offset(0), {}});
    ++retaining_;
  }
  work_off();
}

void Removals::unlink_all() {
  if (unlinking_ > 0) return;
  for (const PartitionRef& handle : shard_.partitions()) {
    if (!handle->partition || !handle->partition->log().has_names_to_remove()) continue;
    chores_.push_back({Job::Kind::kUnlink, handle, Offset(0), {}});
    ++unlinking_;
  }
  work_off();
}

std::optional<Removals::Job> Removals::next() {
  std::deque<Job>& queue = requests_.empty() ? chores_ : requests_;
  if (queue.empty()) return std::nullopt;
  Job job = std::move(queue.front());
  queue.pop_front();
  return job;
}

void Removals::work_off() {
  if (busy_) return;
  for (int i = 0; i < kJobsAtOnce; ++i) {
    auto job = next();
    if (!job) return;
    busy_ = true;
    if (begin(*job)) return;
    busy_ = false;
  }
  busy_ = true;
  shard_.io().post([this] {
    busy_ = false;
    work_off();
  });
}

bool Removals::begin(Job& job) {
  Partition* partition = job.handle->partition.get();
  if (partition == nullptr) {
    finish(job, fail(Errc::kOffline, "the partition is gone"));
    return false;
  }
  return job.kind == Job::Kind::kUnlink ? begin_unlink(job, *partition)
                                        : begin_removal(job, *partition);
}

bool Removals::begin_removal(Job& job, Partition& partition) {
  auto begun = job.kind == Job::Kind::kRemove
                   ? partition.log().begin_truncate_prefix(job.to)
                   : partition.log().begin_retention(partition.state().high_watermark);
  if (!begun || !*begun) {
    finish(job, begun ? Status() : Status(tl::make_unexpected(begun.error())));
    return false;
  }
  shard_.broker().pool().run(
      [this, job = std::make_shared<Job>(std::move(job)),
       task = std::make_shared<log::RemovalTask>(std::move(**begun))]() mutable {
        Status ran = task->run();
        shard_.io().post([this, job = std::move(job), task = std::move(task),
                          ran = std::move(ran)] { applied(*job, *task, ran); });
      });
  return true;
}

void Removals::applied(Job& job, log::RemovalTask& task, const Status& ran) {
  busy_ = false;
  Partition* partition = job.handle->partition.get();
  if (partition == nullptr) {
    finish(job, fail(Errc::kOffline, "the partition is gone"));
    return work_off();
  }
  const auto removed = partition->log().apply_removal(task, ran);
  const bool unlink = partition->log().has_names_to_remove();
  if (partition->log().start() != partition->state().log_start) partition->log_changed();
  if (!removed && removed.error().code == Errc::kCorrupt) partition->go_offline(removed.error());
  const PartitionRef handle = job.handle;
  if (removed && removed->more) {  // only of retention
    chores_.push_front(std::move(job));
  } else {
    finish(job, removed ? Status() : Status(tl::make_unexpected(removed.error())));
  }
  if (unlink) {
    chores_.push_front({Job::Kind::kUnlink, handle, Offset(0), {}});
    ++unlinking_;
  }
  work_off();
}

bool Removals::begin_unlink(Job& job, Partition& partition) {
  auto begun = partition.log().begin_unlink();
  if (!begun) {
    finish(job, {});
    return false;
  }
  shard_.broker().pool().run(
      [this, job = std::make_shared<Job>(std::move(job)),
       task = std::make_shared<log::UnlinkTask>(std::move(*begun))]() mutable {
        Status ran = task->run(shard_.broker().files());
        shard_.io().post(
            [this, job = std::move(job), task = std::move(task), ran = std::move(ran)]() mutable {
              busy_ = false;
              if (Partition* there = job->handle->partition.get())
                there->log().apply_unlink(*task, ran);
              finish(*job, std::move(ran));
              work_off();
            });
      });
  return true;
}

void Removals::finish(Job& job, Status status) {
  if (job.kind == Job::Kind::kRetain) --retaining_;
  if (job.kind == Job::Kind::kUnlink) --unlinking_;
  if (job.done) return job.done(std::move(status));
  const bool gone = !job.handle->partition;
  if (status || gone || status.error().code == Errc::kOffline) return;
  spdlog::error("{} {}-{}: {}",
                job.kind == Job::Kind::kRetain ? "retention of" : "removing files of",
                job.handle->topic, job.handle->index.value, status.error().text);
}

}  // namespace penstock::broker
