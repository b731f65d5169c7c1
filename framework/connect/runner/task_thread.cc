#include "framework/connect/runner/task_thread.h"

#include <chrono>
#include <future>
#include <iterator>
#include <utility>

#include "framework/connect/runner/log_line.h"

namespace penstock::connect {
namespace {

constexpr std::chrono::seconds kOffsetsWait{30};
constexpr std::size_t kPartBytesMax = kFrameBytesMax / 2;  // leaves room for the rest of the frame
constexpr std::size_t kPartPartitionsMax = 100;

Envelope envelope_of(const TaskThread::Identity& identity, Message body) {
  Envelope out;
  out.connector = identity.connector;
  out.generation = identity.generation;
  out.body = std::move(body);
  return out;
}

/// Size of a text inside a frame, where it is a JSON string.
std::size_t framed_bytes(const std::string& text) {
  std::size_t size = text.size() + 8;
  for (const char c : text)
    size += c == '"' || c == '\\' ? 1 : static_cast<unsigned char>(c) < 0x20 ? 5 : 0;
  return size;
}

/// As many offsets together as a frame takes; one that is too long on its own stays alone, and is
/// refused.
std::vector<message::StoreOffsets> parts_of(message::StoreOffsets whole) {
  std::vector<message::StoreOffsets> parts;
  std::size_t bytes = 0;
  for (auto& entry : whole.entries) {
    const auto size =
        32 + framed_bytes(entry.partition) + (entry.offset ? framed_bytes(*entry.offset) : 0);
    if (parts.empty() || bytes + size > kPartBytesMax) {
      parts.push_back({whole.task, whole.sequence, {}});
      bytes = 0;
    }
    bytes += size;
    parts.back().entries.push_back(std::move(entry));
  }
  return parts;
}

/// What has become of the parts of one StoreOffsets. The channel's thread.
struct PartsStored {
  std::size_t left = 0;
  std::string failure;
  bool retriable = true;
};

}  // namespace

TaskThread::TaskThread(Identity identity, config::Settings settings, TaskSetup setup,
                       Outbox& outbox)
    : identity_(std::move(identity)),
      task_(setup.task),
      config_(std::move(settings)),
      signal_(std::make_shared<TaskSignal>()),
      outbox_(outbox) {
  setup.plugin_config = &config_;
  setup.link = this;
  setup.signal = signal_.get();
  loop_ = make_task_loop(std::move(setup));
}

TaskThread::~TaskThread() {
  if (thread_.joinable()) thread_.join();
  if (stopper_.joinable()) stopper_.join();
}

void TaskThread::start() {
  thread_ = std::thread([this] { run(); });
}

void TaskThread::run() {
  end_ = loop_->run([this](const Status& started, bool retriable) {
    started_ = started.has_value();
    Outbox::Item answer;
    answer.envelope =
        started ? envelope_of(identity_, message::Started{})
                : envelope_of(identity_, message::Failed{started.error().text, retriable});
    answer.envelope.answers = identity_.start_id;
    outbox_.post(std::move(answer));
  });
  ended_.store(true, std::memory_order_release);
  outbox_.wake();
}

void TaskThread::stop(std::chrono::milliseconds at_most) {
  signal_->stop(at_most);
  if (!stopper_.joinable()) stopper_ = std::thread([this] { loop_->stop_plugin(); });
}

void TaskThread::store(message::StoreOffsets whole) {
  const auto sequence = whole.sequence;
  auto parts = parts_of(std::move(whole));
  auto progress = std::make_shared<PartsStored>();
  progress->left = parts.size();
  for (auto& part : parts) {
    Outbox::Item item;
    item.envelope = envelope_of(identity_, std::move(part));
    item.answered = [signal = signal_, progress, sequence](const Result<Message>& answer) {
      if (!answer || !std::holds_alternative<message::Stored>(*answer)) {
        const auto* failed = answer ? std::get_if<message::Failed>(&*answer) : nullptr;
        progress->failure = !answer             ? answer.error().text
                            : failed != nullptr ? failed->text
                                                : "the worker answered something else";
        // What is too long now is too long the next time.
        progress->retriable =
            progress->retriable && (answer ? failed != nullptr && failed->retriable
                                           : answer.error().code != Errc::kTooLarge);
      }
      if (--progress->left > 0) return;
      if (progress->failure.empty())
        signal->stored(sequence);
      else
        signal->store_failed(progress->failure, progress->retriable);
    };
    outbox_.post(std::move(item));
  }
}

void TaskThread::send(Message message) {
  if (auto* whole = std::get_if<message::StoreOffsets>(&message);
      whole != nullptr && !whole->entries.empty()) {
    return store(std::move(*whole));
  }
  Outbox::Item item;
  item.envelope = envelope_of(identity_, std::move(message));
  outbox_.post(std::move(item));
}

Result<std::vector<std::optional<std::string>>> TaskThread::read_offsets(
    std::vector<std::string> partitions) {
  std::vector<std::optional<std::string>> all;
  all.reserve(partitions.size());
  for (std::size_t begin = 0; begin < partitions.size();) {
    std::vector<std::string> part;
    std::size_t bytes = 0;
    for (; begin < partitions.size() && part.size() < kPartPartitionsMax; ++begin) {
      bytes += framed_bytes(partitions[begin]);
      if (!part.empty() && bytes > kPartBytesMax) break;
      part.push_back(std::move(partitions[begin]));
    }
    const auto asked = part.size();
    PENSTOCK_ASSIGN_OR_RETURN(auto values, read_part(std::move(part)));
    if (values.size() != asked)
      return fail(Errc::kUnavailable, "the worker answered something else");
    std::move(values.begin(), values.end(), std::back_inserter(all));
  }
  return all;
}

Result<std::vector<std::optional<std::string>>> TaskThread::read_part(
    std::vector<std::string> partitions) {
  auto promise = std::make_shared<std::promise<Result<Message>>>();
  auto future = promise->get_future();
  Outbox::Item item;
  item.envelope = envelope_of(identity_, message::ReadOffsets{std::move(partitions)});
  item.answered = [promise](Result<Message> answer) { promise->set_value(std::move(answer)); };
  outbox_.post(std::move(item));
  if (future.wait_for(kOffsetsWait) != std::future_status::ready)
    return fail(Errc::kUnavailable, "the worker did not answer");
  auto answer = future.get();
  if (!answer) return tl::make_unexpected(answer.error());
  if (auto* values = std::get_if<message::OffsetValues>(&*answer)) return std::move(values->values);
  if (const auto* failed = std::get_if<message::Failed>(&*answer))
    return fail(Errc::kUnavailable, failed->text);
  return fail(Errc::kUnavailable, "the worker answered something else");
}

void TaskThread::log(LogLevel level, std::string_view text) {
  write_log_line(level, "task " + std::to_string(task_), text);
}

}  // namespace penstock::connect
