#include <unistd.h>

#include <thread>

#include "tests/unit/connect/runner/harness.h"

namespace penstock::connect {
namespace {

TEST(RunnerChannel, DescribesThePlugin) {
  RunnerHarness runner;
  runner.hello("");
  const auto definition = runner.ask_for<message::Definition>(message::Describe{});
  ASSERT_EQ(definition.connectors.size(), 2U);
  EXPECT_EQ(definition.plugin, "probe");
  EXPECT_EQ(definition.connectors[0].name, "CountingSource");
  EXPECT_EQ(definition.connectors[0].kind, "source");
  EXPECT_EQ(definition.connectors[0].aliases,
            std::vector<std::string>{"org.example.CountingSourceConnector"});
  EXPECT_TRUE(definition.connectors[0].has_connector);
  EXPECT_EQ(definition.connectors[0].keys[1].kind, "long");
  EXPECT_EQ(definition.connectors[0].keys[1].fallback, "10");
  EXPECT_EQ(definition.connectors[1].keys[0].fallback, std::nullopt);
}

TEST(RunnerChannel, RefusesAnotherChannelVersion) {
  RunnerHarness runner;
  message::Hello hello;
  hello.channel_version = 77;
  EXPECT_EQ(runner.ask_for<message::Refused>(hello).text,
            "penstock-runner speaks version 1 of the channel, the worker version 77: install both "
            "from the same release");
}

TEST(RunnerChannel, RefusesAPluginThatChanged) {
  RunnerHarness runner;
  message::Hello hello;
  hello.plugin_path = RunnerHarness::probe_plugin();
  hello.plugin_sha256 = std::string(64, '0');
  EXPECT_NE(
      runner.ask_for<message::Refused>(hello).text.find("changed while the worker was running"),
      std::string::npos);
}

TEST(RunnerChannel, RefusesAClassThatThePluginDoesNotHave) {
  RunnerHarness runner;
  message::Hello hello;
  hello.plugin_path = RunnerHarness::probe_plugin();
  hello.class_name = "Turbine";
  EXPECT_NE(runner.ask_for<message::Refused>(hello).text.find("has no connector \"Turbine\""),
            std::string::npos);
}

TEST(RunnerChannel, ValidatesThePluginsAndTheFrameworksSettings) {
  RunnerHarness runner;
  runner.hello("CountingSource");
  EXPECT_TRUE(runner.ask_for<message::Problems>(message::Validate{{}}).problems.empty());
  const auto unlucky =
      runner.ask_for<message::Problems>(message::Validate{{{"count", "13"}}}).problems;
  ASSERT_EQ(unlucky.size(), 1U);
  EXPECT_EQ(unlucky[0].text, "13 brings bad luck; choose another number");
  const auto wrong =
      runner
          .ask_for<message::Problems>(message::Validate{{{"errors.tolerance", "some"},
                                                         {"value.converter", "TurbineConverter"},
                                                         {"producer.override.flux", "1"},
                                                         {"admin.override.flux", "1"},
                                                         {"transforms", "a"}}})
          .problems;
  ASSERT_EQ(wrong.size(), 5U);
  EXPECT_EQ(wrong[1].text, "errors.tolerance: must be none or all, not \"some\"");
}

TEST(RunnerChannel, PlansTasksWithTheirOwnSettingsOnly) {
  RunnerHarness runner;
  runner.hello("CountingSource");
  const auto plan = runner.ask_for<message::TaskConfigs>(message::Plan{{{"count", "5"}}, 2});
  ASSERT_EQ(plan.tasks.size(), 2U);
  EXPECT_EQ(plan.tasks[1], (ConfigMap{{"topic", "t1"}}));
}

TEST(RunnerChannel, HookThatThrowsIsAnAnswer) {
  RunnerHarness runner;
  runner.hello("CountingSource");
  runner.ask_for<message::Done>(message::Hook{"created", {}});
  const auto failed = runner.ask_for<message::Failed>(message::Hook{"created", {{"how", "throw"}}});
  EXPECT_NE(failed.text.find("connector c"), std::string::npos) << failed.text;
}

TEST(RunnerChannel, EndsWhenTheLeaseIsOver) {
  RunnerHarness runner;
  runner.hello("CountingSource");
  runner.tell(message::Lease{100});
  const auto end = runner.wait_exit(10'000);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 4);
}

TEST(RunnerChannel, EndsWhenTheWorkerIsGoneEvenWhilePluginCodeHangs) {
  RunnerHarness runner;
  MockCluster cluster;
  runner.hello("CountingSource", cluster.source_client());
  runner.ask_for<message::Started>(message::StartTask{0, {{"how", "hang"}}});
  runner.close_channel();
  const auto end = runner.wait_exit(10'000);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 3);
}

TEST(RunnerChannel, SaysFarewellAfterBye) {
  RunnerHarness runner;
  runner.hello("CountingSource");
  runner.ask_for<message::Farewell>(message::Bye{5'000});
  const auto end = runner.wait_exit(10'000);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 0);
}

TEST(RunnerChannel, ATaskThatHangsShowsItsCallInItsPage) {
  RunnerHarness runner;
  MockCluster cluster;
  runner.hello("CountingSource", cluster.source_client());
  runner.ask_for<message::Started>(message::StartTask{3, {{"how", "hang"}}});
  EXPECT_TRUE(
      runner.until([&] { return read_page(runner.pages().task(3)).call == PluginCall::kPoll; }));
  EXPECT_TRUE(runner.ask_for<message::Stopped>(message::StopTask{3, 5'000}).drained);
}

TEST(RunnerChannel, StartThatMayBeTriedAgainSaysSo) {
  RunnerHarness runner;
  MockCluster cluster;
  runner.hello("CountingSource", cluster.source_client());
  const auto failed =
      runner.ask_for<message::Failed>(message::StartTask{0, {{"how", "start_retry"}}});
  EXPECT_TRUE(failed.retriable);
  EXPECT_NE(failed.text.find("the outside is not there"), std::string::npos);
}

TEST(RunnerChannel, WrongSettingFailsTheStartByName) {
  RunnerHarness runner;
  runner.hello("LineSink");
  EXPECT_NE(
      runner.ask_for<message::Failed>(message::StartTask{0, {{"topics", "t"}}}).text.find("file"),
      std::string::npos);
}

}  // namespace
}  // namespace penstock::connect
