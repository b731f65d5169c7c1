#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "framework/base/bytes.h"
#include "framework/base/error.h"
#include "framework/protocol/api.h"

namespace penstock::protocol {

/// What stands in front of every request body. `client_id` points into the frame.
struct RequestHeader {
  ApiKey api{};
  std::int16_t version = 0;
  std::int32_t correlation_id = 0;
  std::optional<std::string_view> client_id;
  std::size_t size_bytes = 0;  // the body begins here
};

/// Key, version and correlation id come first in every header version; the rest depends on the API,
/// so an API that `find_api` does not name is read as far as the client id. kInvalid when the bytes
/// end early.
Result<RequestHeader> read_request_header(ByteView frame);
void write_request_header(std::vector<std::byte>& to, const RequestHeader& header);

/// Response header: correlation id, and empty tagged fields in a flexible version (never for
/// ApiVersions).
void write_response_header(std::vector<std::byte>& to, ApiKey api, std::int16_t version,
                           std::int32_t correlation_id);

}  // namespace penstock::protocol
