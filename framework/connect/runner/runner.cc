#include "framework/connect/runner/runner.h"

#include <poll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>
#include <utility>

#include "framework/connect/runner/definition.h"
#include "framework/connect/runner/log_line.h"

namespace penstock::connect {
namespace {

using std::chrono::milliseconds;

constexpr int kIdleWaitMs = 1'000;

std::int64_t monotonic_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

template <class... Bodies>
struct Overloaded : Bodies... {
  using Bodies::operator()...;
};
template <class... Bodies>
Overloaded(Bodies...) -> Overloaded<Bodies...>;

Status limit_memory(std::int64_t bytes) {
  if (bytes <= 0) return {};
  const rlimit limit{static_cast<rlim_t>(bytes), static_cast<rlim_t>(bytes)};
  if (::setrlimit(RLIMIT_DATA, &limit) != 0)
    return fail_errno(errno, "limiting memory to " + std::to_string(bytes) + " bytes");
  return {};
}

}  // namespace

Runner::Runner(Channel channel, TaskPages pages)
    : channel_(std::move(channel)), pages_(std::move(pages)) {}
Runner::~Runner() = default;

RunnerExit Runner::run() {
  while (!exit_) {
    pollfd fds[2] = {
        {channel_.fd(), static_cast<short>(POLLIN | (channel_.wants_write() ? POLLOUT : 0)), 0},
        {outbox_.fd(), POLLIN, 0}};
    if (!channel_.has_buffered() && ::poll(fds, 2, wait_ms()) < 0 && errno != EINTR) {
      finish(RunnerExit::kChannelBroken, "waiting for the channel failed");
    }
    auto messages = channel_.receive();
    if (!messages) {
      const bool garbled = messages.error().code == Errc::kInvalid;
      finish(!garbled ? RunnerExit::kChannelClosed : RunnerExit::kChannelBroken,
             messages.error().text);
      break;
    }
    for (auto& message : *messages) {
      if (!exit_) handle(std::move(message));
    }
    const auto now = monotonic_ms();
    if (lease_until_ms_ > 0 && now > lease_until_ms_)
      finish(RunnerExit::kLeaseOver, "the worker did not renew the lease");
    if (bye_until_ms_ > 0 && now > bye_until_ms_)
      finish(RunnerExit::kDeadline, "tasks did not end in time");
    if (!exit_) reap_tasks();
    if (!exit_) send_outbox();
  }
  return *exit_;
}

int Runner::wait_ms() const {
  auto wait = static_cast<std::int64_t>(unsent_.empty() ? kIdleWaitMs : kIdleWaitMs / 20);
  const auto now = monotonic_ms();
  if (lease_until_ms_ > 0) wait = std::min(wait, lease_until_ms_ - now + 1);
  if (bye_until_ms_ > 0) wait = std::min(wait, bye_until_ms_ - now + 1);
  return static_cast<int>(std::max<std::int64_t>(wait, 0));
}

void Runner::finish(RunnerExit how, std::string_view why) {
  if (exit_) return;
  exit_ = how;
  if (how != RunnerExit::kFarewell) write_log_line(LogLevel::kError, "runner", why);
}

void Runner::answer(Question question, Message body) {
  Outbox::Item item;
  item.envelope.answers = question.id;
  item.envelope.connector = question.connector;
  item.envelope.generation = question.generation;
  item.envelope.body = std::move(body);
  outbox_.post(std::move(item));
}

void Runner::send_outbox() {
  auto posted = outbox_.take();
  std::move(posted.begin(), posted.end(), std::back_inserter(unsent_));
  while (!unsent_.empty() && !exit_) {
    auto& item = unsent_.front();
    if (item.answered && item.envelope.id == 0) item.envelope.id = ++last_id_;
    const auto sent = channel_.send(item.envelope);
    if (!sent && sent.error().code == Errc::kBusy) return;  // the worker is behind: kept for later
    if (!sent && sent.error().code != Errc::kTooLarge)
      return finish(RunnerExit::kChannelClosed, sent.error().text);
    if (!sent) {
      write_log_line(LogLevel::kError, "runner", sent.error().text);
      if (item.answered) item.answered(tl::make_unexpected(sent.error()));
    } else if (item.answered) {
      waiting_.emplace(item.envelope.id, std::move(item.answered));
    }
    unsent_.pop_front();
  }
  if (const auto flushed = channel_.flush(); !flushed && !exit_)
    finish(RunnerExit::kChannelClosed, flushed.error().text);
}

void Runner::handle(Envelope envelope) {
  if (envelope.answers != 0) {
    const auto found = waiting_.find(envelope.answers);
    if (found == waiting_.end()) return;
    auto answered = std::move(found->second);
    waiting_.erase(found);
    answered(std::move(envelope.body));
    return;
  }
  const Envelope& question = envelope;
  if (!plugin_ && !std::holds_alternative<message::Hello>(envelope.body) &&
      !std::holds_alternative<message::Bye>(envelope.body) &&
      !std::holds_alternative<message::Lease>(envelope.body)) {
    return answer(question, message::Failed{"there was no hello", false});
  }
  std::visit(Overloaded{
                 [&](const message::Hello& m) { hello(question, m); },
                 [&](const message::Describe&) { describe(question); },
                 [&](const message::Validate& m) {
                   connector_call(question, [this, m, name = question.connector] {
                     return calls_->validate(m.config, hello_.client, name);
                   });
                 },
                 [&](const message::Plan& m) {
                   connector_call(question, [this, m, name = question.connector] {
                     return calls_->plan(m.config, m.tasks_max, name);
                   });
                 },
                 [&](const message::Hook& m) {
                   connector_call(question, [this, m, name = question.connector] {
                     return calls_->hook(m.which, m.config, name);
                   });
                 },
                 [&](const message::StartTask& m) { start_task(question, m); },
                 [&](const message::PauseTask& m) {
                   if (auto* one = task(m.task)) one->pause(true);
                   answer(question, message::Done{});
                 },
                 [&](const message::ResumeTask& m) {
                   if (auto* one = task(m.task)) one->pause(false);
                   answer(question, message::Done{});
                 },
                 [&](const message::StopTask& m) { stop_task(question, m); },
                 [&](const message::Lease& m) { lease_until_ms_ = monotonic_ms() + m.valid_ms; },
                 [&](const message::Bye& m) { bye(question, m.deadline_ms); },
                 [&](const auto&) {
                   write_log_line(LogLevel::kWarn, "runner",
                                  "a message that only runners send was received");
                 },
             },
             envelope.body);
}

void Runner::hello(Question question, const message::Hello& hello) {
  const auto refuse = [&](std::string text) {
    answer(question, message::Refused{std::move(text)});
  };
  if (plugin_) return refuse("there was a hello already");
  if (hello.channel_version != kChannelVersion) {
    return refuse("penstock-runner speaks version " + std::to_string(kChannelVersion) +
                  " of the channel, the worker version " + std::to_string(hello.channel_version) +
                  ": install both from the same release");
  }
  if (const auto checked = check_file(hello.plugin_path, hello.plugin_sha256); !checked)
    return refuse(checked.error().text);
  if (const auto limited = limit_memory(hello.data_limit_bytes); !limited)
    return refuse(limited.error().text);
  auto loaded = plugin::PluginLibrary::load(hello.plugin_path);
  if (!loaded) return refuse(loaded.error().text);
  if (!hello.class_name.empty()) {
    descriptor_ = (*loaded)->find(hello.class_name);
    if (descriptor_ == nullptr)
      return refuse(hello.plugin_path + " has no connector \"" + hello.class_name + "\"");
    calls_ = std::make_unique<ConnectorCalls>(*descriptor_, pages_.connector(), outbox_);
  }
  plugin_ = std::move(*loaded);
  hello_ = hello;
  answer(question, message::Ready{::getpid(), std::string(plugin_->version())});
}

void Runner::describe(Question question) { answer(question, definition_message(*plugin_)); }

void Runner::connector_call(Question question, ConnectorCalls::Work work) {
  if (!calls_) return answer(question, message::Failed{"hello named no connector class", false});
  calls_->post(question, std::move(work));
}

TaskThread* Runner::task(int number) {
  const auto found = tasks_.find(number);
  return found == tasks_.end() ? nullptr : found->second.get();
}

void Runner::start_task(Question question, const message::StartTask& start) {
  const auto refuse = [&](std::string text) {
    answer(question, message::Failed{std::move(text), false});
  };
  if (descriptor_ == nullptr) return refuse("hello named no connector class");
  if (bye_until_ms_ > 0) return refuse("the runner is stopping");
  if (start.task < 0 || start.task >= TaskPages::kTasksMax)
    return refuse("task " + std::to_string(start.task) + ": no such number");
  reap_tasks();
  if (task(start.task) != nullptr)
    return refuse("task " + std::to_string(start.task) + " runs already");
  auto checked = plugin::definition_of(*descriptor_)
                     .check(config::Map(start.config.begin(), start.config.end()));
  if (!checked.problems.empty()) return refuse(config::join(checked.problems));
  TaskSetup setup;
  setup.descriptor = descriptor_;
  setup.connector = question.connector;
  setup.task = start.task;
  setup.config = start.config;
  setup.client = hello_.client;
  setup.instance_id = hello_.instance_id;
  setup.page = &pages_.task(start.task);
  auto made = std::make_unique<TaskThread>(
      TaskThread::Identity{question.connector, question.generation, question.id},
      std::move(checked.settings), std::move(setup), outbox_);
  made->pause(start.paused);
  made->start();
  tasks_.emplace(start.task, std::move(made));
}

void Runner::stop_task(Question question, const message::StopTask& stop) {
  TaskThread* const one = task(stop.task);
  if (one == nullptr) return answer(question, message::Stopped{false});
  one->stop(milliseconds(std::max<std::int64_t>(stop.deadline_ms, 0)));
  stop_questions_[stop.task].push_back(question);
}

void Runner::bye(Question question, std::int64_t deadline_ms) {
  bye_until_ms_ = monotonic_ms() + std::max<std::int64_t>(deadline_ms, 1);
  bye_question_ = question;
  // What is left is for the plugins' own ends and the farewell: the process ends at the deadline.
  for (auto& [number, one] : tasks_) one->stop(milliseconds(deadline_ms / 6 * 5));
}

/// Tasks whose loop is over: says how they ended, answers who waits for it, and ends the process
/// when all are gone after a bye.
void Runner::reap_tasks() {
  for (auto at = tasks_.begin(); at != tasks_.end();) {
    if (!at->second->ended()) {
      ++at;
      continue;
    }
    const int number = at->first;
    const auto one = std::move(at->second);
    at = tasks_.erase(at);
    const auto& end = one->end();
    if (end.failed && one->started())
      one->send(message::TaskFailed{number, end.trace, end.fatal, end.budget_free});
    for (const auto& question : stop_questions_[number])
      answer(question, message::Stopped{end.drained});
    stop_questions_.erase(number);
  }
  if (bye_until_ms_ == 0 || !tasks_.empty()) return;
  calls_.reset();
  answer(bye_question_, message::Farewell{});
  send_outbox();
  while (!exit_ && (channel_.wants_write() || !unsent_.empty()) && monotonic_ms() < bye_until_ms_) {
    pollfd fd{channel_.fd(), POLLOUT, 0};
    ::poll(&fd, 1, kIdleWaitMs / 10);
    send_outbox();
  }
  finish(RunnerExit::kFarewell, "");
}

}  // namespace penstock::connect
