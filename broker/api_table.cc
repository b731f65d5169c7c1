#include "broker/api_table.h"

#include <algorithm>
#include <array>

#include "broker/handlers/api_versions.h"
#include "broker/handlers/fetch.h"
#include "broker/handlers/init_producer_id.h"
#include "broker/handlers/list_offsets.h"
#include "broker/handlers/metadata.h"
#include "broker/handlers/offset_for_leader_epoch.h"
#include "broker/handlers/produce.h"

namespace penstock::broker {

using protocol::ApiKey;

#define PENSTOCK_TYPED(Name, function) typed<protocol::Name##Request, protocol::Name##Response, function>

namespace {
// Lowest versions are those of Kafka 4 (KIP-896), so that every client in use finds one; Produce is advertised lower than served.
constexpr std::array kTable = {
    Api{ApiKey::kProduce, 0, 0, 9, handle_produce},
    Api{ApiKey::kFetch, 4, 4, 12, PENSTOCK_TYPED(Fetch, handle_fetch)},
    Api{ApiKey::kListOffsets, 1, 1, 7, PENSTOCK_TYPED(ListOffsets, handle_list_offsets)},
    Api{ApiKey::kMetadata, 0, 0, 12, PENSTOCK_TYPED(Metadata, handle_metadata)},
    Api{ApiKey::kApiVersions, 0, 0, 4, PENSTOCK_TYPED(ApiVersions, handle_api_versions)},
    Api{ApiKey::kInitProducerId, 0, 0, 4, PENSTOCK_TYPED(InitProducerId, handle_init_producer_id)},
    Api{ApiKey::kOffsetForLeaderEpoch, 2, 2, 4, PENSTOCK_TYPED(OffsetForLeaderEpoch, handle_offset_for_leader_epoch)},
};
static_assert(std::is_sorted(kTable.begin(), kTable.end(), [](const Api& a, const Api& b) { return a.key < b.key; }));
}  // namespace

#undef PENSTOCK_TYPED

std::span<const Api> api_table() { return kTable; }

const Api* find_handler(ApiKey key) {
  const auto* at = std::lower_bound(kTable.begin(), kTable.end(), key, [](const Api& api, ApiKey wanted) { return api.key < wanted; });
  return at != kTable.end() && at->key == key ? at : nullptr;
}

}  // namespace penstock::broker
