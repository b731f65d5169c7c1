#include "framework/cli/job_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::cli {
namespace {

using testing::HasSubstr;

TEST(JobFile, ReadsConnectorsAndTopics) {
  const auto job = parse_job(
      R"({"connectors":[{"name":"a","config":{"connector.class":"SqliteSource","tasks.max":2,"flag":true}}],
                                 "topics":[{"name":"t","partitions":3,"config":{"retention.ms":"1"}}]})",
      "job.json");
  ASSERT_TRUE(job) << job.error().text;
  ASSERT_EQ(job->connectors.size(), 1U);
  EXPECT_EQ(job->connectors[0].config.at("tasks.max"), "2");
  EXPECT_EQ(job->connectors[0].config.at("flag"), "true");
  EXPECT_EQ(job->connectors[0].config.at("name"), "a");
  ASSERT_EQ(job->topics.size(), 1U);
  EXPECT_EQ(job->topics[0].partitions, 3);
}

TEST(JobFile, TakesAPlainConnectBody) {
  const auto job = parse_job(R"({"name":"a","config":{"connector.class":"X"}})", "job.json");
  ASSERT_TRUE(job) << job.error().text;
  EXPECT_EQ(job->connectors[0].name, "a");
}

TEST(JobFile, TakesWhatAWorkerTakesAndShows) {
  const auto job = parse_job(
      R"({"name":"a","config":{"connector.class":"X"},"initial_state":"STOPPED","tasks":[],"type":"sink"})",
      "job.json");
  ASSERT_TRUE(job) << job.error().text;
  EXPECT_EQ(job->connectors[0].initial_state, "STOPPED");
  const auto wrong = parse_job(
      R"({"name":"a","config":{"connector.class":"X"},"initial_state":"ASLEEP"})", "job.json");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().text,
              HasSubstr("initial_state must be one of RUNNING, PAUSED, STOPPED"));
}

TEST(JobFile, BrokenJsonNamesFileLineAndColumn) {
  const auto job = parse_job("{\n  \"connectors\": [,]\n}", "job.json");
  ASSERT_FALSE(job);
  EXPECT_THAT(job.error().text, HasSubstr("job.json: not JSON at line 2, column 18"));
}

TEST(JobFile, ListsAllProblemsAtOnce) {
  const auto job = parse_job(
      R"({"connectors":[{"name":"a","config":{}},{"config":{"connector.class":"X","list":[1]}}],"topic":[]})",
      "job.json");
  ASSERT_FALSE(job);
  EXPECT_THAT(job.error().text, HasSubstr("unknown setting \"topic\" in the job"));
  EXPECT_THAT(job.error().text, HasSubstr("connectors[0].config has no \"connector.class\""));
  EXPECT_THAT(job.error().text, HasSubstr("connectors[1] has no \"name\""));
  EXPECT_THAT(job.error().text, HasSubstr("connectors[1].config.list must be a string"));
}

TEST(JobFile, RefusesTwoConnectorsOfOneName) {
  const auto job = parse_job(
      R"({"connectors":[{"name":"a","config":{"connector.class":"X"}},{"name":"a","config":{"connector.class":"X"}}]})",
      "j");
  ASSERT_FALSE(job);
  EXPECT_THAT(job.error().text, HasSubstr("two connectors are named \"a\""));
}

}  // namespace
}  // namespace penstock::cli
