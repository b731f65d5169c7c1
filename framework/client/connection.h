#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "framework/base/bytes.h"
#include "framework/base/error.h"
#include "framework/base/unique_fd.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/request_header.h"

namespace penstock::client {

struct Address {
  std::string host;
  std::string port;
};
/// "host:port,[::1]:9092,PLAINTEXT://host:port"; without a port it is 9092. What is empty is left
/// out.
std::vector<Address> parse_bootstrap(const std::string& servers);

/// One connection to one broker, in plain text. Blocks; one thread.
class Connection {
 public:
  /// Longer answers are refused.
  static constexpr std::int32_t kAnswerBytesMax = 16 << 20;

  /// kUnavailable: not there, or not within `timeout_ms`.
  static Result<Connection> open(const Address& address, int timeout_ms);

  /// Sends a request and decodes the answer to it. kUnavailable: the connection broke or the answer
  /// did not come within `timeout_ms`; kInvalid: it is none. The connection is of no use after an
  /// error.
  template <class Response, class Request>
  Result<Response> ask(protocol::ApiKey api, std::int16_t version, const Request& request,
                       int timeout_ms) {
    std::vector<std::byte> body;
    protocol::write_request_header(body, {api, version, ++correlation_id_, "penstock", 0});
    protocol::Writer writer(body, version, protocol::is_flexible(api, version));
    writer.structure(request);
    if (!writer.ok()) return fail(Errc::kInvalid, "a text is too long to be sent");
    std::vector<std::byte> header;
    protocol::write_response_header(header, api, version, correlation_id_);
    PENSTOCK_ASSIGN_OR_RETURN(answer_, exchange(body, header, timeout_ms));
    Response out;
    PENSTOCK_RETURN_IF_ERROR(protocol::decode(out, ByteView(answer_).subspan(header.size()),
                                              version, protocol::is_flexible(api, version)));
    return out;
  }

 private:
  explicit Connection(UniqueFd fd) : fd_(std::move(fd)) {}
  Result<std::vector<std::byte>> exchange(ByteView body, ByteView header, int timeout_ms);

  UniqueFd fd_;
  std::int32_t correlation_id_ = 0;
  std::vector<std::byte> answer_;  // views of the last answer point here
};

}  // namespace penstock::client
