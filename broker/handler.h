#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "broker/broker.h"
#include "broker/request_time.h"
#include "framework/base/assert.h"
#include "framework/net/connection.h"
#include "framework/protocol/api.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/error_code.h"

namespace penstock::broker {

class Session;

/// Version of a request whose version nobody knows; only ApiVersions sees it.
inline constexpr std::int16_t kUnknownVersion = -1;

/// The right to answer one request: exactly once, from any thread. If it dies unused, the
/// connection is closed, so that no client waits for ever. Moves only.
class ReplyTo {
 public:
  ReplyTo(std::shared_ptr<net::Connection> connection, std::uint64_t sequence, protocol::ApiKey api,
          std::int16_t version, std::int32_t correlation_id);
  ReplyTo(ReplyTo&&) noexcept = default;
  ReplyTo& operator=(ReplyTo&&) = delete;
  ~ReplyTo();

  /// An answer with its header written; append the body to `head`, or to `pieces`, and send() it.
  [[nodiscard]] net::Response begin() const;
  [[nodiscard]] std::int16_t version() const { return version_; }
  [[nodiscard]] bool flexible() const { return protocol::is_flexible(api_, version_); }
  void send(net::Response response);
  /// Encodes and sends `response`. Texts that name what the client named may be longer than the
  /// wire allows: then the log says so, and the connection is closed.
  template <class Response>
  void send_encoded(const Response& response) {
    const std::int32_t wait_ms = throttle();
    if constexpr (requires { response.throttle_ms; }) {
      if (wait_ms > response.throttle_ms) {
        Response told = response;
        told.throttle_ms = wait_ms;
        return encode_and_send(told);
      }
    }
    encode_and_send(response);
  }
  /// The request's time counts from here on against the client's quota. Any thread.
  void measure(std::shared_ptr<RequestTime> time) { time_ = std::move(time); }
  /// Counts the request's time and, when that was too much, lets the client's next requests wait;
  /// how long. Once, by send_encoded() for those who use that.
  std::int32_t throttle();
  /// The client has used more than its quota: its requests have to wait. Connection's shard.
  void pause_client(std::int32_t ms);
  /// For requests that the protocol does not answer.
  void send_nothing();
  void close_connection();
  /// Says so in the log and closes the connection.
  void refuse_malformed();

 private:
  template <class Response>
  void encode_and_send(const Response& response) {
    net::Response out = begin();
    protocol::Writer writer(out.head, version_, flexible());
    writer.structure(response);
    if (!writer.ok()) return refuse_too_long();
    send(std::move(out));
  }
  void refuse_too_long();

  std::shared_ptr<net::Connection> connection_;  // null once used
  std::shared_ptr<RequestTime> time_;            // null: not measured, or counted
  std::uint64_t sequence_;
  std::int32_t correlation_id_;
  protocol::ApiKey api_;
  std::int16_t version_;
};

/// As ReplyTo, with the response's type.
template <class Response>
class Reply {
 public:
  explicit Reply(ReplyTo to) : to_(std::move(to)) {}
  void operator()(const Response& response) { to_.send_encoded(response); }
  [[nodiscard]] ReplyTo& raw() { return to_; }

 private:
  ReplyTo to_;
};

/// One request and where it came from. Views in the decoded request, and `client_id`, point into
/// `frame`: keep the context as long as they are used, and drop it before waiting for long (its
/// bytes count in queued.max.request.bytes).
struct RequestContext {
  BrokerShard& shard;  // the connection's; the handler starts there
  std::shared_ptr<Session> session;
  protocol::ApiKey api;
  std::int16_t version;
  std::string_view client_id;
  std::string peer_address;
  net::Frame frame;

  [[nodiscard]] Broker& broker() const { return shard.broker(); }
};

/// Takes the body, which lies in the context's frame. One per API, named in api_table.cc.
using Handler = void (*)(RequestContext context, ByteSpan body, ReplyTo reply);

/// Makes a Handler of `void f(RequestContext, Request, Reply<Response>)`. A malformed body closes
/// the connection.
template <class Request, class Response, void (*F)(RequestContext, Request, Reply<Response>)>
void typed(RequestContext context, ByteSpan body, ReplyTo reply) {
  Request request;
  if (!protocol::decode_front(request, body, context.version,
                              protocol::is_flexible(context.api, context.version))) {
    reply.refuse_malformed();
    return;
  }
  F(std::move(context), std::move(request), Reply<Response>(std::move(reply)));
}

}  // namespace penstock::broker
