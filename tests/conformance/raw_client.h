#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <vector>

#include "framework/base/bytes.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/request_header.h"
#include "tests/support/time_scale.h"

namespace penstock::testing {

/// A socket to the broker that can say anything.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      throw std::runtime_error("connect failed");
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send_raw(ByteView bytes) {
    static_cast<void>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  void send_frame(ByteView body) {
    std::vector<std::byte> frame(4);
    store_be(frame.data(), static_cast<std::int32_t>(body.size()));
    frame.insert(frame.end(), body.begin(), body.end());
    send_raw(frame);
  }
  template <class Request>
  void send(protocol::ApiKey api, std::int16_t version, std::int32_t correlation_id,
            const Request& request) {
    std::vector<std::byte> body;
    protocol::write_request_header(body, {api, version, correlation_id, "raw", 0});
    protocol::encode(request, body, version, protocol::is_flexible(api, version));
    send_frame(body);
  }
  /// The next answer, without its length; nullopt when the broker closed the connection. Throws
  /// after `timeout_ms`.
  std::optional<std::vector<std::byte>> receive(int timeout_ms = 10'000 * kTimeScale) {
    std::vector<std::byte> length(4);
    if (!fill(length, timeout_ms)) return std::nullopt;
    std::vector<std::byte> body(static_cast<std::size_t>(load_be<std::int32_t>(length.data())));
    if (!fill(body, timeout_ms)) return std::nullopt;
    return body;
  }
  /// Receives and decodes an answer; throws when it is missing or wrong.
  template <class Response>
  Response receive_as(protocol::ApiKey api, std::int16_t version, std::int32_t correlation_id) {
    bytes_ = receive().value_or(std::vector<std::byte>());
    if (bytes_.size() < 4 || load_be<std::int32_t>(bytes_.data()) != correlation_id)
      throw std::runtime_error("no answer to the request");
    std::vector<std::byte> header;
    protocol::write_response_header(header, api, version, correlation_id);
    Response out;
    const auto decoded = protocol::decode(out, ByteView(bytes_).subspan(header.size()), version,
                                          protocol::is_flexible(api, version));
    if (!decoded) throw std::runtime_error(decoded.error().text);
    return out;
  }

 private:
  bool fill(ByteSpan to, int timeout_ms) {
    std::size_t at = 0;
    while (at < to.size()) {
      pollfd wait{fd_, POLLIN, 0};
      if (::poll(&wait, 1, timeout_ms) <= 0) throw std::runtime_error("no answer in time");
      const ssize_t got = ::recv(fd_, to.data() + at, to.size() - at, 0);
      if (got <= 0) return false;
      at += static_cast<std::size_t>(got);
    }
    return true;
  }

  int fd_;
  std::vector<std::byte> bytes_;
};

}  // namespace penstock::testing
