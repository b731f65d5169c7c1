#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/handler.h"

namespace penstock::broker {

/// Whether a resource of the kind broker or logger names this broker; nullopt when it does.
/// `or_what` says what else could be named.
[[nodiscard]] inline std::optional<ApiError> check_broker_name(const RequestContext& context,
                                                               std::string_view name,
                                                               const std::string& or_what) {
  std::int32_t id = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (error != std::errc() || end != name.data() + name.size()) {
    return ApiError{protocol::ErrorCode::kInvalidRequest,
                    "Broker id must be an integer, but it is: " + std::string(name)};
  }
  const std::int32_t self = context.broker().settings().node_id.value;
  if (id == self) return std::nullopt;
  return ApiError{protocol::ErrorCode::kInvalidRequest, "Unexpected broker id, expected " +
                                                            std::to_string(self) + or_what +
                                                            ", but received " + std::to_string(id)};
}

}  // namespace penstock::broker
