#include "framework/protocol/request_header.h"

#include "framework/protocol/codec.h"

namespace penstock::protocol {

namespace {
// The client id keeps its classic 16-bit length also in flexible headers.
struct ClassicPart {
  std::int16_t api = 0;
  std::int16_t version = 0;
  std::int32_t correlation_id = 0;
  std::optional<std::string_view> client_id;
  template <class V>
  void fields(V& v) {
    v(api);
    v(version);
    v(correlation_id);
    v(client_id);
  }
};
struct NoFields {
  template <class V>
  void fields(V&) {}
};
}  // namespace

Result<RequestHeader> read_request_header(ByteView frame) {
  Reader reader(frame, 0, false, 0);
  ClassicPart part;
  reader.structure(part);
  if (!reader.ok()) return fail(Errc::kInvalid, "malformed request header");
  RequestHeader out{ApiKey(part.api), part.version, part.correlation_id, part.client_id,
                    reader.position()};
  if (is_flexible(out.api, out.version)) {
    Reader tags(frame.subspan(out.size_bytes), 0, true, 0);
    NoFields none;
    tags.structure(none);
    if (!tags.ok()) return fail(Errc::kInvalid, "malformed request header");
    out.size_bytes += tags.position();
  }
  return out;
}

void write_request_header(std::vector<std::byte>& to, const RequestHeader& header) {
  const ClassicPart part{static_cast<std::int16_t>(header.api), header.version,
                         header.correlation_id, header.client_id};
  Writer(to, 0, false).structure(part);
  if (is_flexible(header.api, header.version)) to.push_back(std::byte{0});
}

void write_response_header(std::vector<std::byte>& to, ApiKey api, std::int16_t version,
                           std::int32_t correlation_id) {
  Writer(to, 0, false).integer(correlation_id);
  if (api != ApiKey::kApiVersions && is_flexible(api, version)) to.push_back(std::byte{0});
}

}  // namespace penstock::protocol
