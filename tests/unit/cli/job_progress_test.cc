#include "framework/cli/job_progress.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace penstock::cli {
namespace {

using nlohmann::json;

const json kTask{{"id", 0}, {"state", "RUNNING"}, {"caught_up", true}};

TEST(ConnectorProgress, ASourceIsSettledWhenAllItsTasksCaughtUp) {
  json behind = kTask;
  behind["caught_up"] = false;
  EXPECT_TRUE(connector_progress("a", {{"type", "source"}, {"tasks", {kTask}}}).settled());
  EXPECT_FALSE(connector_progress("a", {{"type", "source"}, {"tasks", {kTask, behind}}}).settled());
  EXPECT_FALSE(connector_progress("a", {{"type", "source"}, {"tasks", json::array()}}).settled());
}

TEST(ConnectorProgress, ASinkIsSettledOnceItHasTasks) {
  EXPECT_TRUE(connector_progress("a", {{"type", "sink"}, {"tasks", {kTask}}}).settled());
  EXPECT_FALSE(connector_progress("a", {{"type", "sink"}, {"tasks", json::array()}}).settled());
  EXPECT_FALSE(connector_progress("a", {{"type", "sink"}}).settled());
}

TEST(ConnectorProgress, AConnectorOfUnknownTypeIsNeverSettled) {
  EXPECT_FALSE(connector_progress("a", {{"type", "unknown"}, {"tasks", json::array()}}).settled());
  EXPECT_FALSE(connector_progress("a", {{"type", "unknown"}, {"tasks", {kTask}}}).settled());
}

TEST(ConnectorProgress, OnlyWhatIsGivenUpIsAFailure) {
  json failed{{"id", 1}, {"state", "FAILED"}, {"trace", "no disk"}, {"given_up", false}};
  EXPECT_EQ(connector_progress("a", {{"type", "sink"}, {"tasks", {failed}}}).failure, "");
  failed["given_up"] = true;
  EXPECT_EQ(connector_progress("a", {{"type", "sink"}, {"tasks", {failed}}}).failure,
            "connector a, task 1 failed: no disk");
}

}  // namespace
}  // namespace penstock::cli
