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

/// No API has a higher version yet; bodies are decoded in all up to it, those too that the broker
/// does not speak.
inline constexpr std::int16_t kVersionMax = 18;

/// All that a corpus file goes through: the request header, then the body in every message and
/// version.
void wire_everywhere(ByteView frame);
/// The body as request and as response of the API and in the version that the header names.
void wire(ByteView frame);
/// A properties file, and each of its values in every form that settings have.
void properties(ByteView text);

}  // namespace penstock::fuzz
