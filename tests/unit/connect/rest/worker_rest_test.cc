// The REST API as Connect's clients see it.
#include <tuple>
#include <utility>

#include "worker_harness.h"

namespace penstock::connect {
namespace {

using Json = nlohmann::json;

class WorkerRest : public WorkerTest {
 protected:
  WorkerRest() {
    install_plugin();
    start();
  }
};

TEST_F(WorkerRest, RootAndHealthAnswer) {
  EXPECT_EQ(http("GET", "/").json().count("version"), 1U);
  EXPECT_EQ(http("GET", "/health").json()["status"], "healthy");
}

TEST_F(WorkerRest, CreateAnswers201WithLocationAndInfo) {
  const auto made = create("orders", {{"tasks.max", "2"}});
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.location, "/connectors/orders");
  EXPECT_EQ(made.json()["name"], "orders");
  EXPECT_EQ(made.json()["config"]["name"], "orders");
  EXPECT_EQ(made.json()["type"], "source");
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
  EXPECT_EQ(http("GET", "/connectors/orders").json()["tasks"].dump(),
            R"([{"connector":"orders","task":0},{"connector":"orders","task":1}])");
  const auto tasks = http("GET", "/connectors/orders/tasks").json();
  EXPECT_EQ(tasks[1]["id"], (Json{{"connector", "orders"}, {"task", 1}}));
  EXPECT_EQ(tasks[1]["config"]["part"], "1");
  const auto task = http("GET", "/connectors/orders/tasks/1/status").json();
  EXPECT_EQ(task["state"], "RUNNING");
  EXPECT_EQ(task["version"], "1.2.3");
  EXPECT_EQ(task["worker_id"], "127.0.0.1:" + std::to_string(port_));
}

TEST_F(WorkerRest, AConnectorThatExistsIsAConflict) {
  ASSERT_EQ(create("orders").status, 201);
  const auto again = create("orders");
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(again.body, R"({"error_code":409,"message":"Connector orders already exists"})");
}

TEST_F(WorkerRest, InvalidConfigurationsListEveryProblem) {
  const auto answer = create("orders", {{"batch", "1000"}, {"bacth", "1"}, {"tasks.max", "x"}});
  EXPECT_EQ(answer.status, 400);
  const std::string text = answer.json()["message"];
  EXPECT_TRUE(text.starts_with(
      "Connector configuration is invalid and contains the following 3 error(s):\n"))
      << text;
  EXPECT_NE(text.find("bacth"), std::string::npos);
  EXPECT_NE(text.find("batch"), std::string::npos);
  EXPECT_TRUE(
      text.ends_with("You can also find the above list of errors at the endpoint "
                     "`/connector-plugins/{connectorType}/config/validate`"));
}

TEST_F(WorkerRest, BodiesThatAreWrongGetConnectsErrorBody) {
  const auto expect = [&](const HttpAnswer& answer, int status, const std::string& part) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.json()["error_code"], status);
    EXPECT_NE(answer.json()["message"].get<std::string>().find(part), std::string::npos)
        << answer.body;
  };
  expect(http("POST", "/connectors", "{bad"), 400, "Malformed JSON");
  expect(http("POST", "/connectors", "[]"), 400, "must be a JSON object");
  expect(http("POST", "/connectors", "{}", "text/plain"), 415, "Unsupported Media Type");
  expect(http("POST", "/connectors", R"({"name":"a","config":{},"x":1})"), 400,
         "Unrecognized field \"x\"");
  expect(http("POST", "/connectors", R"({"name":"a","config":{}})"), 400,
         "contains no connector type");
  expect(http("POST", "/connectors", R"({"name":"a","config":{"connector.class":"No"}})"), 400,
         "Failed to find any class that implements Connector and which name matches No, available "
         "connectors are: DemoSource, DemoSink");
  expect(http("PUT", "/connectors/a/config", R"({"name":"b"})"), 400,
         "Connector name configuration (b) doesn't match connector name in the URL (a)");
  expect(http("DELETE", "/connectors"), 405, "HTTP 405 Method Not Allowed");
  expect(http("GET", "/nowhere"), 404, "HTTP 404 Not Found");
  expect(http("GET", "/connectors/none"), 404, "Connector none not found");
  expect(http("GET", "/connectors/none/status"), 404, "No status found for connector none");
  expect(http("GET", "/connectors/none/tasks/0/status"), 404, "No status found for task none-0");
  expect(http("POST", "/connectors/none/tasks/0/restart"), 404, "Unknown task: none-0");
  expect(http("PUT", "/connectors/none/pause"), 404, "Unknown connector none");
  expect(http("DELETE", "/connectors/none"), 404, "Connector none not found");
}

TEST_F(WorkerRest, PutCreatesWith201AndChangesWith200) {
  const std::string config = R"({"connector.class":"io.example.DemoSourceConnector","batch":5})";
  EXPECT_EQ(http("PUT", "/connectors/orders/config", config).status, 201);
  const auto again = http("PUT", "/connectors/orders/config",
                          R"({"connector.class":"DemoSource","tasks.max":"3"})");
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_TRUE(
      eventually([&] { return http("GET", "/connectors/orders/tasks").json().size() == 3; }));
  EXPECT_FALSE(http("GET", "/connectors/orders/config").json().contains("batch"));
}

TEST_F(WorkerRest, PatchChangesAndRemovesKeys) {
  ASSERT_EQ(create("orders", {{"batch", "5"}, {"fake", "caught-up"}}).status, 201);
  const auto patched =
      http("PATCH", "/connectors/orders/config", R"({"batch":null,"tasks.max":"2"})");
  EXPECT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(http("GET", "/connectors/orders/config").json(),
            (Json{{"connector.class", "DemoSource"},
                  {"fake", "caught-up"},
                  {"name", "orders"},
                  {"tasks.max", "2"}}));
  EXPECT_EQ(http("PATCH", "/connectors/none/config", "{}").status, 404);
}

TEST_F(WorkerRest, PasswordsAreHiddenAndSurviveBeingWrittenBack) {
  ASSERT_EQ(create("orders", {{"secret", "hunter22"}, {"fake", "fail-start"}}).status, 201);
  auto config = http("GET", "/connectors/orders/config").json();
  EXPECT_EQ(config["secret"], "[hidden]");
  ASSERT_TRUE(reaches("orders", "RUNNING", "FAILED"));
  EXPECT_EQ(status("orders")["tasks"][0]["trace"], "cannot open: password=[hidden]");
  config["batch"] = "7";
  EXPECT_EQ(http("PUT", "/connectors/orders/config", config.dump()).status, 200);
  ASSERT_TRUE(reaches("orders", "RUNNING", "FAILED"));
  EXPECT_EQ(status("orders")["tasks"][0]["trace"], "cannot open: password=[hidden]");
}

TEST_F(WorkerRest, ListExpandsInfoAndStatus) {
  ASSERT_EQ(create("b").status, 201);
  ASSERT_EQ(create("a").status, 201);
  EXPECT_EQ(http("GET", "/connectors").body, R"(["a","b"])");
  const auto all = http("GET", "/connectors?expand=info&expand=status&expand=other").json();
  EXPECT_EQ(all["a"]["info"]["config"]["name"], "a");
  EXPECT_EQ(all["b"]["status"]["name"], "b");
  EXPECT_FALSE(http("GET", "/connectors?expand=info").json()["a"].contains("status"));
}

TEST_F(WorkerRest, PauseResumeAndStop) {
  ASSERT_EQ(create("orders").status, 201);
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
  EXPECT_EQ(http("PUT", "/connectors/orders/pause").status, 202);
  ASSERT_TRUE(reaches("orders", "PAUSED", "PAUSED"));
  EXPECT_EQ(http("PUT", "/connectors/orders/resume").status, 202);
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
  EXPECT_EQ(http("PUT", "/connectors/orders/stop").status, 204);
  EXPECT_TRUE(eventually([&] {
    return status("orders")["connector"]["state"] == "STOPPED" && status("orders")["tasks"].empty();
  }));
  EXPECT_EQ(http("PUT", "/connectors/orders/resume").status, 202);
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
}

TEST_F(WorkerRest, InitialStatesAreTaken) {
  EXPECT_EQ(create("p", {}, "paused").status, 201);
  EXPECT_EQ(create("s", {}, "STOPPED").status, 201);
  ASSERT_TRUE(reaches("p", "PAUSED", "PAUSED"));
  EXPECT_EQ(status("s")["connector"]["state"], "STOPPED");
  EXPECT_EQ(create("x", {}, "HALF").status, 400);
}

TEST_F(WorkerRest, RestartAnswersAsItsFlagsSay) {
  ASSERT_EQ(create("orders").status, 201);
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
  EXPECT_EQ(http("POST", "/connectors/orders/restart").status, 204);
  const auto all = http("POST", "/connectors/orders/restart?includeTasks=true");
  EXPECT_EQ(all.status, 202);
  EXPECT_EQ(all.json()["connector"]["state"], "RESTARTING");
  EXPECT_EQ(all.json()["tasks"][0]["state"], "RESTARTING");
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
  EXPECT_EQ(http("POST", "/connectors/orders/tasks/0/restart").status, 204);
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
}

TEST_F(WorkerRest, DeleteMakesItUnknown) {
  ASSERT_EQ(create("orders").status, 201);
  EXPECT_EQ(http("DELETE", "/connectors/orders").status, 204);
  EXPECT_EQ(http("GET", "/connectors/orders/status").status, 404);
  EXPECT_EQ(http("GET", "/connectors").body, "[]");
  EXPECT_EQ(create("orders").status, 201);
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
}

TEST_F(WorkerRest, PluginsAreListedSinksFirst) {
  EXPECT_EQ(
      http("GET", "/connector-plugins").body,
      R"([{"class":"DemoSink","type":"sink","version":"1.2.3"},{"class":"DemoSource","type":"source","version":"1.2.3"}])");
  const auto keys = http("GET", "/connector-plugins/DemoSource/config").json();
  bool found = false;
  for (const auto& key : keys) {
    if (key["name"] != "batch") continue;
    found = true;
    EXPECT_EQ(key["type"], "INT");
    EXPECT_EQ(key["default_value"], "10");
    EXPECT_EQ(key["required"], false);
  }
  EXPECT_TRUE(found);
  EXPECT_EQ(http("GET", "/connector-plugins/None/config").body,
            R"({"error_code":404,"message":"Unknown plugin None."})");
}

TEST_F(WorkerRest, ValidateShowsValuesAndErrorsWith200) {
  const auto answer = http(
      "PUT", "/connector-plugins/DemoSource/config/validate",
      R"({"connector.class":"DemoSource","name":"x","batch":"0","fake":"problem","secret":"pw"})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body.find("\"pw\""), std::string::npos);
  EXPECT_EQ(answer.json()["error_count"], 1);
  const auto asked = http("PUT", "/connector-plugins/DemoSource/config/validate",
                          R"({"connector.class":"DemoSource","name":"x","fake":"problem"})")
                         .json();
  EXPECT_EQ(asked["error_count"], 1);
  for (const auto& one : asked["configs"]) {
    if (one["value"]["name"] == "fake") {
      EXPECT_EQ(one["value"]["errors"], Json::array({"fake must not be 'problem'"}));
    }
  }
  EXPECT_EQ(http("PUT", "/connector-plugins/Demo/config/validate", "{}").status, 400);
  EXPECT_EQ(http("PUT", "/connector-plugins/DemoSink/config/validate",
                 R"({"connector.class":"DemoSource"})")
                .json()["message"],
            "Included connector type DemoSource does not match request type DemoSink");
}

TEST_F(WorkerRest, SinksNeedTopicsAndMayNotReadTheirDeadLetters) {
  const auto none = create("s", {{"connector.class", "DemoSink"}, {"url", "x"}});
  EXPECT_EQ(none.status, 400);
  EXPECT_NE(none.body.find("Must configure one of topics or topics.regex"), std::string::npos);
  const auto loop = create("s", {{"connector.class", "DemoSink"},
                                 {"url", "x"},
                                 {"topics", "a, b"},
                                 {"errors.deadletterqueue.topic.name", "b"}});
  EXPECT_NE(loop.body.find("may not be among the topics that are read"), std::string::npos)
      << loop.body;
  EXPECT_EQ(create("s", {{"connector.class", "DemoSink"}, {"url", "x"}, {"topics", "a"}}).status,
            201);
}

TEST_F(WorkerRest, TransformsAreSaidToBeUnsupported) {
  const auto answer =
      create("s", {{"transforms", "route"}, {"transforms.route.type", "RegexRouter"}});
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("runs no transforms or predicates yet"), std::string::npos)
      << answer.body;
}

TEST_F(WorkerRest, ARequestWithoutALengthHasNoBodyAndIsAnsweredAtOnce) {
  ASSERT_EQ(create("orders").status, 201);
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
  const std::tuple<const char*, const char*, const char*> requests[] = {
      {"PUT", "/connectors/orders/pause", "202"},
      {"PUT", "/connectors/orders/resume", "202"},
      {"POST", "/connectors/orders/restart", "204"},
      {"POST", "/connectors/orders/tasks/0/restart", "204"},
      {"PUT", "/connectors/orders/stop", "204"},
      {"PUT", "/connectors/none/stop", "404"},
      {"POST", "/connectors", "415"},
      {"DELETE", "/connectors/orders", "204"}};
  for (const auto& [method, path, status] : requests) {
    const auto answer =
        raw(std::string(method) + " " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n", 3'000);
    EXPECT_TRUE(answer.starts_with(std::string("HTTP/1.1 ") + status))
        << method << " " << path << ": " << answer;
  }
}

TEST_F(WorkerRest, WhatIsNotSupportedIsNamed) {
  ASSERT_EQ(create("orders").status, 201);
  EXPECT_EQ(http("GET", "/connectors/orders/topics").body,
            R"({"error_code":403,"message":"Topic tracking is disabled."})");
  EXPECT_EQ(http("PUT", "/connectors/orders/topics/reset").status, 403);
}

TEST_F(WorkerRest, OffsetsOfAStoppedSourceAreAlteredAndReset) {
  ASSERT_EQ(create("orders").status, 201);
  ASSERT_TRUE(reaches("orders", "RUNNING", "RUNNING"));
  const std::string path = "/connectors/orders/offsets";
  const std::string body =
      R"({"offsets":[{"partition":{"protocol":"1","table":"x"},"offset":{"incrementing":5}},)"
      R"({"partition":{"table":"y"},"offset":{"incrementing":1}}]})";
  const auto running = http("PATCH", path, body);
  EXPECT_EQ(running.status, 400);
  EXPECT_NE(running.body.find("Connectors must be in the STOPPED state before their offsets can be "
                              "modified."),
            std::string::npos)
      << running.body;
  EXPECT_EQ(http("DELETE", path).status, 400);
  EXPECT_EQ(http("PATCH", "/connectors/none/offsets", body).status, 404);
  ASSERT_EQ(http("PUT", "/connectors/orders/stop").status, 204);
  ASSERT_TRUE(eventually([&] { return status("orders")["connector"]["state"] == "STOPPED"; }));
  const auto altered = http("PATCH", path, body);
  EXPECT_EQ(altered.status, 200) << altered.body;
  EXPECT_EQ(altered.body,
            R"({"message":"The offsets for this connector have been altered successfully"})");
  // Another order of fields names the same partition.
  EXPECT_EQ(
      http("PATCH", path,
           R"({"offsets":[{"partition":{"table":"x","protocol":"1"},"offset":{"incrementing":7}},)"
           R"({"partition":{"table":"y"},"offset":null}]})")
          .status,
      200);
  const auto stored = http("GET", path).json()["offsets"];
  bool seen = false;
  for (const auto& one : stored) {
    EXPECT_NE(one["partition"], (Json{{"table", "y"}}));
    if (one["partition"] != Json{{"protocol", "1"}, {"table", "x"}}) continue;
    EXPECT_FALSE(seen);
    seen = true;
    EXPECT_EQ(one["offset"], (Json{{"incrementing", 7}}));
  }
  EXPECT_TRUE(seen) << stored;
  EXPECT_EQ(http("DELETE", path).body,
            R"({"message":"The offsets for this connector have been reset successfully"})");
  EXPECT_EQ(http("GET", path).body, R"({"offsets":[]})");
}

TEST_F(WorkerRest, OffsetsThatAreNoneAreRefused) {
  ASSERT_EQ(create("orders", {}, "STOPPED").status, 201);
  const auto text = [&](const std::string& body) {
    const auto answer = http("PATCH", "/connectors/orders/offsets", body);
    EXPECT_EQ(answer.status, 400) << answer.body;
    return answer.json()["message"].get<std::string>();
  };
  EXPECT_EQ(text("{}"), "Partitions / offsets need to be provided for an alter offsets request");
  EXPECT_EQ(text(R"({"offsets":[]})"),
            "Partitions / offsets need to be provided for an alter offsets request");
  EXPECT_EQ(text(R"({"offset":[]})"), "Unrecognized field \"offset\"");
  EXPECT_NE(text(R"({"offsets":[{"partition":1,"offset":{}}]})").find("\"partition\""),
            std::string::npos);
  EXPECT_NE(text(R"({"offsets":[{"partition":{},"offset":5}]})").find("\"offset\""),
            std::string::npos);
  EXPECT_EQ(text(R"({"offsets":[{"partition":{},"offset":{"a":{}}}]})"),
            "\"a\": must be a number, a text, true, false or null");
}

TEST_F(WorkerRest, OffsetsOfASinkAreSaidToBeItsGroups) {
  ASSERT_EQ(
      create("lake", {{"connector.class", "DemoSink"}, {"topics", "t"}, {"url", "x"}}, "STOPPED")
          .status,
      201);
  const auto answer = http("DELETE", "/connectors/lake/offsets");
  EXPECT_EQ(answer.status, 501);
  EXPECT_NE(answer.body.find("consumer group \\\"connect-lake\\\""), std::string::npos)
      << answer.body;
}

TEST_F(WorkerRest, CurlWithoutABodyIsAnsweredAtOnce) {
  ASSERT_EQ(create("orders").status, 201);
  const std::pair<const char*, const char*> requests[] = {
      {"PUT", "pause"}, {"PUT", "resume"}, {"POST", "restart"}, {"PUT", "stop"}};
  for (const auto& [method, what] : requests) {
    process::SpawnOptions curl;
    curl.command = {"/usr/bin/curl",
                    "-sSf",
                    "-m",
                    "3",
                    "-X",
                    method,
                    "http://127.0.0.1:" + std::to_string(port_) + "/connectors/orders/" + what};
    auto child = process::spawn(curl).value();
    EXPECT_TRUE(child.wait(10'000).value_or(process::ExitStatus{-1, 0}).success()) << what;
  }
}

}  // namespace
}  // namespace penstock::connect
