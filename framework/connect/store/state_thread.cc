#include "framework/connect/store/state_thread.h"

#include <future>
#include <iterator>
#include <span>

#include "framework/base/assert.h"
#include "framework/connect/store/offset_records.h"

namespace penstock::connect {
namespace {
constexpr std::size_t kGroupEntriesMax = 5'000;
}

StateThread::StateThread(Logs logs) : logs_(logs), thread_([this] { run(); }) {}

StateThread::~StateThread() { stop(); }

void StateThread::put(StateTopic topic, std::vector<StateEntry> entries, Done done) {
  push(Request{topic, std::move(entries), std::move(done), nullptr});
}

Status StateThread::put_and_wait(StateTopic topic, std::vector<StateEntry> entries) {
  std::promise<Status> promise;
  auto result = promise.get_future();
  put(topic, std::move(entries),
      [&promise](Status status) { promise.set_value(std::move(status)); });
  return result.get();
}

void StateThread::read_offsets(std::string connector, std::vector<std::string> partitions,
                               UniqueFunction<void(Values)> done) {
  Request request;
  request.read = [this, connector = std::move(connector), partitions = std::move(partitions),
                  done = std::move(done)]() mutable {
    Values values;
    for (const auto& partition : partitions) {
      const auto found = offsets_.find(offset_key(connector, partition));
      values.push_back(found == offsets_.end() ? std::nullopt : std::optional(found->second));
    }
    done(std::move(values));
  };
  push(std::move(request));
}

void StateThread::list_offsets(std::string connector, UniqueFunction<void(Offsets)> done) {
  Request request;
  request.read = [this, connector = std::move(connector), done = std::move(done)]() mutable {
    Offsets offsets;
    for (const auto& [key, value] : offsets_) {
      auto parsed = parse_offset_key(key);
      if (parsed && parsed->first == connector)
        offsets.emplace_back(std::move(parsed->second), value);
    }
    done(std::move(offsets));
  };
  push(std::move(request));
}

void StateThread::push(Request request) {
  Error refused{Errc::kCancelled, "the worker is stopping"};
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_ && (queue_.size() < kRequestsMax || request.read)) {
      queue_.push_back(std::move(request));
      wake_.notify_one();
      return;
    }
    if (!stopping_)
      refused = {Errc::kBusy,
                 std::to_string(kRequestsMax) + " state writes wait for the disk already"};
  }
  if (request.done) request.done(tl::make_unexpected(std::move(refused)));
}

void StateThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void StateThread::load_offsets() {
  // What cannot be read fails at the first put as well, with its reason.
  const auto loaded = logs_[static_cast<std::size_t>(StateTopic::kOffsets)]->read_all(
      [this](std::string_view key, std::string_view value) { offsets_[std::string(key)] = value; });
  PENSTOCK_ASSERT(loaded.has_value());
}

void StateThread::run() {
  load_offsets();
  for (;;) {
    std::vector<Request> batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      batch.swap(queue_);
    }
    work(batch);
  }
}

/// Neighbours for the same topic go to disk together.
void StateThread::work(std::vector<Request>& batch) {
  std::size_t begin = 0;
  while (begin < batch.size()) {
    if (batch[begin].read) {
      batch[begin].read();
      ++begin;
      continue;
    }
    std::size_t end = begin;
    std::size_t entries = 0;
    while (end < batch.size() && !batch[end].read && batch[end].topic == batch[begin].topic &&
           entries < kGroupEntriesMax) {
      entries += batch[end].entries.size();
      ++end;
    }
    write(std::span(batch).subspan(begin, end - begin));
    begin = end;
  }
}

void StateThread::write(std::span<Request> group) {
  std::vector<StateEntry> entries;
  for (const auto& request : group)
    entries.insert(entries.end(), request.entries.begin(), request.entries.end());
  const auto topic = group.front().topic;
  const auto status = logs_[static_cast<std::size_t>(topic)]->put(entries);
  if (status && topic == StateTopic::kOffsets) {
    for (auto& entry : entries) {
      if (entry.value)
        offsets_[entry.key] = std::move(*entry.value);
      else
        offsets_.erase(entry.key);
    }
  }
  for (auto& request : group) {
    if (request.done) request.done(status);
  }
}

}  // namespace penstock::connect
