#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "framework/base/bytes.h"
#include "framework/base/unique_fd.h"
#include "framework/protocol/api.h"
#include "framework/protocol/codec.h"
#include "framework/protocol/request_header.h"

// The load generator's side of the wire: cheap enough that the broker is what is measured. Failures
// of any kind throw std::runtime_error, because a measurement with errors in it is worth nothing.
namespace penstock::bench {

/// CLOCK_MONOTONIC.
[[nodiscard]] std::int64_t now_ns();
[[nodiscard]] std::int64_t wall_ms();
[[nodiscard]] double process_cpu_seconds();

/// One connection with frames in both directions. Non-blocking; not thread-safe.
class Wire {
 public:
  explicit Wire(const std::string& bootstrap);
  [[nodiscard]] int fd() const { return fd_.get(); }

  /// Queues a frame; the bytes must outlive their sending unless `copy`. flush() writes.
  void send(ByteView frame);
  /// True when everything was written.
  bool flush();
  [[nodiscard]] bool writing() const { return sent_ < out_.size(); }
  /// Reads what there is; then take() gives whole frames, without their length, until it is empty.
  void receive();
  [[nodiscard]] ByteView take();
  /// Sends one request and waits for its answer.
  [[nodiscard]] ByteView call(ByteView frame);

 private:
  UniqueFd fd_;
  std::vector<std::byte> out_;
  std::size_t sent_ = 0;
  std::vector<std::byte> in_;
  std::size_t begin_ = 0;  // of what was not taken yet, in in_
  std::size_t end_ = 0;
};

/// Waits until one of the wires can be read (or written, where something is left to write), at most
/// `timeout_ns`; < 0: for ever. `ready` gets their indexes.
class Poller {
 public:
  explicit Poller(std::vector<Wire*> wires);
  void wait(std::int64_t timeout_ns, std::vector<std::size_t>& ready);

 private:
  std::vector<Wire*> wires_;
  std::vector<bool> armed_;  // for writing
  UniqueFd epoll_;
};

/// A request as bytes: length, header with correlation id 0, body.
template <class Request>
std::vector<std::byte> frame_of(protocol::ApiKey api, std::int16_t version,
                                const Request& request) {
  std::vector<std::byte> out(4);
  protocol::RequestHeader header;
  header.api = api;
  header.version = version;
  header.client_id = "penstock-bench";
  protocol::write_request_header(out, header);
  protocol::encode(request, out, version, protocol::is_flexible(api, version));
  store_be(out.data(), static_cast<std::int32_t>(out.size() - 4));
  return out;
}

/// The body of an answer: behind the correlation id, and the empty tagged fields of a flexible
/// version.
template <class Response>
Response answer_of(protocol::ApiKey api, std::int16_t version, ByteView frame) {
  const bool flexible = protocol::is_flexible(api, version);
  Response out;
  const ByteView body = frame.subspan(flexible ? 5 : 4);
  if (!protocol::decode_front(out, body, version, flexible))
    throw std::runtime_error("the broker's answer to " + std::string(protocol::to_string(api)) +
                             " is malformed");
  return out;
}

}  // namespace penstock::bench
