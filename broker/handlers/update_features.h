#pragma once

#include "broker/handler.h"
#include "framework/protocol/messages/update_features.h"

// UpdateFeatures (key 57), versions 0-2 (KIP-584). v1 upgrade type, validate only (KIP-778); v2 no
// results of single features. In every version all of the updates are taken and stored before the
// answer, or none is and the error is that of the whole request (KIP-1022). Left out: the flag of
// v0 that allows a downgrade; Kafka 4 does not heed it either, and refuses the downgrade.
namespace penstock::broker {

void handle_update_features(RequestContext context, protocol::UpdateFeaturesRequest request,
                            Reply<protocol::UpdateFeaturesResponse> reply);

}  // namespace penstock::broker
