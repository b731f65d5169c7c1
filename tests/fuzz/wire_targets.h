#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "framework/base/bytes.h"
#include "framework/protocol/api.h"

// The wire decoder as a fuzzer calls it: any bytes may come in, nothing but a message or an error
// may come out.
namespace penstock::fuzz {

/// One message of an API, in each version that is spoken.
struct WireMessage {
  protocol::ApiKey api;
  bool request;
  /// Decodes; what passes is encoded again.
  void (*decode)(ByteView body, std::int16_t version, bool flexible);
  /// A message with random fields, encoded.
  std::vector<std::byte> (*make)(std::uint64_t seed, std::int16_t version, bool flexible);
};

[[nodiscard]] std::span<const WireMessage> wire_messages();

/// All that a corpus file goes through: the request header, then the body in every message and
/// version of the API table.
void wire(ByteView frame);
void properties(ByteView text);

}  // namespace penstock::fuzz
