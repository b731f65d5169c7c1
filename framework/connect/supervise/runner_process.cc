#include "framework/connect/supervise/runner_process.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <limits>

namespace penstock::connect {
namespace {

constexpr std::size_t kLastWordsMax = 10;
constexpr std::int64_t kOutputAfterEndMs = 500;  // a grandchild may hold the pipes open
constexpr std::int64_t kExitAfterCloseMs = 5'000;

}  // namespace

std::string describe_call(const TaskPageView& page) {
  const auto call = to_string(page.call);
  if (!page.valid || call.empty()) return {};
  std::string text = "in " + std::string(call);
  if (page.call == PluginCall::kPut && page.partition >= 0) {
    text += " of " + page.topic + "-" + std::to_string(page.partition) + ", offsets " +
            std::to_string(page.first_offset) + " to " + std::to_string(page.last_offset);
  }
  return text;
}

Result<std::unique_ptr<RunnerProcess>> RunnerProcess::start(const std::vector<std::string>& command,
                                                            Identity identity, const Clock& clock,
                                                            Unasked unasked) {
  PENSTOCK_ASSIGN_OR_RETURN(auto ends, Channel::make_pair());
  PENSTOCK_ASSIGN_OR_RETURN(auto pages, TaskPages::create());
  process::SpawnOptions options;
  options.command = command;
  options.descriptors = {{ends.second.get(), kRunnerChannelFd}, {pages.fd(), kRunnerPagesFd}};
  PENSTOCK_ASSIGN_OR_RETURN(auto child, process::spawn(options));
  return std::unique_ptr<RunnerProcess>(
      new RunnerProcess(std::move(identity), clock, std::move(unasked),
                        Channel(std::move(ends.first)), std::move(pages), std::move(child)));
}

RunnerProcess::RunnerProcess(Identity identity, const Clock& clock, Unasked unasked,
                             Channel channel, TaskPages pages, process::Child child)
    : identity_(std::move(identity)),
      clock_(clock),
      unasked_(std::move(unasked)),
      channel_(std::move(channel)),
      pages_(std::move(pages)),
      child_(std::move(child)),
      output_(std::move(child_.output)),
      errors_(std::move(child_.errors)) {}

void RunnerProcess::send(Envelope envelope) {
  if (!channel_open_) return;
  envelope.connector = identity_.connector;
  envelope.generation = identity_.generation;
  const auto asked = envelope.id;
  auto sent = channel_.send(envelope);
  if (sent) return;
  if (sent.error().code == Errc::kTooLarge || sent.error().code == Errc::kInvalid) {
    if (const auto question = questions_.find(asked); question != questions_.end()) {
      auto done = std::move(question->second.done);
      questions_.erase(question);
      done(tl::make_unexpected(std::move(sent).error()));
    } else if (envelope.answers != 0 && !std::holds_alternative<message::Failed>(envelope.body)) {
      answer(envelope.answers, message::Failed{sent.error().text, false});
    } else {
      kill(sent.error().text);
    }
  } else if (sent.error().code == Errc::kBusy) {
    kill(sent.error().text);
  }  // else it is gone, and service() finds out how
}

void RunnerProcess::ask(Message question, std::int64_t deadline_ms, std::string what, Answer done) {
  const auto id = ++last_id_;
  questions_[id] = {clock_.steady_ms() + deadline_ms, std::move(what), std::move(done)};
  Envelope envelope;
  envelope.id = id;
  envelope.body = std::move(question);
  send(std::move(envelope));
}

void RunnerProcess::answer(std::uint64_t id, Message body) {
  Envelope envelope;
  envelope.answers = id;
  envelope.body = std::move(body);
  send(std::move(envelope));
}

void RunnerProcess::tell(Message body) {
  Envelope envelope;
  envelope.body = std::move(body);
  send(std::move(envelope));
}

void RunnerProcess::kill(std::string why) {
  if (ended_ || !kill_reason_.empty()) return;
  kill_reason_ = std::move(why);
  for (const auto& [task, stalled] : watched_tasks) {
    const auto call = describe_call(read_page(pages_.task(task)));
    if (!call.empty())
      task_calls +=
          (task_calls.empty() ? "task " : "; task ") + std::to_string(task) + " was " + call;
  }
  child_.signal(SIGKILL);
}

void RunnerProcess::add_poll(std::vector<pollfd>& fds) const {
  if (channel_open_) {
    const auto read = static_cast<short>(stores_in_flight < kStoresInFlightMax ? POLLIN : 0);
    fds.push_back(
        {channel_.fd(), static_cast<short>(read | (channel_.wants_write() ? POLLOUT : 0)), 0});
  }
  if (!ended_) fds.push_back({child_.pidfd(), POLLIN, 0});
  if (output_.fd() >= 0) fds.push_back({output_.fd(), POLLIN, 0});
  if (errors_.fd() >= 0) fds.push_back({errors_.fd(), POLLIN, 0});
}

void RunnerProcess::read_channel() {
  if (!channel_open_) return;
  if (auto flushed = channel_.flush(); !flushed && flushed.error().code != Errc::kUnavailable)
    kill(flushed.error().text);
  while (stores_in_flight < kStoresInFlightMax) {
    auto messages = channel_.receive();
    if (!messages) {
      channel_open_ = false;
      channel_.close();
      closed_ms_ = clock_.steady_ms();
      if (messages.error().code == Errc::kInvalid)
        kill("it sent what is no message: " + messages.error().text);
      return;
    }
    if (messages->empty()) return;
    for (auto& envelope : *messages) {
      if (envelope.answers == 0) {
        if (envelope.generation == identity_.generation) unasked_(*this, std::move(envelope));
        continue;
      }
      const auto question = questions_.find(envelope.answers);
      if (question == questions_.end()) continue;
      auto done = std::move(question->second.done);
      questions_.erase(question);
      done(std::move(envelope.body));
    }
  }
}

void RunnerProcess::read_output() {
  const auto who = identity_.connector.empty() ? std::string("probe") : identity_.connector;
  const auto now = clock_.steady_ms();
  output_.read(now, [&](std::string_view line) {
    spdlog::info("[{}] {}", who, identity_.secrets.masked(std::string(line)));
  });
  errors_.read(now, [&](std::string_view line) {
    const auto shown = identity_.secrets.masked(std::string(line));
    spdlog::info("[{}] {}", who, shown);
    last_words_.emplace_back(shown.substr(0, 512));
    if (last_words_.size() > kLastWordsMax) last_words_.pop_front();
  });
}

void RunnerProcess::check_deadlines() {
  const auto now = clock_.steady_ms();
  for (const auto& [id, question] : questions_) {
    if (question.deadline_ms > now) continue;
    return kill(question.what + " did not return before its deadline");
  }
  // Its lease would end it as well, later.
  if (!channel_open_ && !ended_ && now - closed_ms_ > kExitAfterCloseMs)
    kill("it closed its channel and did not exit");
}

void RunnerProcess::fail_questions() {
  auto questions = std::move(questions_);
  questions_.clear();
  for (auto& [id, question] : questions) question.done(fail(Errc::kUnavailable, ended_text()));
}

bool RunnerProcess::service() {
  read_channel();
  read_output();
  check_deadlines();
  if (!ended_) {
    ended_ = child_.poll();
    if (ended_) {
      ended_ms_ = clock_.steady_ms();
      read_channel();
      read_output();
      if (kill_reason_.empty()) {
        for (const auto& [task, stalled] : watched_tasks) {
          const auto call = describe_call(read_page(pages_.task(task)));
          if (!call.empty())
            task_calls +=
                (task_calls.empty() ? "task " : "; task ") + std::to_string(task) + " was " + call;
        }
      }
    }
  }
  if (!ended_) return true;
  const bool quiet = output_.fd() < 0 && errors_.fd() < 0;
  if (!quiet && clock_.steady_ms() - ended_ms_ < kOutputAfterEndMs) return true;
  fail_questions();
  return false;
}

std::int64_t RunnerProcess::next_deadline_ms() const {
  auto next = std::numeric_limits<std::int64_t>::max();
  for (const auto& [id, question] : questions_) next = std::min(next, question.deadline_ms);
  if (ended_) next = std::min(next, ended_ms_ + kOutputAfterEndMs);
  if (!channel_open_ && !ended_) next = std::min(next, closed_ms_ + kExitAfterCloseMs);
  return next;
}

std::string RunnerProcess::ended_text() const {
  std::string text = "penstock-runner (pid " + std::to_string(child_.pid()) + ") ";
  if (!kill_reason_.empty())
    text += "was killed by the worker: " + kill_reason_;
  else
    text += ended_ ? ended_->text() : "is ending";
  const auto instance = describe_call(read_page(pages_.connector()));
  if (!task_calls.empty())
    text += "; " + task_calls;
  else if (!instance.empty() && kill_reason_.empty())
    text += " " + instance;
  if (!last_words_.empty()) text += "\nIts last words:";
  for (const auto& line : last_words_) text += "\n  " + line;
  return text;
}

}  // namespace penstock::connect
