#include "connectors/sqlite/sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "connectors/sqlite/connection.h"
#include "penstock/testing/contract.h"
#include "tests/unit/connectors/sink_rows.h"
#include "tests/unit/connectors/sqlite_sink_fixture.h"

namespace penstock::sqlite {
namespace {

using namespace penstock::testing;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(SqliteSink, ResumesBehindWhatIsStoredAndDropsReplays) {
  add_value(sink(), "t", {int64("id", 1)});
  add_value(sink(), "t", {int64("id", 2)});
  sink().put();
  sink().flush();
  SinkHarness second(kSink, settings_);
  second.start();
  second.open("t");
  EXPECT_EQ(second.sought("t"), 2);
  add_value(second, "t", {int64("id", 3)}).offset = 1;
  second.put();
  EXPECT_THAT(rows("SELECT id FROM t"), ElementsAre("1", "2"));
}

TEST_F(SqliteSink, ResumesBehindRecordsThatWentToTheDeadLetterQueue) {
  add_value(sink(), "t", {int64("id", 1)});
  sink().put();
  sink().pass("t", 0, 3);
  sink().flush();
  SinkHarness second(kSink, settings_);
  second.start();
  second.open("t");
  EXPECT_EQ(second.sought("t"), 3);
}

TEST_F(SqliteSink, ATopicThatWasMadeAgainIsReadFromItsStart) {
  upsert();
  const auto opened = [&](const char* id) {
    Options options;
    options.topic_ids["t"] = id;
    auto out = std::make_unique<SinkHarness>(kSink, settings_, options);
    out->start();
    out->open("t");
    return out;
  };
  auto first = opened("A");
  add_pair(*first, "t", {int64("id", 1)}, {text("name", "old")});
  first->put();
  first->close();
  EXPECT_EQ(opened("A")->sought("t"), 1);
  EXPECT_EQ(opened("")->sought("t"), 1);  // a cluster that does not say
  auto second = opened("B");
  EXPECT_EQ(second->sought("t"), TopicPartition::kBeginning);
  EXPECT_THAT(second->log().back().text,
              HasSubstr("the topic was deleted and made again (its id was A and is B)"));
  add_pair(*second, "t", {int64("id", 1)}, {text("name", "new")});
  second->put();
  second->close();
  EXPECT_THAT(rows("SELECT id, name FROM t"), ElementsAre("1|new"));
  EXPECT_THAT(rows("SELECT next_offset, topic_id FROM __penstock_offsets"), ElementsAre("1|B"));
}

TEST_F(SqliteSink, InsertModeStopsAtATopicThatWasMadeAgain) {
  Options options;
  options.topic_ids["t"] = "A";
  SinkHarness first(kSink, settings_, options);
  first.start();
  first.open("t");
  add_value(first, "t", {int64("id", 1)});
  first.put();
  first.close();
  options.topic_ids["t"] = "B";
  SinkHarness second(kSink, settings_, options);
  second.start();
  EXPECT_THAT(error_of<std::runtime_error>([&] { second.open("t"); }),
              HasSubstr("DELETE FROM __penstock_offsets WHERE topic = 't'"));
  EXPECT_THAT(rows("SELECT next_offset, topic_id FROM __penstock_offsets"), ElementsAre("1|A"));
}

TEST_F(SqliteSink, AnOffsetsTableWithoutTopicIdsGetsThem) {
  sql("CREATE TABLE __penstock_offsets (connector TEXT NOT NULL, cluster TEXT NOT NULL, topic TEXT "
      "NOT NULL, \"partition\" INTEGER NOT NULL, next_offset BIGINT NOT NULL, epoch BIGINT NOT "
      "NULL, PRIMARY KEY (connector, cluster, topic, \"partition\"));"
      "INSERT INTO __penstock_offsets VALUES ('test', 'test-cluster', 't', 0, 7, 1)");
  Options options;
  options.topic_ids["t"] = "A";
  SinkHarness first(kSink, settings_, options);
  first.start();
  first.open("t");
  EXPECT_EQ(first.sought("t"), 7);
  EXPECT_THAT(rows("SELECT next_offset, topic_id FROM __penstock_offsets"), ElementsAre("7|A"));
}

TEST_F(SqliteSink, ATaskThatWasReplacedStoresNothing) {
  sink();
  SinkHarness second(kSink, settings_);
  second.start();
  second.open("t");
  add_value(sink(), "t", {int64("id", 1)});
  EXPECT_THAT(error_of<std::runtime_error>([&] { sink().put(); }),
              HasSubstr("was taken over by another task of connector test"));
  add_value(second, "t", {int64("id", 2)});
  second.put();
  EXPECT_THAT(rows("SELECT id FROM t"), ElementsAre("2"));
}

TEST_F(SqliteSink, OffsetsOfAnotherClusterDoNotCount) {
  upsert();
  for (const int id : {1, 2}) add_pair(sink(), "t", {int64("id", id)}, {int64("v", 1)});
  sink().put();
  sink().flush();
  SinkHarness other(kSink, settings_, {.cluster_id = "other"});
  other.start();
  other.open("t");
  EXPECT_EQ(other.sought("t"), -1);
  add_pair(other, "t", {int64("id", 3)}, {int64("v", 2)});
  other.put();
  other.flush();
  EXPECT_THAT(rows("SELECT id FROM t ORDER BY id"), ElementsAre("1", "2", "3"));
  for (const auto& [cluster, next] : {std::pair("test-cluster", 2), std::pair("other", 1)}) {
    SinkHarness again(kSink, settings_, {.cluster_id = cluster});
    again.start();
    again.open("t");
    EXPECT_EQ(again.sought("t"), next);
  }
}

TEST_F(SqliteSink, AnOffsetsTableOfAnotherShapeIsRefusedWithTheRemedy) {
  sql("CREATE TABLE __penstock_offsets (connector TEXT, topic TEXT, \"partition\" INTEGER, "
      "next_offset BIGINT, epoch BIGINT)");
  EXPECT_THAT(error_of<std::runtime_error>([&] { sink(); }),
              AllOf(HasSubstr("it lacks: cluster"), HasSubstr("drop it")));
}

}  // namespace
}  // namespace penstock::sqlite
