// Plugins that are wrong on purpose (tests/plugins) in real runners: each gives its text, and the
// worker lives on.
#include <algorithm>
#include <chrono>

#include "tests/support/time_scale.h"
#include "worker_harness.h"

namespace penstock::connect {
namespace {

struct Wrong {
  const char* name;
  const char* text;  // part of the task's trace
  bool given_up_at_once;
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }

class WrongPlugins : public WorkerTest {
 protected:
  void start_real() {
    start({"--override", "plugin.runner.command=", "--override",
           "plugin.path=" PENSTOCK_WRONG_PLUGINS, "--override", "plugin.call.deadline.ms=500",
           "--override", "task.call.deadline.ms=1000", "--override",
           "bootstrap.servers=127.0.0.1:1"});
  }
  HttpAnswer create_wrong(const std::string& name) {
    return create(
        name, {{"connector.class", name}, {"topic", "unruly"}, {"count", "10"}, {"after", "0"}});
  }
};

class WrongSource : public WrongPlugins, public ::testing::WithParamInterface<Wrong> {};

TEST_P(WrongSource, GivesItsTextInTheStatus) {
  start_real();
  const std::string name = GetParam().name;
  const auto made = create_wrong(name);
  ASSERT_EQ(made.status, 201) << made.body;
  const auto says = [&] {
    const auto now = status(name);
    return !now["tasks"].empty() &&
           now["tasks"][0].value("trace", "").find(GetParam().text) != std::string::npos;
  };
  EXPECT_TRUE(eventually(says)) << status(name).dump();
  if (GetParam().given_up_at_once) {
    EXPECT_EQ(status(name)["tasks"][0]["restart"]["given_up"], true);
  }
  EXPECT_EQ(http("GET", "/health").status, 200);
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongSource,
    ::testing::Values(
        Wrong{"NullSource", "connector NullSource task 0: make_source: returned null", true},
        Wrong{"ThrowInConstructorSource", "make_source: thrown on purpose", true},
        Wrong{"ThrowInStartSource", "start(): thrown on purpose", true},
        Wrong{"ThrowInPollSource", "connector ThrowInPollSource task 0: poll(): thrown on purpose",
              false},
        Wrong{"ThrowIntInPollSource", "poll(): threw int, which is no std::exception", false},
        Wrong{"CrashInStartSource",
              "killed by signal 11 (segmentation fault); task 0 was in start()", false},
        Wrong{"CrashInPollSource", "killed by signal 11 (segmentation fault); task 0 was in poll()",
              false},
        Wrong{"AbortInPollSource", "killed by signal 6 (aborted); task 0 was in poll()", false},
        Wrong{"ExitInPollSource", "exited with code 0; task 0 was in poll()", false},
        Wrong{"HangInPollSource", "was killed by the worker: task 0 has been in poll() for ",
              false}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST_F(WrongPlugins, ValidationThatGoesWrongIsTheAnswerToCreate) {
  start_real();
  const std::pair<const char*, const char*> expected[] = {
      {"ThrowInValidateSource", "validate(): thrown on purpose"},
      {"CrashInValidateSource", "killed by signal 11 (segmentation fault) in validate()"},
      {"HangInValidateSource",
       "was killed by the worker: validate() did not return before its deadline"},
      {"ExitInValidateSource", "exited with code 0 in validate()"}};
  for (const auto& [name, text] : expected) {
    const auto answer = create_wrong(name);
    EXPECT_EQ(answer.status, 400);
    EXPECT_NE(answer.body.find(text), std::string::npos) << answer.body;
  }
  EXPECT_EQ(http("GET", "/connectors").body, "[]");
}

TEST_F(WrongPlugins, APlanThatThrowsFailsTheConnector) {
  start_real();
  ASSERT_EQ(create_wrong("ThrowInTasksSource").status, 201);
  EXPECT_TRUE(
      eventually([&] { return status("ThrowInTasksSource")["connector"]["state"] == "FAILED"; }));
  EXPECT_EQ(status("ThrowInTasksSource")["connector"]["trace"],
            "connector ThrowInTasksSource: plan(): thrown on purpose");
}

TEST_F(WrongPlugins, WhatTheLoaderRefusesIsListedWhenAClassIsMissing) {
  start_real();
  const auto answer = create_wrong("Missing");
  EXPECT_EQ(answer.status, 400);
  for (const char* text : {"wrong_magic.so was refused: its penstock_plugin_v1 is not a plugin "
                           "descriptor (wrong magic number)",
                           "not_elf.so was refused: not a shared object (ELF)",
                           "wrong_major.so was refused: it says plugin ABI 2"}) {
    EXPECT_NE(answer.body.find(text), std::string::npos) << text << "\n" << answer.body;
  }
}

TEST_F(WrongPlugins, AStopDoesNotWaitForATaskThatHangsLongerThanItsDeadline) {
  start({"--override", "plugin.runner.command=", "--override",
         "plugin.path=" PENSTOCK_WRONG_PLUGINS, "--override", "shutdown.deadline.ms=500",
         "--override", "bootstrap.servers=127.0.0.1:1"});
  ASSERT_EQ(create_wrong("HangInPollSource").status, 201);
  ASSERT_TRUE(reaches("HangInPollSource", "RUNNING", "RUNNING"));
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(stop().success());
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(4 * kTimeScale));
}

TEST_F(WrongPlugins, AClientSettingIsNamedOnceAndAsItWasTyped) {
  start_real();
  const auto answer = create("x", {{"connector.class", "ThrowInPollSource"},
                                   {"topic", "t"},
                                   {"producer.override.linger.ms", "soon"}});
  EXPECT_EQ(answer.status, 400);
  const auto first = answer.body.find("producer.override.linger.ms");
  ASSERT_NE(first, std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("linger.ms", first + 20), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("queue.buffering"), std::string::npos) << answer.body;
}

}  // namespace
}  // namespace penstock::connect
