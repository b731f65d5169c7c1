#include <gtest/gtest.h>

#include "framework/connect/store/config_records.h"
#include "framework/connect/store/offset_records.h"
#include "framework/connect/store/status_records.h"

namespace penstock::connect {
namespace {

void replay(ConfigReplay& into, const std::vector<StateEntry>& entries) {
  for (const auto& entry : entries) {
    if (entry.value) into.apply(entry.key, *entry.value);
  }
}

TEST(ConfigRecords, AreConnectsOwn) {
  const auto entries = connector_entries("orders", {{"name", "orders"}}, TargetState::kStopped);
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].key, "target-state-orders");
  EXPECT_EQ(entries[0].value, R"({"state":"PAUSED","state.v2":"STOPPED"})");
  EXPECT_EQ(entries[1].key, "connector-orders");
  EXPECT_EQ(entries[1].value, R"({"properties":{"name":"orders"}})");
  const auto tasks = task_entries("orders", {{{"a", "1"}}}, 2);
  ASSERT_EQ(tasks.size(), 3U);
  EXPECT_EQ(tasks[0].key, "task-orders-0");
  EXPECT_EQ(tasks[1].key, "task-orders-1");
  EXPECT_EQ(tasks[1].value, std::nullopt);
  EXPECT_EQ(tasks[2].key, "commit-orders");
  EXPECT_EQ(tasks[2].value, R"({"tasks":1})");
}

TEST(ConfigRecords, ReplayGivesBackWhatWasWritten) {
  ConfigReplay into;
  replay(into, connector_entries("a-1", {{"k", "v"}}, TargetState::kPaused));
  replay(into, task_entries("a-1", {{{"x", "0"}}, {{"x", "1"}}}, 0));
  const auto all = into.finish();
  ASSERT_EQ(all.size(), 1U);
  const auto& one = all.at("a-1");
  EXPECT_EQ(one.config, (StringMap{{"k", "v"}}));
  EXPECT_EQ(one.target, TargetState::kPaused);
  ASSERT_TRUE(one.tasks);
  EXPECT_EQ((*one.tasks)[1], (StringMap{{"x", "1"}}));
}

TEST(ConfigRecords, AnIncompleteTaskSetIsPlannedAnew) {
  ConfigReplay into;
  replay(into, connector_entries("a", {}, TargetState::kStarted));
  auto tasks = task_entries("a", {{}, {}}, 0);
  tasks.erase(tasks.begin());
  replay(into, tasks);
  EXPECT_FALSE(into.finish().at("a").tasks);
}

TEST(ConfigRecords, MalformedEntriesAreNotedAndOthersKept) {
  ConfigReplay into;
  into.apply("connector-a", "{");
  into.apply("connector-b", R"({"properties":{"k":{}}})");
  into.apply("task-", "{}");
  into.apply("commit-a", R"({"tasks":-1})");
  into.apply("session-key", R"({"key":"x"})");
  into.apply("connector-c", R"({"properties":{}})");
  EXPECT_EQ(into.notes.size(), 4U);
  EXPECT_EQ(into.finish().size(), 1U);
}

TEST(OffsetRecords, KeepThePartitionByteByByte) {
  const std::string partition = R"({"b": 1,"a":"]\"x"})";
  const auto key = offset_key(R"(we"ird,[name])", partition);
  EXPECT_EQ(key, R"(["we\"ird,[name]",)" + partition + "]");
  const auto parsed = parse_offset_key(key);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->first, R"(we"ird,[name])");
  EXPECT_EQ(parsed->second, partition);
  EXPECT_FALSE(parse_offset_key("[1,2]"));
  EXPECT_FALSE(parse_offset_key("nonsense"));
}

TEST(StatusRecords, AreConnectsOwn) {
  const auto entry = task_status_entry("a", 3, {"FAILED", "why", "h:1", 2});
  EXPECT_EQ(entry.key, "status-task-a-3");
  EXPECT_EQ(entry.value, R"({"generation":2,"state":"FAILED","trace":"why","worker_id":"h:1"})");
  EXPECT_EQ(connector_status_entry("a", {"RUNNING", "", "h:1", 2}).value,
            R"({"generation":2,"state":"RUNNING","trace":null,"worker_id":"h:1"})");
}

}  // namespace
}  // namespace penstock::connect
