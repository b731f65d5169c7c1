#include <algorithm>
#include <chrono>

#include "tests/unit/connect/runner/harness.h"

namespace penstock::connect {
namespace {

const ConfigMap kPlain{{"value.converter", "JsonConverter"},
                       {"value.converter.schemas.enable", "false"},
                       {"key.converter", "JsonConverter"},
                       {"key.converter.schemas.enable", "false"},
                       {"offset.flush.interval.ms", "50"}};

ConfigMap with(ConfigMap more) {
  auto out = kPlain;
  for (auto& [key, value] : more) out[key] = value;
  return out;
}

class RunnerSource : public testing::Test {
 protected:
  void start(ConfigMap config) {
    cluster_.create_topic("t");
    runner_.hello("CountingSource", cluster_.source_client());
    runner_.ask_for<message::Started>(message::StartTask{0, with(std::move(config))});
  }
  bool finished() {
    return runner_.until([&] { return runner_.caught_up() || runner_.failure(); }) &&
           runner_.caught_up();
  }
  MockCluster cluster_;
  RunnerHarness runner_;
};

TEST_F(RunnerSource, EveryRecordArrivesInOrderAndItsOffsetIsStored) {
  start({{"count", "5000"}});
  ASSERT_TRUE(finished());
  EXPECT_TRUE(runner_.caught_up_->finished);
  EXPECT_EQ(runner_.offsets.at(R"({"source":"probe"})"), R"({"n":5000})");
  EXPECT_EQ(runner_.metric("records"), 5000);
  EXPECT_EQ(runner_.metric("sent.t"), 5000);
  const auto records = cluster_.consume("t");
  ASSERT_EQ(records.size(), 5000U);
  EXPECT_EQ(records[0].value, R"({"n":0,"text":"row 0","real":0.5})");
  EXPECT_EQ(records[0].key, "0");
  EXPECT_EQ(records[4999].value, R"({"n":4999,"text":"row 4999","real":0.5})");
  EXPECT_TRUE(runner_.until([&] { return runner_.metric("plugin.committed") == 5000; }))
      << runner_.metric("plugin.committed");
}

TEST_F(RunnerSource, ResumesBehindTheStoredOffset) {
  runner_.offsets[R"({"source":"probe"})"] = R"({"n":7})";
  start({{"count", "10"}});
  ASSERT_TRUE(finished());
  const auto records = cluster_.consume("t");
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].key, "7");
}

TEST_F(RunnerSource, StopDeliversWhatWasPolled) {
  start({{"count", "3000"}, {"how", "idle"}});
  ASSERT_TRUE(finished());
  EXPECT_FALSE(runner_.caught_up_->finished);
  EXPECT_TRUE(runner_.ask_for<message::Stopped>(message::StopTask{0, 5'000}).drained);
  EXPECT_EQ(cluster_.consume("t").size(), 3000U);
}

TEST_F(RunnerSource, AStopWaitsForASlowBrokerNoLongerThanItsDeadline) {
  cluster_.create_topic("t");
  cluster_.create_topic("other");
  cluster_.set_down();
  runner_.hello("CountingSource", cluster_.source_client());
  runner_.ask_for<message::Started>(message::StartTask{0, with({{"count", "10"}})});
  ASSERT_TRUE(runner_.until([&] { return runner_.metric("plugin.polls") >= 1; }));
  runner_.ask_for<message::Started>(
      message::StartTask{1, with({{"count", "20"}, {"topic", "other"}})});
  const auto before = std::chrono::steady_clock::now();
  EXPECT_FALSE(runner_.ask_for<message::Stopped>(message::StopTask{0, 500}).drained);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(4 * kTimeScale));
  // The other task goes on, and gets its records through once the broker is back.
  cluster_.set_up();
  ASSERT_TRUE(finished());
  EXPECT_EQ(cluster_.consume("other").size(), 20U);
}

TEST_F(RunnerSource, RetriableErrorPollsAgain) {
  start({{"count", "10"}, {"bad.at", "5"}, {"how", "retry"}});
  ASSERT_TRUE(finished());
  EXPECT_EQ(runner_.metric("retries"), 2);
}

TEST_F(RunnerSource, RetriesEndAfterTheTimeout) {
  start({{"count", "10"}, {"bad.at", "0"}, {"how", "retry"}, {"errors.retry.timeout", "0"}});
  ASSERT_TRUE(runner_.until([&] { return runner_.failure().has_value(); }));
  EXPECT_NE(runner_.failure()->trace.find("locked (after 1 tries)"), std::string::npos)
      << runner_.failure()->trace;
}

TEST_F(RunnerSource, AnyOtherExceptionFailsTheTask) {
  start({{"count", "10"}, {"bad.at", "5"}, {"how", "throw"}});
  ASSERT_TRUE(runner_.until([&] { return runner_.failure().has_value(); }));
  EXPECT_EQ(runner_.failure()->trace, "connector c task 0: poll(): the cable is cut");
}

TEST_F(RunnerSource, BadRecordFailsTheTaskWithItsCoordinates) {
  start({{"count", "10"}, {"bad.at", "5"}, {"how", "nan"}});
  ASSERT_TRUE(runner_.until([&] { return runner_.failure().has_value(); }));
  EXPECT_EQ(runner_.failure()->trace,
            "record for topic \"t\" from "
            "{\"partition\":{\"source\":\"probe\"},\"offset\":{\"n\":6}} (VALUE_CONVERTER): "
            "field \"real\": NaN has no form in JSON");
}

TEST_F(RunnerSource, BadRecordsGoToTheDeadLetterTopicAndTheOthersOn) {
  cluster_.create_topic("dead");
  start({{"count", "10"},
         {"bad.at", "5"},
         {"how", "nan"},
         {"errors.tolerance", "all"},
         {"errors.deadletterqueue.topic.name", "dead"},
         {"errors.deadletterqueue.context.headers.enable", "true"}});
  ASSERT_TRUE(finished());
  EXPECT_EQ(cluster_.consume("t").size(), 9U);
  const auto dead = cluster_.consume("dead");
  ASSERT_EQ(dead.size(), 1U);
  EXPECT_EQ(dead[0].value, R"({"n":5,"text":"row 5","real":"NaN"})");
  EXPECT_EQ(dead[0].headers.at("__connect.errors.stage"), "VALUE_CONVERTER");
  EXPECT_EQ(dead[0].headers.at("__connect.errors.topic"), "t");
  EXPECT_EQ(runner_.metric("dead_letters"), 1);
}

TEST_F(RunnerSource, RecordsThatTheBrokerRefusedWereNotSent) {
  cluster_.refuse_produce();
  start({{"count", "10"}, {"errors.tolerance", "all"}});
  ASSERT_TRUE(finished());
  EXPECT_EQ(runner_.metric("records"), 10);
  ASSERT_GT(runner_.metric("skipped"), 0);
  const auto there = cluster_.consume("t").size();
  EXPECT_EQ(std::max(runner_.metric("sent.t"), 0.0), static_cast<double>(there));
}

TEST_F(RunnerSource, RecordErrorOfPollSkipsOnlyThatRecord) {
  start({{"count", "10"}, {"bad.at", "5"}, {"how", "record"}, {"errors.tolerance", "all"}});
  ASSERT_TRUE(finished());
  EXPECT_EQ(cluster_.consume("t").size(), 9U);
  EXPECT_EQ(runner_.metric("skipped"), 1);
}

TEST_F(RunnerSource, OffsetsThatCannotBeStoredFailTheTask) {
  runner_.store_fails = true;
  start({{"count", "10"}});
  ASSERT_TRUE(runner_.until([&] { return runner_.failure().has_value(); }));
  EXPECT_EQ(runner_.failure()->trace, "storing offsets: the disk is full");
}

TEST_F(RunnerSource, PausedSourceDoesNotPoll) {
  cluster_.create_topic("t");
  runner_.hello("CountingSource", cluster_.source_client());
  message::StartTask start{0, with({{"count", "10"}})};
  start.paused = true;
  runner_.ask_for<message::Started>(start);
  ASSERT_TRUE(runner_.until([&] { return runner_.metric("records") == 0; }));
  EXPECT_EQ(runner_.metric("plugin.polls"), -1);
  runner_.ask_for<message::Done>(message::ResumeTask{0});
  EXPECT_TRUE(finished());
}

}  // namespace
}  // namespace penstock::connect
