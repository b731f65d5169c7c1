#pragma once

#include <cstdint>
#include <span>

#include "broker/handler.h"
#include "framework/protocol/api.h"

namespace penstock::broker {

/// One API that this broker speaks.
struct Api {
  protocol::ApiKey key;
  std::int16_t advertised_low;  // what ApiVersions says
  std::int16_t low;             // what is served
  std::int16_t high;
  Handler handler;
};

/// The one list of APIs, by key. ApiVersions answers from it.
[[nodiscard]] std::span<const Api> api_table();
[[nodiscard]] const Api* find_handler(protocol::ApiKey key);

}  // namespace penstock::broker
