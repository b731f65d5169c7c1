#include <gtest/gtest.h>

#include "filler.h"
#include "framework/protocol/api.h"
#include "framework/protocol/messages/acls.h"
#include "framework/protocol/messages/api_versions.h"
#include "framework/protocol/messages/client_quotas.h"
#include "framework/protocol/messages/delegation_tokens.h"
#include "framework/protocol/messages/describe_user_scram_credentials.h"
#include "framework/protocol/messages/fetch.h"
#include "framework/protocol/messages/init_producer_id.h"
#include "framework/protocol/messages/list_offsets.h"
#include "framework/protocol/messages/metadata.h"
#include "framework/protocol/messages/offset_for_leader_epoch.h"
#include "framework/protocol/messages/produce.h"
#include "framework/protocol/messages/update_features.h"

namespace penstock::protocol {
namespace {

constexpr std::uint64_t kSeeds = 40;

/// Fills, encodes, decodes and encodes again: the bytes must be the same, and every cut of them
/// must be refused.
template <class Message>
void round_trips(ApiKey api, std::int16_t low, std::int16_t high) {
  for (std::int16_t version = low; version <= high; ++version) {
    const bool flexible = is_flexible(api, version);
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      SCOPED_TRACE(std::string(to_string(api)) + " version " + std::to_string(version) + " seed " +
                   std::to_string(seed));
      testing::Filler filler(seed * 1000 + static_cast<std::uint64_t>(version));
      Message message;
      filler.fill(message);
      std::vector<std::byte> bytes;
      encode(message, bytes, version, flexible);
      Message again;
      ASSERT_TRUE(decode(again, bytes, version, flexible));
      std::vector<std::byte> second;
      encode(again, second, version, flexible);
      ASSERT_EQ(bytes, second);
      for (std::size_t cut = 0; cut < bytes.size(); cut += 1 + bytes.size() / 64) {
        Message part;
        ASSERT_FALSE(decode(part, ByteView(bytes).first(cut), version, flexible)) << cut;
      }
    }
  }
}

TEST(RoundTrip, ApiVersions) {
  round_trips<ApiVersionsRequest>(ApiKey::kApiVersions, 3, 4);
  round_trips<ApiVersionsResponse>(ApiKey::kApiVersions, 0, 4);
}
TEST(RoundTrip, UpdateFeatures) {
  round_trips<UpdateFeaturesRequest>(ApiKey::kUpdateFeatures, 0, 2);
  round_trips<UpdateFeaturesResponse>(ApiKey::kUpdateFeatures, 0, 2);
}
TEST(RoundTrip, Metadata) {
  round_trips<MetadataRequest>(ApiKey::kMetadata, 0, 13);
  round_trips<MetadataResponse>(ApiKey::kMetadata, 0, 13);
}
TEST(RoundTrip, Produce) {
  round_trips<ProduceRequest>(ApiKey::kProduce, 0, 13);
  round_trips<ProduceResponse>(ApiKey::kProduce, 0, 13);
}
TEST(RoundTrip, Fetch) {
  round_trips<FetchRequest>(ApiKey::kFetch, 4, 18);
  round_trips<FetchResponse>(ApiKey::kFetch, 4, 18);
}
TEST(RoundTrip, ClientQuotas) {
  round_trips<DescribeClientQuotasRequest>(ApiKey::kDescribeClientQuotas, 0, 1);
  round_trips<DescribeClientQuotasResponse>(ApiKey::kDescribeClientQuotas, 0, 1);
  round_trips<AlterClientQuotasRequest>(ApiKey::kAlterClientQuotas, 0, 1);
  round_trips<AlterClientQuotasResponse>(ApiKey::kAlterClientQuotas, 0, 1);
}
TEST(RoundTrip, Acls) {
  round_trips<DescribeAclsRequest>(ApiKey::kDescribeAcls, 1, 3);
  round_trips<DescribeAclsResponse>(ApiKey::kDescribeAcls, 1, 3);
  round_trips<CreateAclsRequest>(ApiKey::kCreateAcls, 1, 3);
  round_trips<CreateAclsResponse>(ApiKey::kCreateAcls, 1, 3);
  round_trips<DeleteAclsRequest>(ApiKey::kDeleteAcls, 1, 3);
  round_trips<DeleteAclsResponse>(ApiKey::kDeleteAcls, 1, 3);
}

TEST(RoundTrip, DelegationTokens) {
  round_trips<CreateDelegationTokenRequest>(ApiKey::kCreateDelegationToken, 1, 3);
  round_trips<CreateDelegationTokenResponse>(ApiKey::kCreateDelegationToken, 1, 3);
  round_trips<RenewDelegationTokenRequest>(ApiKey::kRenewDelegationToken, 1, 2);
  round_trips<RenewDelegationTokenResponse>(ApiKey::kRenewDelegationToken, 1, 2);
  round_trips<ExpireDelegationTokenRequest>(ApiKey::kExpireDelegationToken, 1, 2);
  round_trips<ExpireDelegationTokenResponse>(ApiKey::kExpireDelegationToken, 1, 2);
  round_trips<DescribeDelegationTokenRequest>(ApiKey::kDescribeDelegationToken, 1, 3);
  round_trips<DescribeDelegationTokenResponse>(ApiKey::kDescribeDelegationToken, 1, 3);
}

TEST(RoundTrip, DescribeUserScramCredentials) {
  round_trips<DescribeUserScramCredentialsRequest>(ApiKey::kDescribeUserScramCredentials, 0, 0);
  round_trips<DescribeUserScramCredentialsResponse>(ApiKey::kDescribeUserScramCredentials, 0, 0);
}
TEST(RoundTrip, ListOffsets) {
  round_trips<ListOffsetsRequest>(ApiKey::kListOffsets, 1, 11);
  round_trips<ListOffsetsResponse>(ApiKey::kListOffsets, 1, 11);
}
TEST(RoundTrip, InitProducerId) {
  round_trips<InitProducerIdRequest>(ApiKey::kInitProducerId, 0, 5);
  round_trips<InitProducerIdResponse>(ApiKey::kInitProducerId, 0, 5);
}
TEST(RoundTrip, OffsetForLeaderEpoch) {
  round_trips<OffsetForLeaderEpochRequest>(ApiKey::kOffsetForLeaderEpoch, 2, 4);
  round_trips<OffsetForLeaderEpochResponse>(ApiKey::kOffsetForLeaderEpoch, 2, 4);
}

}  // namespace
}  // namespace penstock::protocol
