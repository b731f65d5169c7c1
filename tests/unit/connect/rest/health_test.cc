#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>

#include "framework/connect/rest/router.h"
#include "tests/support/time_scale.h"

namespace penstock::connect::rest {
namespace {

using std::chrono::milliseconds;

class NoLog final : public StateLog {
 public:
  Status put(std::span<const StateEntry>) override { return {}; }
  Status read_all(const Visitor&) override { return {}; }
};

class NoOffsets final : public OffsetBackend {
 public:
  void read(const std::string&, std::vector<std::string>,
            UniqueFunction<void(std::vector<std::optional<std::string>>)> done) override {
    done({});
  }
  void store(const std::string&, std::vector<message::OffsetEntry>,
             UniqueFunction<void(Status)> done) override {
    done({});
  }
};

class Health : public testing::Test {
 protected:
  Response ask(milliseconds timeout) {
    Router router;
    add_root(router, {"1", "2"}, herder_, timeout);
    Request request;
    request.method = "GET";
    request.path = {"health"};
    return router.handle(std::move(request));
  }
  static std::string state(const Response& answer) {
    return nlohmann::json::parse(answer.body).value("status", "");
  }
  NoLog log_;
  NoOffsets offsets_;
  SystemClock clock_;
  StateThread state_{{&log_, &log_, &log_}};
  Herder herder_{{}, clock_, state_, {}};
  Supervisor supervisor_{{}, clock_, herder_, offsets_};
};

TEST_F(Health, AWorkerThatDoesNotTakeRequestsYetIsStarting) {
  const auto answer = ask(milliseconds(1));
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, R"({"status":"starting","message":"Worker is still starting up."})");
}

TEST_F(Health, AHerderThatHangsIsUnhealthy) {
  herder_.start(supervisor_, "h:1");
  const auto healthy = ask(milliseconds(20'000 * kTimeScale));
  EXPECT_EQ(healthy.status, 200);
  EXPECT_EQ(state(healthy), "healthy");
  std::promise<void> entered;
  std::promise<void> release;
  herder_.health([&](auto) {
    entered.set_value();
    release.get_future().wait();
  });
  entered.get_future().wait();
  const auto answer = ask(milliseconds(20));
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(state(answer), "unhealthy");
  release.set_value();
  herder_.stop();
}

TEST_F(Health, AWorkerThatStopsSaysSo) {
  herder_.start(supervisor_, "h:1");
  herder_.stop();
  EXPECT_EQ(ask(milliseconds(1'000)).status, 503);
}

}  // namespace
}  // namespace penstock::connect::rest
