#include "tests/unit/connect/runner/harness.h"

namespace penstock::connect {
namespace {

class RunnerSink : public testing::Test {
 protected:
  RunnerSink() {
    cluster_.create_topic("t");
    file_ = dir_.file("lines");
  }
  void start(ConfigMap config) {
    runner_.hello("LineSink", cluster_.client());
    restart(std::move(config));
  }
  void restart(ConfigMap config) {
    config.emplace("topics", "t");
    config.emplace("file", file_);
    config.emplace("value.converter.schemas.enable", "false");
    config.emplace("key.converter", "StringConverter");
    runner_.ask_for<message::Started>(message::StartTask{0, std::move(config)});
  }
  bool caught_up() {
    return runner_.until([&] { return runner_.caught_up() || runner_.failure(); }) &&
           runner_.caught_up();
  }
  bool failed() {
    return runner_.until([&] { return runner_.failure().has_value(); });
  }
  static std::vector<std::string> objects(int count) {
    std::vector<std::string> out;
    for (int i = 0; i < count; ++i) out.push_back("{\"n\":" + std::to_string(i) + "}");
    return out;
  }
  MockCluster cluster_;
  TempDir dir_;
  std::string file_;
  RunnerHarness runner_;
};

TEST_F(RunnerSink, EveryRecordIsPutOnceAndStoppingStoresThePosition) {
  cluster_.produce("t", objects(3000));
  start({});
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(lines_of(file_).size(), 3000U);
  EXPECT_EQ(runner_.metric("stored.t.0"), 3000);
  EXPECT_EQ(runner_.metric("end.t.0"), 3000);
  EXPECT_TRUE(runner_.ask_for<message::Stopped>(message::StopTask{0, 5'000}).drained);
  EXPECT_EQ(lines_of(file_).back(), "closed");
  // A second life begins where the first one stored.
  cluster_.produce("t", {"{}"});
  runner_.caught_up_.reset();
  runner_.ask_for<message::Started>(message::StartTask{0,
                                                       {{"topics", "t"},
                                                        {"file", file_},
                                                        {"value.converter.schemas.enable", "false"},
                                                        {"key.converter", "StringConverter"}}});
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(lines_of(file_).back(), "t@3000 map 0");
  EXPECT_EQ(lines_of(file_).size(), 3002U);
}

TEST_F(RunnerSink, RetriableErrorPutsTheSameRecordsAgain) {
  cluster_.produce("t", objects(10));
  start({{"how", "retry"}, {"bad.at", "5"}});
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(lines_of(file_).size(), 10U);
  EXPECT_EQ(runner_.metric("retries"), 2);
}

TEST_F(RunnerSink, StopWorksWhileARetriablePutIsPending) {
  cluster_.produce("t", objects(10));
  start({{"how", "retry_for_ever"}, {"bad.at", "5"}, {"errors.retry.timeout", "-1"}});
  ASSERT_TRUE(runner_.until([&] { return runner_.metric("retries") >= 1; }));
  runner_.ask_for<message::Stopped>(message::StopTask{0, 5'000});
  EXPECT_EQ(lines_of(file_), std::vector<std::string>{"closed"});
}

TEST_F(RunnerSink, RecordErrorFailsTheTaskAfterTheRecordsBeforeIt) {
  cluster_.produce("t", objects(10));
  start({{"how", "record"}, {"bad.at", "5"}});
  ASSERT_TRUE(failed());
  EXPECT_EQ(runner_.failure()->trace,
            "record t-0@5 (TASK_PUT): connector c task 0: put(): does not fit");
  EXPECT_EQ(lines_of(file_).size(), 6U);  // and "closed"
  EXPECT_EQ(runner_.metric("stored.t.0"), 5);
}

TEST_F(RunnerSink, PoisonRecordsGoToTheDeadLetterTopicUnchanged) {
  cluster_.create_topic("dead");
  auto values = objects(10);
  values[3] = "{\"n\":";
  cluster_.produce("t", values);
  start({{"how", "reject"},
         {"bad.at", "5"},
         {"errors.tolerance", "all"},
         {"errors.deadletterqueue.topic.name", "dead"},
         {"errors.deadletterqueue.context.headers.enable", "true"}});
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(lines_of(file_).size(), 8U);
  const auto dead = cluster_.consume("dead");
  ASSERT_EQ(dead.size(), 2U);
  EXPECT_EQ(dead[0].value, "{\"n\":");
  EXPECT_EQ(dead[0].headers.at("__connect.errors.offset"), "3");
  EXPECT_EQ(dead[0].headers.at("__connect.errors.stage"), "VALUE_CONVERTER");
  EXPECT_EQ(dead[1].headers.at("__connect.errors.exception.message"), "not wanted");
}

TEST_F(RunnerSink, APatternLeavesTheBrokersOwnTopicsOut) {
  cluster_.create_topic("__consumer_offsets");
  cluster_.produce("__consumer_offsets", {"not json"});
  cluster_.produce("t", objects(3));
  runner_.hello("LineSink", cluster_.client());
  runner_.ask_for<message::Started>(message::StartTask{0,
                                                       {{"topics.regex", ".*"},
                                                        {"file", file_},
                                                        {"value.converter.schemas.enable", "false"},
                                                        {"key.converter", "StringConverter"}}});
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(runner_.metric("stored.t.0"), 3);
  EXPECT_EQ(lines_of(file_).size(), 3U);
}

TEST_F(RunnerSink, ADeadLetterIsWrittenOnceWhenTheTargetKeepsTheOffsets) {
  cluster_.create_topic("dead");
  cluster_.produce("t", {"{\"n\":0}", "{\"n\":"});
  const ConfigMap config{{"errors.tolerance", "all"},
                         {"errors.deadletterqueue.topic.name", "dead"},
                         {"position.file", dir_.file("position")}};
  start(config);
  ASSERT_TRUE(caught_up());
  EXPECT_TRUE(runner_.ask_for<message::Stopped>(message::StopTask{0, 5'000}).drained);
  EXPECT_EQ(lines_of(dir_.file("position")), std::vector<std::string>{"2"});
  runner_.caught_up_.reset();
  restart(config);
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(cluster_.consume("dead").size(), 1U);
}

TEST_F(RunnerSink, NothingBehindABadRecordIsPutBeforeItsDeadLetterIsDurable) {
  cluster_.create_topic("dead");
  auto values = objects(10);
  values[3] = "{\"n\":";
  cluster_.produce("t", values);
  cluster_.refuse_produce();
  start({{"errors.tolerance", "all"}, {"errors.deadletterqueue.topic.name", "dead"}});
  ASSERT_TRUE(failed());
  EXPECT_NE(runner_.failure()->trace.find("dead letter to \"dead\""), std::string::npos)
      << runner_.failure()->trace;
  for (const auto& line : lines_of(file_)) EXPECT_TRUE(line == "closed" || line < "t@3") << line;
}

TEST_F(RunnerSink, TheTargetSaysWhereToResume) {
  cluster_.produce("t", objects(10));
  start({{"seek.to", "8"}});
  ASSERT_TRUE(caught_up());
  EXPECT_EQ(lines_of(file_).size(), 2U);
}

TEST_F(RunnerSink, ResumingBeyondTheEndFailsTheTask) {
  cluster_.produce("t", objects(10));
  start({{"seek.to", "11"}});
  ASSERT_TRUE(failed());
  EXPECT_NE(
      runner_.failure()->trace.find("seek to offset 11 of t-0: the log holds offsets 0 to 10"),
      std::string::npos)
      << runner_.failure()->trace;
  EXPECT_EQ(lines_of(file_), std::vector<std::string>{"closed"});
}

}  // namespace
}  // namespace penstock::connect
