#include "framework/connect/store/state_thread.h"

#include <gtest/gtest.h>

#include <future>

#include "framework/connect/store/offset_records.h"

namespace penstock::connect {
namespace {

class MemoryLog final : public StateLog {
 public:
  Status put(std::span<const StateEntry> entries) override {
    if (puts == 0) entered.set_value();
    gate.wait();
    ++puts;
    if (broken) return fail(Errc::kIo, "the disk is gone");
    for (const auto& entry : entries) values[entry.key] = entry.value.value_or("");
    return {};
  }
  Status read_all(const Visitor& visit) override {
    for (const auto& [key, value] : values) visit(key, value);
    return {};
  }
  std::promise<void> entered;
  std::shared_future<void> gate;
  std::map<std::string, std::string> values;
  int puts = 0;
  bool broken = false;
};

class StateThreadTest : public ::testing::Test {
 protected:
  StateThreadTest() { log_.gate = open_.get_future().share(); }
  StateThread::Logs logs() { return {&log_, &log_, &log_}; }
  static StateThread::Values read(StateThread& thread, std::vector<std::string> partitions) {
    std::promise<StateThread::Values> got;
    thread.read_offsets("c", std::move(partitions),
                        [&](StateThread::Values values) { got.set_value(std::move(values)); });
    return got.get_future().get();
  }
  std::promise<void> open_;
  MemoryLog log_;
};

TEST_F(StateThreadTest, WhatQueuesUpGoesToDiskTogether) {
  StateThread thread(logs());
  std::vector<std::promise<Status>> done(50);
  for (std::size_t i = 0; i < done.size(); ++i) {
    thread.put(StateTopic::kOffsets, {{offset_key("c", std::to_string(i)), "v"}},
               [&done, i](Status s) { done[i].set_value(std::move(s)); });
  }
  open_.set_value();
  for (auto& one : done) EXPECT_TRUE(one.get_future().get());
  EXPECT_LE(log_.puts, 3);
  EXPECT_EQ(read(thread, {"7", "x"}), (StateThread::Values{"v", std::nullopt}));
}

TEST_F(StateThreadTest, OffsetsOfEarlierLivesAreThere) {
  open_.set_value();
  log_.values[offset_key("c", R"({"t":1})")] = R"({"n":2})";
  StateThread thread(logs());
  EXPECT_EQ(read(thread, {R"({"t":1})"}), (StateThread::Values{R"({"n":2})"}));
}

TEST_F(StateThreadTest, AFailedWriteIsToldAndNotRemembered) {
  open_.set_value();
  log_.broken = true;
  StateThread thread(logs());
  const auto status = thread.put_and_wait(StateTopic::kOffsets, {{offset_key("c", "1"), "v"}});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().text, "the disk is gone");
  EXPECT_EQ(read(thread, {"1"}), (StateThread::Values{std::nullopt}));
}

TEST_F(StateThreadTest, TheQueueHasABound) {
  StateThread thread(logs());
  thread.put(StateTopic::kOffsets, {{"k", "v"}}, [](const Status&) {});
  log_.entered.get_future().wait();  // from here on the thread takes nothing until the gate opens
  int refused = 0;
  std::string text;
  for (std::size_t i = 0; i < StateThread::kRequestsMax + 2; ++i) {
    thread.put(StateTopic::kOffsets, {{"k", "v"}}, [&](const Status& s) {
      if (!s && s.error().code == Errc::kBusy) {
        ++refused;
        text = s.error().text;
      }
    });
  }
  EXPECT_EQ(refused, 2);
  EXPECT_EQ(text, "10000 state writes wait for the disk already");
  open_.set_value();
  thread.stop();
}

TEST_F(StateThreadTest, AfterTheStopNothingIsTaken) {
  open_.set_value();
  StateThread thread(logs());
  thread.stop();
  EXPECT_EQ(thread.put_and_wait(StateTopic::kConfigs, {{"k", "v"}}).error().code, Errc::kCancelled);
}

}  // namespace
}  // namespace penstock::connect
