// Stand-in for penstock-runner. A "plugin" is a file that holds the JSON of a definition message;
// what goes wrong is asked for by the setting "fake" of a configuration, or by the first word of
// the file.
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "framework/connect/channel/channel.h"
#include "framework/connect/channel/task_pages.h"

namespace {

using namespace penstock;
using namespace penstock::connect;

std::int64_t now_ms() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000;
}

class FakeRunner {
 public:
  FakeRunner()
      : channel_(UniqueFd(kRunnerChannelFd)),
        pages_(TaskPages::attach(UniqueFd(kRunnerPagesFd)).value()) {}

  int run() {
    for (;;) {
      pollfd waiter{channel_.fd(), POLLIN, 0};
      ::poll(&waiter, 1, 1000);
      const auto messages = channel_.receive();
      if (!messages) return 0;
      for (const auto& envelope : *messages) {
        if (std::holds_alternative<message::Bye>(envelope.body)) return 0;
        handle(envelope);
      }
    }
  }

 private:
  void say(const Envelope& to, Message body) {
    Envelope envelope;
    envelope.answers = to.id;
    envelope.connector = to.connector;
    envelope.generation = to.generation;
    envelope.body = std::move(body);
    if (!channel_.send(envelope)) std::exit(3);
  }
  void tell(const Envelope& from, Message body) {
    Envelope about = from;
    about.id = 0;
    say(about, std::move(body));
  }

  static std::string fake(const ConfigMap& config) {
    const auto found = config.find("fake");
    return found == config.end() ? "" : found->second;
  }

  [[noreturn]] static void hang() {
    for (;;) ::pause();
  }
  static void crash(const char* last_words) {
    std::fprintf(stderr, "%s\n", last_words);
    ::signal(SIGSEGV, SIG_DFL);  // a sanitizer has its own handler
    ::raise(SIGSEGV);
  }

  void handle(const Envelope& e) {
    if (const auto* hello = std::get_if<message::Hello>(&e.body)) {
      std::ifstream in(hello->plugin_path);
      plugin_.assign(std::istreambuf_iterator<char>(in), {});
      if (plugin_.starts_with("refuse ")) return say(e, message::Refused{plugin_.substr(7)});
      if (plugin_.starts_with("crash")) crash("static constructor went wrong");
      if (plugin_.starts_with("hang")) hang();
      say(e, message::Ready{::getpid(), "1.2.3"});
    } else if (std::holds_alternative<message::Describe>(e.body)) {
      auto definition = decode(plugin_);
      say(e, definition ? std::move(definition->body)
                        : Message(message::Failed{"no definition", false}));
    } else if (const auto* validate = std::get_if<message::Validate>(&e.body)) {
      const auto how = fake(validate->config);
      begin_call(pages_.connector(), PluginCall::kValidate, now_ms());
      if (how == "crash-validate") crash("about to crash");
      if (how == "hang-validate") hang();
      message::Problems problems;
      if (how == "secret-problem") {
        const auto& secret = validate->config.at("secret");
        std::fprintf(stderr, "validating %s\n", secret.c_str());
        problems.problems.push_back({"fake", "cannot open with " + secret});
        problems.problems.push_back(
            {"producer.override.linger.ms", "producer.override.linger.ms: not with " + secret});
      }
      if (how == "problem") problems.problems.push_back({"fake", "fake must not be 'problem'"});
      say(e, std::move(problems));
    } else if (const auto* plan = std::get_if<message::Plan>(&e.body)) {
      if (fake(plan->config) == "fail-plan") return say(e, message::Failed{"no tables", false});
      const bool replans = fake(plan->config) == "replan";
      const int first = replans ? 10 * plans_ : 0;
      // With "replan" one task fewer and then one more, each with another part than before.
      const int count = plan->tasks_max - (replans && plans_ == 1 ? 1 : 0);
      ++plans_;
      message::TaskConfigs tasks;
      for (int i = 0; i < count; ++i) tasks.tasks.push_back({{"part", std::to_string(first + i)}});
      say(e, std::move(tasks));
    } else if (const auto* start = std::get_if<message::StartTask>(&e.body)) {
      start_task(e, *start);
    } else if (const auto* stop = std::get_if<message::StopTask>(&e.body)) {
      // All but the first take their time: until the next lease.
      if (stop->task > 0 && replans_)
        draining_.push_back(e);
      else
        stopped(e);
    } else if (std::holds_alternative<message::Lease>(e.body)) {
      for (const auto& question : std::exchange(draining_, {})) stopped(question);
    } else if (std::holds_alternative<message::OffsetValues>(e.body)) {
      const auto& value = std::get<message::OffsetValues>(e.body).values.at(0);
      tell(e, message::Metrics{0, {{"offset_was", value ? 1.0 : 0.0}}});
      Envelope store;
      store.id = 7;
      store.connector = e.connector;
      store.generation = e.generation;
      store.body = message::StoreOffsets{0, 1, {{R"({"table":"t"})", R"({"n":5})"}}};
      if (!channel_.send(store)) std::exit(3);
    } else if (std::holds_alternative<message::Stored>(e.body)) {
      tell(e, message::Metrics{0, {{"stored", 1}}});
    } else if (e.id != 0) {
      say(e, message::Done{});
    }
  }

  void stopped(const Envelope& question) {
    running_.erase(std::get<message::StopTask>(question.body).task);
    say(question, message::Stopped{true});
  }

  void start_task(const Envelope& e, const message::StartTask& start) {
    const auto how = fake(start.config);
    if (how == "replan") {
      replans_ = true;
      if (!running_.emplace(start.task, start.config.at("part")).second)
        std::fprintf(stderr, "task %d runs already\n", start.task);
      for (const auto& [task, part] : running_) {
        if (std::stoi(part) / 10 != plans_ - 1)
          std::fprintf(stderr, "a task of another plan runs\n");
      }
      std::fprintf(stderr, "part %s started\n", start.config.at("part").c_str());
    }
    if (how == "fail-start")
      return say(e, message::Failed{"cannot open: password=" + start.config.at("secret"), false});
    if (how == "crash-start") {
      begin_call(pages_.task(start.task), PluginCall::kStart, now_ms());
      crash("last words");
    }
    if (how == "say-admin") {
      for (const auto& [key, value] : start.config) {
        if (key.starts_with("admin.")) std::fprintf(stderr, "%s=%s\n", key.c_str(), value.c_str());
      }
    }
    if (how == "say-secret")
      std::fprintf(stderr, "opening with %s\n", start.config.at("secret").c_str());
    say(e, message::Started{});
    tell(e, message::Metrics{start.task, {{"records", 10}, {"position.orders.0", 4}}});
    if (how == "replan" && plans_ < 3 && running_.size() == (plans_ == 1 ? 3U : 2U))
      tell(e, message::Replan{});
    if (how == "hang-poll") {
      begin_call(pages_.task(start.task), PluginCall::kPoll, now_ms());
    } else if (how == "crash-put") {
      begin_put(pages_.task(start.task), now_ms(), "orders", 3, 10, 19);
      crash("put went wrong");
    } else if (how == "fail-later") {
      tell(e, message::TaskFailed{start.task, "record 7 is bad", true, false});
    } else if (how == "garbage") {
      [[maybe_unused]] const auto n = ::write(channel_.fd(), "\x7f\xff\xff\xff garbage", 12);
    } else if (how == "caught-up" && !start.config.contains("errors.log.enable")) {
      tell(e, message::CaughtUp{start.task, true, true});
    } else if (how == "offsets") {
      Envelope ask;
      ask.id = 5;
      ask.connector = e.connector;
      ask.generation = e.generation;
      ask.body = message::ReadOffsets{{R"({"table":"t"})"}};
      if (!channel_.send(ask)) std::exit(3);
    }
  }

  Channel channel_;
  TaskPages pages_;
  std::string plugin_;
  int plans_ = 0;
  bool replans_ = false;
  std::map<int, std::string> running_;  // with "replan": each task's part
  std::vector<Envelope> draining_;
};

}  // namespace

int main() { return FakeRunner().run(); }
