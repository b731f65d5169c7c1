#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "framework/protocol/api.h"
#include "framework/protocol/messages/api_versions.h"
#include "framework/protocol/messages/consumer_group_heartbeat.h"
#include "framework/protocol/messages/update_features.h"
#include "raw_client.h"
#include "tests/support/broker_process.h"

// Features as clients are told of them and as administrators change them (KIP-584).
namespace penstock::testing {
namespace {

using namespace protocol;

class FeaturesOnTheWire : public ::testing::Test {
 protected:
  TempDirectory directory_;
  BrokerProcess broker_{directory_.path() + "/data"};
  RawClient client_{broker_.port()};

  template <class Response, class Request>
  Response ask(ApiKey api, std::int16_t version, const Request& request) {
    client_.send(api, version, ++correlation_, request);
    return client_.receive_as<Response>(api, version, correlation_);
  }
  ApiVersionsResponse versions(std::int16_t version) {
    ApiVersionsRequest request;
    request.client_software_name = "raw";
    request.client_software_version = "1";
    return ask<ApiVersionsResponse>(ApiKey::kApiVersions, version, request);
  }
  /// name: lowest to highest.
  static std::string supported(const ApiVersionsResponse& response) {
    std::string out;
    for (const auto& feature : response.supported_features) {
      out += feature.name + ":" + std::to_string(feature.low) + "-" + std::to_string(feature.high) +
             " ";
    }
    return out;
  }
  static std::string finalized(const ApiVersionsResponse& response) {
    std::string out;
    for (const auto& feature : response.finalized_features) {
      EXPECT_EQ(feature.low, feature.high);
      out += feature.name + ":" + std::to_string(feature.high) + " ";
    }
    return out;
  }
  UpdateFeaturesResponse update(std::int16_t version,
                                std::vector<UpdateFeaturesRequest::Update> updates,
                                bool validate_only = false) {
    UpdateFeaturesRequest request;
    request.updates = std::move(updates);
    request.validate_only = validate_only;
    return ask<UpdateFeaturesResponse>(ApiKey::kUpdateFeatures, version, request);
  }

 private:
  std::int32_t correlation_ = 0;
};

constexpr std::int8_t kUpgrade = 1;
constexpr std::int8_t kSafeDowngrade = 2;

TEST_F(FeaturesOnTheWire, AreListedFromVersion3AndWithZeroAsLowestFrom4) {
  const auto four = versions(4);
  EXPECT_EQ(supported(four), "group.version:0-1 transaction.version:0-2 ");
  EXPECT_EQ(finalized(four), "group.version:1 transaction.version:2 ");
  EXPECT_EQ(four.features_epoch, 1);
  const auto three = versions(3);
  EXPECT_EQ(supported(three), "");
  EXPECT_EQ(finalized(three), finalized(four));
  EXPECT_EQ(three.features_epoch, 1);
  EXPECT_EQ(versions(2).finalized_features.size(), 0U);
}
TEST_F(FeaturesOnTheWire, AreChangedInEveryVersion) {
  const auto zero = update(1, {{"transaction.version", 0, false, kSafeDowngrade}});
  EXPECT_EQ(zero.error, ErrorCode::kNone);
  ASSERT_EQ(zero.results.size(), 1U);
  EXPECT_EQ(zero.results[0].feature, "transaction.version");
  EXPECT_EQ(zero.results[0].error, ErrorCode::kNone);
  EXPECT_EQ(finalized(versions(4)), "group.version:1 ");
  EXPECT_EQ(update(0, {{"transaction.version", 1, false, kUpgrade}}).results.size(), 1U);
  EXPECT_EQ(finalized(versions(4)), "group.version:1 transaction.version:1 ");
  const auto up = update(2, {{"transaction.version", 2, false, kUpgrade}});
  EXPECT_EQ(up.error, ErrorCode::kNone);
  EXPECT_TRUE(up.results.empty());
  EXPECT_EQ(finalized(versions(4)), "group.version:1 transaction.version:2 ");
  EXPECT_EQ(versions(4).features_epoch, 4);
}
TEST_F(FeaturesOnTheWire, AreChangedAllOrNone) {
  const auto refused = update(2, {{"group.version", 0, false, kSafeDowngrade},
                                  {"transaction.version", 1, false, kUpgrade}});
  EXPECT_EQ(refused.error, ErrorCode::kInvalidUpdateVersion);
  EXPECT_NE(refused.message.value_or("").find("transaction.version"), std::string::npos);
  EXPECT_EQ(update(0, {{"transaction.version", 1, true, kUpgrade}}).error,
            ErrorCode::kInvalidUpdateVersion);
  EXPECT_EQ(versions(4).features_epoch, 1);
}
TEST_F(FeaturesOnTheWire, AreLeftAloneByAValidation) {
  EXPECT_EQ(update(1, {{"group.version", 0, false, kSafeDowngrade}}, true).error, ErrorCode::kNone);
  EXPECT_EQ(finalized(versions(4)), "group.version:1 transaction.version:2 ");
}
TEST_F(FeaturesOnTheWire, ConsumerGroupsNeedTheirs) {
  ConsumerGroupHeartbeatRequest heartbeat;
  heartbeat.group_id = "g";
  const auto join = [&] {
    return ask<ConsumerGroupHeartbeatResponse>(ApiKey::kConsumerGroupHeartbeat, 0, heartbeat).error;
  };
  EXPECT_NE(join(), ErrorCode::kUnsupportedVersion);
  update(2, {{"group.version", 0, false, kSafeDowngrade}});
  EXPECT_EQ(join(), ErrorCode::kUnsupportedVersion);
}

}  // namespace
}  // namespace penstock::testing
