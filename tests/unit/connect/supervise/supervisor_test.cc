#include "framework/connect/supervise/supervisor.h"

#include <gtest/gtest.h>
#include <regex>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>

#include "framework/base/clock.h"
#include "tests/support/time_scale.h"

namespace penstock::connect {
namespace {

constexpr std::chrono::seconds kPatience{10 * kTimeScale};

class SupervisorTest : public ::testing::Test, public SupervisorEvents, public OffsetBackend {
 protected:
  SupervisorTest() {
    std::string name = ::testing::TempDir() + "supervisorXXXXXX";
    folder_ = ::mkdtemp(name.data());
    options_.command = {PENSTOCK_FAKE_RUNNER};
  }
  ~SupervisorTest() override {
    if (supervisor_) supervisor_->stop();
    std::filesystem::remove_all(folder_);
  }
  Supervisor& supervisor() {
    if (!supervisor_) {
      supervisor_ = std::make_unique<Supervisor>(options_, clock_, *this, *this);
      EXPECT_TRUE(supervisor_->start());
    }
    return *supervisor_;
  }
  message::Hello plugin(const std::string& text) {
    std::ofstream(folder_ + "/p.so") << text;
    message::Hello hello;
    hello.plugin_path = folder_ + "/p.so";
    return hello;
  }
  static Result<Message> wait(const std::function<void(Answer)>& ask) {
    auto promise = std::make_shared<std::promise<Result<Message>>>();
    auto future = promise->get_future();
    ask([promise](Result<Message> answer) { promise->set_value(std::move(answer)); });
    if (future.wait_for(kPatience) != std::future_status::ready)
      return fail(Errc::kTimeout, "no answer");
    return future.get();
  }
  Result<Message> probe(const message::Hello& hello, const Message& question,
                        std::int64_t deadline_ms = 5'000) {
    return wait([&](Answer done) {
      supervisor().probe(hello, question, deadline_ms, "validate()", std::move(done));
    });
  }
  Result<Message> start(const std::string& text = "{}") {
    return wait([&](Answer done) {
      supervisor().start_runner("orders", 4, plugin(text), std::move(done));
    });
  }
  Result<Message> start_task(const std::string& fake) {
    message::StartTask task;
    task.config = {{"fake", fake}, {"secret", "x"}};
    return wait([&](Answer done) {
      supervisor().ask("orders", 4, task, 5'000, "the start", std::move(done));
    });
  }
  bool eventually(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, condition);
  }

  bool runner_said(const std::string&, std::int64_t, Message message) override {
    const std::lock_guard lock(mutex_);
    if (const auto* metrics = std::get_if<message::Metrics>(&message))
      metrics_.insert(metrics->values.begin(), metrics->values.end());
    changed_.notify_all();
    return true;
  }
  void runner_ended(const std::string& connector, std::int64_t generation,
                    std::string text) override {
    const std::lock_guard lock(mutex_);
    ended_ = connector + " " + std::to_string(generation) + ": " + std::move(text);
    changed_.notify_all();
  }
  void task_stalled(const std::string&, std::int64_t, int, std::string text) override {
    const std::lock_guard lock(mutex_);
    stalled_ = std::move(text);
    changed_.notify_all();
  }
  void read(const std::string&, std::vector<std::string> partitions,
            UniqueFunction<void(std::vector<std::optional<std::string>>)> done) override {
    done(std::vector<std::optional<std::string>>(partitions.size()));
  }
  void store(const std::string&, std::vector<message::OffsetEntry> entries,
             UniqueFunction<void(Status)> done) override {
    {
      const std::lock_guard lock(mutex_);
      stored_ = std::move(entries);
    }
    done({});
  }

  std::string folder_;
  Supervisor::Options options_;
  SystemClock clock_;
  std::mutex mutex_;  // guards what follows: the supervisor's thread writes it
  std::condition_variable changed_;
  std::map<std::string, double> metrics_;
  std::string ended_;
  std::string stalled_;
  std::vector<message::OffsetEntry> stored_;
  std::unique_ptr<Supervisor> supervisor_;
};

TEST_F(SupervisorTest, ARunnerThatUsesTooMuchMemoryIsEndedWithBothNumbers) {
  options_.memory_limit_bytes = 1;
  // It may be ended before or after it is ready.
  const auto started = start();
  if (started) {
    ASSERT_TRUE(eventually([&] { return !ended_.empty(); }));
  }
  const std::string text = started ? ended_ : started.error().text;
  EXPECT_NE(text.find(" MiB of memory; runner.memory.limit.bytes allows 0 MiB"), std::string::npos)
      << text;
}

TEST_F(SupervisorTest, AProbeAnswers) {
  const auto answer = probe(plugin(R"({"type":"definition","plugin":"p"})"), message::Describe{});
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(std::get<message::Definition>(*answer).plugin, "p");
}

TEST_F(SupervisorTest, ARefusedPluginGivesItsSentence) {
  const auto answer = probe(plugin("refuse wrong magic"), message::Describe{});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().text, "wrong magic");
}

TEST_F(SupervisorTest, AProbeThatCrashesIsNamedWithItsSignalAndLastWords) {
  const auto answer = probe(plugin("crash"), message::Describe{});
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().text.find("killed by signal 11 (segmentation fault)"), std::string::npos)
      << answer.error().text;
  EXPECT_NE(answer.error().text.find("static constructor went wrong"), std::string::npos)
      << answer.error().text;
}

TEST_F(SupervisorTest, AProbeThatHangsIsEndedAtItsDeadline) {
  const auto answer = probe(plugin("{}"), message::Validate{{{"fake", "hang-validate"}}}, 100);
  ASSERT_FALSE(answer);
  EXPECT_NE(answer.error().text.find(
                "was killed by the worker: validate() did not return before its deadline"),
            std::string::npos)
      << answer.error().text;
}

TEST_F(SupervisorTest, MoreProbesThanMayRunAtOnceTakeTurns) {
  std::vector<std::future<Result<Message>>> answers;
  const auto hello = plugin("{}");
  for (int i = 0; i < 8; ++i) {
    answers.push_back(std::async(std::launch::async, [&, i] {
      static_cast<void>(i);
      return probe(hello, message::Validate{});
    }));
    if (i == 0) answers.back().wait();
  }
  for (auto& answer : answers) EXPECT_TRUE(answer.get());
}

TEST_F(SupervisorTest, ARunnerIsReadyAndEndsWhenAsked) {
  const auto ready = start();
  ASSERT_TRUE(ready);
  EXPECT_EQ(std::get<message::Ready>(*ready).plugin_version, "1.2.3");
  std::promise<void> gone;
  supervisor().stop_runner("orders", 4, 5'000, [&] { gone.set_value(); });
  EXPECT_EQ(gone.get_future().wait_for(kPatience), std::future_status::ready);
  const std::lock_guard lock(mutex_);
  EXPECT_EQ(ended_, "");
}

TEST_F(SupervisorTest, ADeathNamesTheCallAndTheRecords) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(start_task("crash-put"));
  ASSERT_TRUE(eventually([&] { return !ended_.empty(); }));
  EXPECT_NE(ended_.find("killed by signal 11 (segmentation fault); task 0 was in put() of "
                        "orders-3, offsets 10 to 19\nIts last words:\n  put went wrong"),
            std::string::npos)
      << ended_;
}

TEST_F(SupervisorTest, ACallThatTakesLongIsShownAndThenEnded) {
  options_.call_warn_ms = 50;
  options_.call_deadline_ms = 2'000;
  ASSERT_TRUE(start());
  ASSERT_TRUE(start_task("hang-poll"));
  ASSERT_TRUE(eventually([&] { return stalled_.starts_with("in poll() for "); }));
  ASSERT_TRUE(eventually([&] { return !ended_.empty(); }));
  EXPECT_TRUE(std::regex_search(
      ended_,
      std::regex(
          R"(was killed by the worker: task 0 has been in poll\(\) for \d+ s; task\.call\.deadline\.ms allows 2 s)")))
      << ended_;
}

TEST_F(SupervisorTest, ARunnerThatSpeaksGarbageIsEnded) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(start_task("garbage"));
  ASSERT_TRUE(eventually([&] { return !ended_.empty(); }));
  EXPECT_NE(ended_.find("it sent what is no message: frame of 2147483647 bytes"), std::string::npos)
      << ended_;
}

TEST_F(SupervisorTest, OffsetsAreReadAndStored) {
  ASSERT_TRUE(start());
  ASSERT_TRUE(start_task("offsets"));
  ASSERT_TRUE(eventually([&] { return metrics_.contains("stored"); }));
  EXPECT_EQ(metrics_["offset_was"], 0);
  EXPECT_EQ(stored_.at(0).partition, R"({"table":"t"})");
  EXPECT_EQ(stored_.at(0).offset, R"({"n":5})");
}

TEST_F(SupervisorTest, AQuestionToARunnerThatIsNotThereFails) {
  const auto answer = start_task("");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::kUnavailable);
}

TEST_F(SupervisorTest, AMissingRunnerProgramIsAnError) {
  options_.command = {"/nonexistent/penstock-runner"};
  const auto answer = start();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().text,
            "starting /nonexistent/penstock-runner: No such file or directory");
}

}  // namespace
}  // namespace penstock::connect
