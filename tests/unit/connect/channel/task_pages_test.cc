#include "framework/connect/channel/task_pages.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace penstock::connect {
namespace {

TEST(TaskPages, WhatTheRunnerWritesTheWorkerReads) {
  const auto worker = TaskPages::create().value();
  const auto runner = TaskPages::attach(UniqueFd(::dup(worker.fd()))).value();
  EXPECT_FALSE(read_page(worker.task(3)).valid);
  begin_put(runner.task(3), 1000, "orders", 2, 10, 19);
  auto view = read_page(worker.task(3));
  ASSERT_TRUE(view.valid);
  EXPECT_EQ(to_string(view.call), "put()");
  EXPECT_EQ(view.since_ms, 1000);
  EXPECT_EQ(view.topic, "orders");
  EXPECT_EQ(view.partition, 2);
  EXPECT_EQ(view.first_offset, 10);
  EXPECT_EQ(view.last_offset, 19);
  end_call(runner.task(3), 1005);
  view = read_page(worker.task(3));
  EXPECT_EQ(view.call, PluginCall::kNone);
  EXPECT_EQ(view.calls, 1);
  EXPECT_EQ(view.topic, "orders");
  EXPECT_FALSE(read_page(worker.connector()).valid);
}

TEST(TaskPages, AWriterThatDiedHalfWayIsNotBelieved) {
  const auto pages = TaskPages::create().value();
  begin_call(pages.task(0), PluginCall::kPoll, 5);
  pages.task(0).version.fetch_add(1);
  EXPECT_FALSE(read_page(pages.task(0)).valid);
}

TEST(TaskPages, GarbageIsReadWithinBounds) {
  const auto pages = TaskPages::create().value();
  begin_call(pages.task(0), PluginCall::kPoll, 5);
  std::fill_n(pages.task(0).topic, TaskPage::kTopicBytes, 'x');
  pages.task(0).call.store(4'000'000'000U);
  const auto view = read_page(pages.task(0));
  EXPECT_EQ(view.topic.size(), TaskPage::kTopicBytes);
  EXPECT_EQ(to_string(view.call), "");
}

TEST(TaskPages, NobodyCanShrinkThem) {
  const auto pages = TaskPages::create().value();
  EXPECT_NE(::ftruncate(pages.fd(), 0), 0);
}

TEST(TaskPages, OtherMemoryIsRefused) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const auto attached = TaskPages::attach(UniqueFd(ends[0]));
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().text, "task pages have 0 bytes, not 4194304");
  ::close(ends[1]);
}

}  // namespace
}  // namespace penstock::connect
