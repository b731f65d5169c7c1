#include "broker/request_time.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>

#include "broker/broker.h"
#include "broker/client_quotas.h"
#include "framework/log/file_system.h"

namespace penstock::broker {
namespace {

/// Stands still until it is moved.
class HandClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t wall_ms() const override { return 1'700'000'000'000; }
  [[nodiscard]] std::int64_t steady_ns() const override { return now_ns; }
  std::atomic<std::int64_t> now_ns{1'000'000'000};
};

class RequestTimes : public testing::Test {
 protected:
  RequestTimes()
      : broker_(*load_settings("", {"log.dirs=/nowhere", "num.network.threads=1"}), clock_,
                log::posix_file_system()) {
    // 1 % of a thread: 100 ms of the ten seconds of a new client.
    broker_.quotas().set({{"client-id", "c"}}, {{kRequestPercentage, 1}});
  }
  void pass(std::int64_t ms) { clock_.now_ns += ms * 1'000'000; }
  std::shared_ptr<RequestTime> request() { return RequestTime::of(broker_, "c"); }

  HandClock clock_;
  Broker broker_;
};

TEST_F(RequestTimes, NothingIsMeasuredWithoutAQuota) {
  broker_.quotas().set({{"client-id", "c"}}, {{kProducerByteRate, 1}});
  EXPECT_EQ(request(), nullptr);
  const RequestTime::Part part(nullptr);
  EXPECT_EQ(RequestTime::current(), nullptr);
}
TEST_F(RequestTimes, TheRunningPartCountsUntilTheAnswer) {
  const auto time = request();
  const RequestTime::Part part(time);
  pass(100);
  EXPECT_EQ(time->charge(), 0);
  pass(1);
  EXPECT_GT(time->charge(), 0) << "what came behind the answer counts too";
}
TEST_F(RequestTimes, WhatIsMeasuredAfterTheAnswerCountsForTheNextOne) {
  {
    const auto time = request();
    const RequestTime::Part part(time);
    EXPECT_EQ(time->charge(), 0);
    pass(150);
  }
  EXPECT_GT(request()->charge(), 0);
}
TEST_F(RequestTimes, WorkSentElsewhereBelongsToTheRequest) {
  const auto time = request();
  std::function<void()> work;
  {
    const RequestTime::Part part(time);
    work = measured([this] { pass(150); });
  }
  EXPECT_EQ(RequestTime::current(), nullptr);
  work();
  EXPECT_GT(time->charge(), 0);
}
TEST_F(RequestTimes, APartInsideAnotherIsNotCountedTwice) {
  const auto outer = request();
  const RequestTime::Part part(outer);
  pass(40);
  {
    broker_.quotas().set({{"client-id", "d"}}, {{kRequestPercentage, 1}});
    const auto inner = RequestTime::of(broker_, "d");
    const RequestTime::Part other(inner);
    EXPECT_EQ(RequestTime::current(), inner);
    pass(90);
    EXPECT_EQ(inner->charge(), 0);
  }
  EXPECT_EQ(RequestTime::current(), outer);
  pass(50);
  EXPECT_EQ(outer->charge(), 0) << "90 ms of its own";
  pass(20);
  EXPECT_GT(outer->charge(), 0);
}
TEST_F(RequestTimes, NobodyWaitsForMoreThanAWindow) {
  const auto time = request();
  const RequestTime::Part part(time);
  pass(5000);
  EXPECT_EQ(time->charge(), RequestTime::kThrottleMsMax);
}

}  // namespace
}  // namespace penstock::broker
