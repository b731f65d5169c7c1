#include "framework/connect/herder/task_steps.h"

#include <gtest/gtest.h>

namespace penstock::connect {
namespace {

const StringMap kFirst{{"task.tables", "a"}};
const StringMap kSecond{{"task.tables", "b"}};
const StringMap kBoth{{"task.tables", "a,b"}};

HerdedTask running(StringMap config = kFirst) {
  HerdedTask task;
  task.config = std::move(config);
  task.in_runner = true;
  return task;
}

HerdedTask given_up(StringMap config = kFirst) {
  HerdedTask task;
  task.config = std::move(config);
  task.given_up = true;
  return task;
}

TEST(TaskSteps, ATaskThatIsNotThereIsStarted) {
  EXPECT_EQ(next_step(HerdedTask(), false, false), TaskStep::kStart);
  EXPECT_EQ(next_step(HerdedTask(), true, false), TaskStep::kStart);
}

TEST(TaskSteps, ATaskThatRunsAsItShouldIsLeftAlone) {
  EXPECT_EQ(next_step(running(), false, false), TaskStep::kNone);
}

TEST(TaskSteps, NothingIsAskedWhileAQuestionIsOpen) {
  auto task = running();
  task.busy = true;
  task.restart_wanted = true;
  EXPECT_EQ(next_step(task, true, true), TaskStep::kNone);
}

TEST(TaskSteps, PauseAndResumeFollowTheConnector) {
  auto task = running();
  EXPECT_EQ(next_step(task, true, false), TaskStep::kPause);
  task.paused = true;
  EXPECT_EQ(next_step(task, true, false), TaskStep::kNone);
  EXPECT_EQ(next_step(task, false, false), TaskStep::kResume);
}

TEST(TaskSteps, ARestartEndsOnlyThatTask) {
  auto task = running();
  task.restart_wanted = true;
  EXPECT_EQ(next_step(task, false, false), TaskStep::kStop);
  task.in_runner = false;
  EXPECT_EQ(next_step(task, false, false), TaskStep::kStart);
}

TEST(TaskSteps, ATaskThatFailedWaitsForItsRetryOrForSomebody) {
  auto task = given_up();
  EXPECT_EQ(next_step(task, false, false), TaskStep::kNone);
  task.restart_wanted = true;
  EXPECT_EQ(next_step(task, false, false), TaskStep::kStart);
  HerdedTask later;
  later.retry_at_ms = 5;
  EXPECT_EQ(next_step(later, false, false), TaskStep::kNone);
}

TEST(TaskSteps, AnotherPlanEndsAllTasksAndStartsNoneBeforeThat) {
  EXPECT_EQ(next_step(running(), false, true), TaskStep::kStop);
  EXPECT_EQ(next_step(HerdedTask(), false, true), TaskStep::kNone);
  auto restarting = HerdedTask();
  restarting.restart_wanted = true;
  EXPECT_EQ(next_step(restarting, false, true), TaskStep::kNone);
  EXPECT_FALSE(all_ended({HerdedTask(), running()}));
  EXPECT_TRUE(all_ended({HerdedTask(), given_up()}));
}

TEST(TaskSteps, APlanIsAnotherOneWhenATaskOrTheirNumberIs) {
  const std::vector<HerdedTask> tasks{running(kFirst), running(kSecond)};
  EXPECT_TRUE(is_as_planned(tasks, {kFirst, kSecond}));
  EXPECT_FALSE(is_as_planned(tasks, {kSecond, kFirst}));
  EXPECT_FALSE(is_as_planned(tasks, {kFirst}));
  EXPECT_FALSE(is_as_planned(tasks, {kFirst, kSecond, kBoth}));
}

TEST(TaskSteps, WhoHadGivenUpAnotherAssignmentBegins) {
  std::vector<HerdedTask> tasks{given_up(kFirst), given_up(kSecond), given_up(kBoth)};
  tasks[1].retry_at_ms = 7;
  take_over(tasks, {kFirst, kBoth}, {.budget = 3});
  ASSERT_EQ(tasks.size(), 2U);
  EXPECT_EQ(next_step(tasks[0], false, false), TaskStep::kNone);
  EXPECT_EQ(tasks[1].config, kBoth);
  EXPECT_EQ(next_step(tasks[1], false, false), TaskStep::kStart);
  EXPECT_EQ(tasks[1].policy.budget(), 3);
}

}  // namespace
}  // namespace penstock::connect
