#include "framework/connect/runner/task_thread.h"

#include <chrono>
#include <future>
#include <utility>

#include "framework/connect/runner/log_line.h"

namespace penstock::connect {
namespace {

constexpr std::chrono::seconds kOffsetsWait{30};

Envelope envelope_of(const TaskThread::Identity& identity, Message body) {
  Envelope out;
  out.connector = identity.connector;
  out.generation = identity.generation;
  out.body = std::move(body);
  return out;
}

}  // namespace

TaskThread::TaskThread(Identity identity, config::Settings settings, TaskSetup setup, Outbox& outbox)
    : identity_(std::move(identity)), task_(setup.task), config_(std::move(settings)), signal_(std::make_shared<TaskSignal>()), outbox_(outbox) {
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
    answer.envelope = started ? envelope_of(identity_, message::Started{})
                              : envelope_of(identity_, message::Failed{started.error().text, retriable});
    answer.envelope.answers = identity_.start_id;
    outbox_.post(std::move(answer));
  });
  ended_.store(true, std::memory_order_release);
  outbox_.wake();
}

void TaskThread::stop() {
  signal_->stop();
  if (!stopper_.joinable()) stopper_ = std::thread([this] { loop_->stop_plugin(); });
}

void TaskThread::send(Message message) {
  Outbox::Item item;
  if (std::holds_alternative<message::StoreOffsets>(message)) {
    item.answered = [signal = signal_](Result<Message> answer) {
      if (!answer) return signal->store_failed(answer.error().text, true);
      if (const auto* stored = std::get_if<message::Stored>(&*answer)) return signal->stored(stored->sequence);
      const auto* failed = std::get_if<message::Failed>(&*answer);
      signal->store_failed(failed != nullptr ? failed->text : "the worker answered something else", failed != nullptr && failed->retriable);
    };
  }
  item.envelope = envelope_of(identity_, std::move(message));
  outbox_.post(std::move(item));
}

Result<std::vector<std::optional<std::string>>> TaskThread::read_offsets(std::vector<std::string> partitions) {
  auto promise = std::make_shared<std::promise<Result<Message>>>();
  auto future = promise->get_future();
  Outbox::Item item;
  item.envelope = envelope_of(identity_, message::ReadOffsets{std::move(partitions)});
  item.answered = [promise](Result<Message> answer) { promise->set_value(std::move(answer)); };
  outbox_.post(std::move(item));
  if (future.wait_for(kOffsetsWait) != std::future_status::ready) return fail(Errc::kUnavailable, "the worker did not answer");
  auto answer = future.get();
  if (!answer) return tl::make_unexpected(answer.error());
  if (auto* values = std::get_if<message::OffsetValues>(&*answer)) return std::move(values->values);
  if (const auto* failed = std::get_if<message::Failed>(&*answer)) return fail(Errc::kUnavailable, failed->text);
  return fail(Errc::kUnavailable, "the worker answered something else");
}

void TaskThread::log(LogLevel level, std::string_view text) {
  write_log_line(level, "task " + std::to_string(task_), text);
}

}  // namespace penstock::connect
