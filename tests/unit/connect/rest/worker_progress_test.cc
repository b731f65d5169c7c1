// What a client may conclude from a connector's progress, and what makes a connector begin anew.
#include "worker_harness.h"

namespace penstock::connect {
namespace {

using Json = nlohmann::json;

class WorkerProgress : public WorkerTest {
 protected:
  WorkerProgress() { install_plugin(); }
  Json first_task(const std::string& name) {
    const auto now = progress(name);
    return now.contains("tasks") && !now["tasks"].empty() ? now["tasks"][0] : Json::object();
  }
  bool finishes(const std::string& name) {
    return eventually([&] { return first_task(name).value("finished", false); });
  }
  HttpAnswer put(const std::string& name, const Json& config) {
    return http("PUT", "/connectors/" + name + "/config", config.dump());
  }
};

TEST_F(WorkerProgress, ANewConfigurationForgetsThatTheOldOneWasFinished) {
  start();
  ASSERT_EQ(create("orders", {{"fake", "caught-up"}}).status, 201);
  ASSERT_TRUE(finishes("orders"));
  const auto before = progress("orders");
  EXPECT_TRUE(before["generation"].is_number_integer());
  EXPECT_EQ(before["tasks"][0]["generation"], before["generation"]);
  // With this one the task never says that it caught up.
  ASSERT_EQ(
      put("orders",
          {{"connector.class", "DemoSource"}, {"fake", "caught-up"}, {"errors.log.enable", "true"}})
          .status,
      200);
  const auto after = progress("orders");
  EXPECT_GT(after["generation"], before["generation"]);
  for (const auto& task : after["tasks"]) {
    EXPECT_EQ(task["finished"], false);
    EXPECT_EQ(task["caught_up"], false);
  }
  ASSERT_TRUE(eventually(
      [&] { return first_task("orders").value("generation", Json()) == after["generation"]; }));
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
  EXPECT_EQ(first_task("orders")["finished"], false);
}

TEST_F(WorkerProgress, ATaskThatIsStoppedOrStartedAgainIsNotFinished) {
  start();
  ASSERT_EQ(create("orders", {{"fake", "caught-up"}}).status, 201);
  ASSERT_TRUE(finishes("orders"));
  EXPECT_EQ(http("PUT", "/connectors/orders/stop").status, 204);
  const auto stopped = [&] { return status("orders")["connector"]["state"] == "STOPPED"; };
  ASSERT_TRUE(eventually(stopped));
  const auto seen = progress("orders");
  for (const auto& task : seen["tasks"]) EXPECT_EQ(task["finished"], false);
  EXPECT_EQ(http("PUT", "/connectors/orders/resume").status, 202);
  ASSERT_TRUE(finishes("orders"));
}

TEST_F(WorkerProgress, AnUnchangedConfigurationDoesNotEndTheTask) {
  start();
  const Json config{{"connector.class", "DemoSource"}, {"fake", "caught-up"}};
  ASSERT_EQ(put("orders", config).status, 201);
  ASSERT_TRUE(finishes("orders"));
  const auto before = progress("orders");
  EXPECT_EQ(put("orders", config).status, 200);
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
  const auto after = progress("orders");
  EXPECT_EQ(after["generation"], before["generation"]);
  EXPECT_EQ(after["tasks"][0]["finished"], true);
}

TEST_F(WorkerProgress, AnUnchangedConfigurationStartsAFailedTaskAgain) {
  start();
  const Json config{{"connector.class", "DemoSource"}, {"fake", "fail-later"}};
  ASSERT_EQ(put("orders", config).status, 201);
  ASSERT_TRUE(reaches("orders", "RUNNING", "FAILED"));
  EXPECT_EQ(put("orders", config).status, 200);
  ASSERT_TRUE(reaches("orders", "RUNNING", "FAILED"));
  EXPECT_TRUE(stop().success());
  const auto text = log();
  const auto first = text.find("record 7 is bad");
  EXPECT_NE(text.find("record 7 is bad", first + 1), std::string::npos) << text;
}

TEST_F(WorkerProgress, StoredConnectorsWaitWhenAsked) {
  start();
  for (const char* name : {"put", "restarted", "resumed", "untouched"})
    ASSERT_EQ(create(name).status, 201);
  ASSERT_EQ(create("halted", {}, "STOPPED").status, 201);
  ASSERT_TRUE(reaches("untouched", "RUNNING", "RUNNING"));
  EXPECT_TRUE(stop().success());
  start({"--override", "stored.connectors=wait"});
  for (const char* name : {"put", "restarted", "resumed", "untouched"}) {
    EXPECT_EQ(status(name)["connector"]["state"], "UNASSIGNED");
    EXPECT_TRUE(status(name)["tasks"].empty());
  }
  ASSERT_TRUE(eventually([&] { return status("halted")["connector"]["state"] == "STOPPED"; }));
  EXPECT_EQ(put("put", {{"connector.class", "DemoSource"}}).status,
            200);  // unchanged, and still what starts it
  EXPECT_EQ(http("POST", "/connectors/restarted/restart").status, 204);
  EXPECT_EQ(http("PUT", "/connectors/resumed/resume").status, 202);
  EXPECT_EQ(create("new").status, 201);
  for (const char* name : {"put", "restarted", "resumed", "new"})
    ASSERT_TRUE(reaches(name, "RUNNING", "RUNNING")) << name;
  EXPECT_EQ(status("untouched")["connector"]["state"], "UNASSIGNED");
  EXPECT_EQ(http("DELETE", "/connectors/untouched").status, 204);
  EXPECT_EQ(http("GET", "/connectors/untouched").status, 404);
  EXPECT_TRUE(stop().success());
}

}  // namespace
}  // namespace penstock::connect
