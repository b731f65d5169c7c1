#include "broker/client_quotas.h"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

namespace penstock::broker {
namespace {

constexpr auto kProduce = ClientQuotas::Kind::kProduce;
constexpr auto kFetch = ClientQuotas::Kind::kFetch;

TEST(QuotaWindows, ANewClientIsMeasuredOverTenSeconds) {
  QuotaWindows windows;
  windows.add(1000, 5000);
  EXPECT_DOUBLE_EQ(windows.rate(5000), 100);
  EXPECT_EQ(windows.throttle_ms(100, 5000), 0);
  EXPECT_EQ(windows.throttle_ms(50, 5000), 10'000);
}
TEST(QuotaWindows, WhatIsElevenSecondsOldIsForgotten) {
  QuotaWindows windows;
  windows.add(1000, 0);
  EXPECT_FALSE(windows.idle(10'999));
  EXPECT_TRUE(windows.idle(11'000));
  EXPECT_DOUBLE_EQ(windows.rate(11'000), 0);
}
TEST(QuotaWindows, ASteadyRateIsMeasuredAsItIs) {
  QuotaWindows windows;
  for (int second = 0; second < 30; ++second) windows.add(500, second * 1000);
  EXPECT_NEAR(windows.rate(29'999), 500, 1);
}
TEST(ClientQuotas, NothingIsCountedWithoutAQuota) {
  ClientQuotas quotas;
  EXPECT_FALSE(quotas.any());
  EXPECT_EQ(quotas.charge(kProduce, "c", 1 << 30, 0), 0);
  EXPECT_TRUE(quotas.may_connect("127.0.0.1", 0));
}
TEST(ClientQuotas, OneEntityIsLookedUpByItself) {
  ClientQuotas quotas;
  EXPECT_TRUE(quotas.of({{"client-id", "c"}}).empty());
  quotas.set({{"client-id", "c"}}, {{kProducerByteRate, 7}});
  quotas.set({{"client-id", std::nullopt}}, {{kProducerByteRate, 8}});
  EXPECT_EQ(quotas.of({{"client-id", "c"}}), (QuotaValues{{kProducerByteRate, 7}}));
  EXPECT_EQ(quotas.entities(), 2U);
}
TEST(ClientQuotas, TheNarrowestQuotaCounts) {
  ClientQuotas quotas;
  const auto most = [&] { return quotas.bytes_max(kProduce, "c").value() / 10; };
  const auto set = [&](const QuotaEntity& entity, double rate) {
    quotas.set(entity, {{kProducerByteRate, rate}});
    EXPECT_EQ(most(), static_cast<std::uint64_t>(rate));
  };
  const std::optional<std::string> any;
  set({{"client-id", any}}, 1);
  set({{"client-id", "c"}}, 2);
  set({{"user", any}}, 3);
  set({{"user", any}, {"client-id", any}}, 4);
  set({{"user", any}, {"client-id", "c"}}, 5);
  set({{"user", "ANONYMOUS"}}, 6);
  set({{"user", "ANONYMOUS"}, {"client-id", any}}, 7);
  set({{"user", "ANONYMOUS"}, {"client-id", "c"}}, 8);
  quotas.set({{"user", "ANONYMOUS"}, {"client-id", "c"}}, {});
  EXPECT_EQ(most(), 7U);
}
TEST(ClientQuotas, AUsersClientsShareAUsersQuotaOnly) {
  ClientQuotas quotas;
  quotas.set({{"user", "ANONYMOUS"}}, {{kProducerByteRate, 100}});
  EXPECT_EQ(quotas.charge(kProduce, "a", 1000, 0), 0);
  EXPECT_GT(quotas.charge(kProduce, "b", 1000, 0), 0);
  ClientQuotas apart;
  apart.set({{"client-id", std::nullopt}}, {{kProducerByteRate, 100}});
  EXPECT_EQ(apart.charge(kProduce, "a", 1000, 0), 0);
  EXPECT_EQ(apart.charge(kProduce, "b", 1000, 0), 0);
  EXPECT_EQ(apart.charge(kFetch, "a", 1 << 20, 0), 0) << "the other direction has no quota";
}
TEST(ClientQuotas, WhatIsNotSentIsNotCounted) {
  ClientQuotas quotas;
  quotas.set({{"client-id", "c"}}, {{kConsumerByteRate, 100}});
  EXPECT_EQ(quotas.charge_if_allowed(kFetch, "c", 900, 0), 0);
  EXPECT_EQ(quotas.charge_if_allowed(kFetch, "c", 200, 0), 1000);
  EXPECT_EQ(quotas.charge_if_allowed(kFetch, "c", 100, 0), 0);
}
TEST(ClientQuotas, ConnectionsOfAnAddressAreCounted) {
  ClientQuotas quotas;
  quotas.set({{"ip", std::nullopt}}, {{kConnectionCreationRate, 1}});
  quotas.set({{"ip", "10.0.0.1"}}, {{kConnectionCreationRate, 2}});
  int taken = 0;
  for (int i = 0; i < 100; ++i) taken += quotas.may_connect("10.0.0.1", 0) ? 1 : 0;
  EXPECT_EQ(taken, 20);
  taken = 0;
  for (int i = 0; i < 100; ++i) taken += quotas.may_connect("10.0.0.2", 0) ? 1 : 0;
  EXPECT_EQ(taken, 10);
  EXPECT_TRUE(quotas.may_connect("10.0.0.1", 11'000));
}
TEST(ClientQuotas, TimeIsCountedAsAShareOfOneThread) {
  ClientQuotas quotas;
  EXPECT_FALSE(quotas.limits_time());
  quotas.set({{"client-id", "c"}}, {{kRequestPercentage, 10}});
  EXPECT_TRUE(quotas.limits_time());
  constexpr std::int64_t kSecond = 1'000'000'000;
  EXPECT_EQ(quotas.charge_time("c", kSecond, 0), 0) << "10 % of the ten seconds of a new client";
  EXPECT_EQ(quotas.charge_time("c", kSecond / 10, 0), 1000) << "1.1 s are due in 11 s";
  EXPECT_EQ(quotas.charge_time("d", 100 * kSecond, 0), 0) << "another client";
  quotas.set({{"client-id", "c"}}, {});
  EXPECT_FALSE(quotas.limits_time());
}
TEST(ClientQuotas, AStrictMutationIsRefusedOnceTheBucketIsOverdrawn) {
  ClientQuotas quotas;
  quotas.set({{"client-id", "c"}}, {{kControllerMutationRate, 2}});
  const auto mutate = [&](std::int32_t partitions, bool strict, std::int64_t now_ms) {
    const MutationAnswer answer = quotas.mutate("c", partitions, strict, now_ms);
    return std::pair(answer.allowed, answer.wait_ms);
  };
  EXPECT_EQ(mutate(22, true, 0), std::pair(true, 0)) << "eleven seconds' worth";
  EXPECT_EQ(mutate(4, true, 0), std::pair(true, 0)) << "nothing is left, nothing is owed";
  EXPECT_EQ(mutate(1, true, 0), std::pair(false, 2000));
  EXPECT_EQ(mutate(1, true, 1500), std::pair(false, 500)) << "what is refused is not counted";
  EXPECT_EQ(mutate(2, false, 1500), std::pair(true, 1500)) << "a client that does not know, waits";
  EXPECT_EQ(mutate(1, true, 3000), std::pair(true, 0));
  EXPECT_TRUE(quotas.mutate("d", 1'000'000, true, 0).allowed) << "no quota";
}
TEST(TokenBucket, ItFillsToElevenSecondsAndNoMore) {
  TokenBucket bucket;
  bucket.refill(1, 0);
  bucket.take(11);
  EXPECT_EQ(bucket.wait_ms(1), 0);
  EXPECT_TRUE(bucket.idle(11'000));
  bucket.refill(1, 1'000'000);
  bucket.take(12);
  EXPECT_EQ(bucket.wait_ms(1), 1000);
  EXPECT_FALSE(bucket.idle(1'011'000)) << "it owes something";
  bucket.refill(1e-300, 1'000'001);
  EXPECT_EQ(bucket.wait_ms(1e-300), std::numeric_limits<std::int32_t>::max());
}
TEST(ClientQuotas, CountedClientsAreBounded) {
  ClientQuotas quotas;
  quotas.set({{"client-id", std::nullopt}}, {{kProducerByteRate, 100}});
  for (std::size_t i = 0; i < ClientQuotas::kClientsMax + 10; ++i)
    quotas.charge(kProduce, std::to_string(i), 1, 0);
  EXPECT_EQ(quotas.clients_counted(), ClientQuotas::kClientsMax);
}

}  // namespace
}  // namespace penstock::broker
