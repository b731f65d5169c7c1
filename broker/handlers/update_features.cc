#include "broker/handlers/update_features.h"

#include <utility>
#include <vector>

#include "broker/features.h"

namespace penstock::broker {

using protocol::ErrorCode;
using protocol::UpdateFeaturesRequest;
using protocol::UpdateFeaturesResponse;

namespace {

std::vector<FeatureUpdate> read(const UpdateFeaturesRequest& request) {
  std::vector<FeatureUpdate> out;
  for (const UpdateFeaturesRequest::Update& update : request.updates) {
    out.push_back(
        {std::string(update.feature), update.level, static_cast<UpgradeType>(update.upgrade_type)});
  }
  return out;
}

/// On the control thread.
UpdateFeaturesResponse update(Broker& broker, const std::vector<FeatureUpdate>& updates,
                              bool validate_only) {
  UpdateFeaturesResponse response;
  const FeatureLevels now = broker.features().levels();
  auto next = updated(now, updates);
  if (!next) {
    response.error = next.error().code;
    response.message = "No feature was updated: " + next.error().text;
    return response;
  }
  if (!validate_only && *next != now) {
    ++next->epoch;
    if (const Status stored = store_features(broker, *next); !stored) {
      response.error = ErrorCode::kStorageError;
      response.message = stored.error().text;
      return response;
    }
  }
  for (const FeatureUpdate& each : updates)
    response.results.push_back({each.feature, ErrorCode::kNone, "NONE"});
  return response;
}

}  // namespace

void handle_update_features(RequestContext context, UpdateFeaturesRequest request,
                            Reply<UpdateFeaturesResponse> reply) {
  Broker& broker = context.broker();
  broker.control().post(
      [&broker, updates = read(request), validate_only = request.validate_only,
       reply = std::move(reply)]() mutable { reply(update(broker, updates, validate_only)); });
}

}  // namespace penstock::broker
