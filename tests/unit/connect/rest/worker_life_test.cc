// Plugins that go wrong, deaths, restarts and what is remembered.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "tests/support/time_scale.h"
#include "worker_harness.h"

namespace penstock::connect {
namespace {

using Json = nlohmann::json;

class WorkerLife : public WorkerTest {
 protected:
  WorkerLife() { install_plugin(); }
  /// How many children the worker has; their ids are in children_.
  std::ptrdiff_t runners() {
    process::SpawnOptions cat;
    cat.command = {"/bin/sh", "-c",
                   "cat /proc/" + std::to_string(worker_->pid()) + "/task/*/children"};
    auto listing = process::spawn(cat).value();
    listing.wait(5'000);
    char buffer[256];
    const auto n = ::read(listing.output.get(), buffer, sizeof buffer);
    children_.assign(buffer, n > 0 ? static_cast<std::size_t>(n) : 0);
    return std::ranges::count(children_, ' ');
  }
  std::string children_;
};

TEST_F(WorkerLife, StateSurvivesAStopAndAKill) {
  start();
  ASSERT_EQ(create("orders", {{"fake", "offsets"}}).status, 201);
  ASSERT_EQ(create("halted", {}, "STOPPED").status, 201);
  ASSERT_TRUE(eventually(
      [&] { return http("GET", "/connectors/orders/offsets").json()["offsets"].size() == 1; }));
  EXPECT_TRUE(stop().success());
  start();
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
  EXPECT_EQ(stop(SIGKILL).signal, SIGKILL);
  start();
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
  EXPECT_EQ(status("halted")["connector"]["state"], "STOPPED");
  EXPECT_EQ(http("GET", "/connectors/orders/offsets").json(),
            Json::parse(R"({"offsets":[{"partition":{"table":"t"},"offset":{"n":5}}]})"));
  EXPECT_TRUE(stop().success());
}

TEST_F(WorkerLife, ADeletedConnectorStaysDeleted) {
  start();
  ASSERT_EQ(create("orders").status, 201);
  ASSERT_EQ(http("DELETE", "/connectors/orders").status, 204);
  EXPECT_TRUE(stop().success());
  start();
  EXPECT_EQ(http("GET", "/connectors").body, "[]");
}

TEST_F(WorkerLife, ACrashIsShownRestartedAndGivenUp) {
  start();
  ASSERT_EQ(create("orders", {{"fake", "crash-start"}}).status, 201);
  ASSERT_EQ(create("healthy").status, 201);
  ASSERT_TRUE(reaches("orders", "FAILED", "FAILED"));
  const auto now = status("orders");
  const std::string trace = now["tasks"][0]["trace"];
  EXPECT_NE(trace.find("killed by signal 11 (segmentation fault); task 0 was in start()\nIts last "
                       "words:\n  last words"),
            std::string::npos)
      << trace;
  EXPECT_EQ(now["tasks"][0]["restart"]["attempts"], 3);
  EXPECT_EQ(now["tasks"][0]["restart"]["given_up"], true);
  EXPECT_EQ(now["connector"]["restart"]["restarts"], 3);
  EXPECT_EQ(progress("orders")["tasks"][0]["given_up"], true);
  ASSERT_TRUE(reaches("healthy", "RUNNING", "RUNNING"));
  // Repaired, it runs again at once.
  EXPECT_EQ(http("PUT", "/connectors/orders/config", R"({"connector.class":"DemoSource"})").status,
            200);
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
}

TEST_F(WorkerLife, ACrashInPutNamesTheRecords) {
  start();
  ASSERT_EQ(create("orders", {{"fake", "crash-put"}}).status, 201);
  ASSERT_TRUE(eventually([&] {
    const auto now = status("orders");
    return !now["tasks"].empty() &&
           now["tasks"][0].value("trace", "").find("in put() of orders-3, offsets 10 to 19") !=
               std::string::npos;
  }));
}

TEST_F(WorkerLife, AFatalFailureIsNotTriedAgain) {
  start();
  ASSERT_EQ(create("orders", {{"fake", "fail-later"}}).status, 201);
  ASSERT_TRUE(reaches("orders", "RUNNING", "FAILED"));
  const auto task = status("orders")["tasks"][0];
  EXPECT_EQ(task["trace"], "record 7 is bad");
  EXPECT_EQ(task["restart"]["given_up"], true);
  EXPECT_EQ(task["restart"]["restarts"], 0);
}

TEST_F(WorkerLife, AKilledRunnerComesBack) {
  start();
  ASSERT_EQ(create("orders").status, 201);
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
  // Its only child is the runner, once descriptions and validation are over.
  ASSERT_TRUE(eventually([&] { return runners() == 1; }));
  ASSERT_EQ(::kill(std::stoi(children_), SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return progress("orders")["restarts"] == 1; }));
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
  EXPECT_EQ(progress("orders")["tasks"][0]["restarts"], 1);
}

TEST_F(WorkerLife, ProgressShowsCountersAndTheEnd) {
  start();
  ASSERT_EQ(create("orders", {{"fake", "caught-up"}}).status, 201);
  ASSERT_TRUE(eventually([&] {
    const auto now = progress("orders");
    return !now["tasks"].empty() && now["tasks"][0]["finished"] == true;
  }));
  const auto task = progress("orders")["tasks"][0];
  EXPECT_EQ(task["caught_up"], true);
  EXPECT_EQ(task["metrics"]["records"], 10);
  EXPECT_EQ(progress("orders")["type"], "source");
}

TEST_F(WorkerLife, BrokenPluginsAreNamedAndOthersWork) {
  write("plugins/abi.so", "refuse wrong ABI 9");
  write("plugins/boom.so", "crash");
  start();
  const auto answer = create("x", {{"connector.class", "Missing"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("abi.so was refused: wrong ABI 9"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("boom.so was refused: penstock-runner (pid "), std::string::npos)
      << answer.body;
  EXPECT_EQ(create("orders").status, 201);
}

TEST_F(WorkerLife, ACrashInValidateIsTheAnswer) {
  start();
  const auto answer = create("orders", {{"fake", "crash-validate"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("killed by signal 11 (segmentation fault) in validate()"),
            std::string::npos)
      << answer.body;
  EXPECT_EQ(http("GET", "/connectors").body, "[]");
}

TEST_F(WorkerLife, AHangInValidateEndsAtItsDeadlineWhileOthersAreAnswered) {
  start({"--override", "plugin.call.deadline.ms=300"});
  const auto answer = create("orders", {{"fake", "hang-validate"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("validate() did not return before its deadline"), std::string::npos)
      << answer.body;
}

TEST_F(WorkerLife, AHangShowsInTheStatusAndEndsItsRunner) {
  start({"--override", "task.call.warn.ms=50", "--override", "task.call.deadline.ms=2000"});
  ASSERT_EQ(create("orders", {{"fake", "hang-poll"}}).status, 201);
  ASSERT_TRUE(eventually([&] {
    const auto now = status("orders");
    return !now["tasks"].empty() && now["tasks"][0]["state"] == "RUNNING" &&
           now["tasks"][0].value("trace", "").starts_with("in poll() for ");
  }));
  ASSERT_TRUE(eventually([&] { return progress("orders")["restarts"] == 1; }));
}

TEST_F(WorkerLife, AStopDoesNotWaitForARequestThatWaitsForAPlugin) {
  start();
  std::thread waiting([&] {
    EXPECT_NE(create("orders", {{"fake", "hang-validate"}}).status, 201);
  });
  EXPECT_TRUE(eventually([&] { return runners() == 1; }));
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(stop().success());
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(8 * kTimeScale));
  waiting.join();
}

TEST_F(WorkerLife, ARestartOfAnInstanceThatFailedToPlanTriesAgain) {
  start();
  ASSERT_EQ(create("orders", {{"fake", "fail-plan"}}).status, 201);
  ASSERT_TRUE(eventually([&] { return status("orders")["connector"]["state"] == "FAILED"; }));
  EXPECT_EQ(status("orders")["connector"]["trace"], "no tables");
  EXPECT_EQ(http("POST", "/connectors/orders/restart").status, 204);
  ASSERT_TRUE(eventually([&] { return status("orders")["connector"]["state"] == "FAILED"; }));
  ASSERT_EQ(http("PATCH", "/connectors/orders/config", R"({"fake":null})").status, 200);
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
}

TEST_F(WorkerLife, AnotherPlanBeginsWhenAllTasksOfTheOneBeforeHaveEnded) {
  start();
  ASSERT_EQ(create("orders", {{"fake", "replan"}, {"tasks.max", "3"}}).status, 201);
  ASSERT_TRUE(eventually([&] {
    const auto now = http("GET", "/connectors/orders/tasks").json();
    return now.size() == 3 && now[2]["config"]["part"] == "22" &&
           status("orders")["tasks"][2]["state"] == "RUNNING";
  })) << status("orders");
  const auto seen = status("orders");
  for (const auto& task : seen["tasks"]) EXPECT_EQ(task["state"], "RUNNING") << task;
  EXPECT_TRUE(stop().success());
  const auto text = log();
  for (const char* part : {"0", "1", "2", "10", "11", "20", "21", "22"})
    EXPECT_NE(text.find(std::string("part ") + part + " started"), std::string::npos) << part;
  EXPECT_EQ(text.find("a task of another plan runs"), std::string::npos) << text;
  EXPECT_EQ(text.find("runs already"), std::string::npos) << text;
}

TEST_F(WorkerLife, SettingsOfTheAdminClientReachTheTask) {
  start({"--override", "admin.socket.timeout.ms=7000", "--override", "admin.retries=2"});
  const auto made =
      create("orders", {{"fake", "say-admin"}, {"admin.override.socket.timeout.ms", "8000"}});
  ASSERT_EQ(made.status, 201) << made.body;
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
  EXPECT_TRUE(stop().success());
  const auto text = log();
  EXPECT_NE(text.find("admin.override.retries=2"), std::string::npos) << text;
  EXPECT_NE(text.find("admin.override.socket.timeout.ms=8000"), std::string::npos) << text;
}

TEST_F(WorkerLife, TasksMaxMayComeFromAProvider) {
  write("sizes.properties", "tasks=3\n");
  start({"--override", "config.providers=file"});
  ASSERT_EQ(
      create("orders", {{"tasks.max", "${file:" + folder_ + "/sizes.properties:tasks}"}}).status,
      201);
  EXPECT_TRUE(
      eventually([&] { return http("GET", "/connectors/orders/tasks").json().size() == 3; }));
}

TEST_F(WorkerLife, AGarbledChannelHurtsOnlyItsConnector) {
  start();
  ASSERT_EQ(create("orders", {{"fake", "garbage"}}).status, 201);
  ASSERT_TRUE(eventually([&] { return progress("orders")["restarts"].get<int>() >= 1; }));
  EXPECT_EQ(create("other").status, 201);
  ASSERT_TRUE(reaches("other", "RUNNING", "RUNNING"));
}

TEST_F(WorkerLife, SecretsComeFromProvidersAndAreNeverShown) {
  write("secrets.properties", "pw=from-a-file\n");
  start({"--override", "config.providers=file"});
  ASSERT_EQ(create("orders", {{"secret", "${file:" + folder_ + "/secrets.properties:pw}"},
                              {"fake", "fail-start"}})
                .status,
            201);
  ASSERT_TRUE(reaches("orders", "RUNNING", "FAILED"));
  EXPECT_EQ(status("orders")["tasks"][0]["trace"], "cannot open: password=[hidden]");
  EXPECT_EQ(http("GET", "/connectors/orders/config").json()["secret"],
            "${file:" + folder_ + "/secrets.properties:pw}");
}

}  // namespace
}  // namespace penstock::connect
